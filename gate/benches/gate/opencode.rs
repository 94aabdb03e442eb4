//! The opencode that the gate started for somebody, reached past the gate.

use crate::http::{Connection, get};
use crate::place::{PATIENCE, Place, people};
use base64ct::{Base64, Encoding as _};
use bench::{Error, number, until};
use hyper::StatusCode;
use hyper::header::COOKIE;
use std::fs;
use std::net::SocketAddr;

/// What it takes to ask it directly.
pub(crate) struct Opencode {
    pub(crate) address: SocketAddr,
    /// Its password, as the gate sends it.
    pub(crate) authorization: String,
}

/// Of the first person, whose session this is.
pub(crate) fn start(place: &Place, session: &str) -> Result<Opencode, Error> {
    let mut connection = Connection::open(place.address)?;
    until("an opencode that answers", PATIENCE, || {
        let asked = connection.ask(get("/global/health").header(COOKIE, session), "")?;
        Ok((asked.status == StatusCode::OK).then_some(()))
    })?;
    let uid = people().first().map_or(0, |person| person.uid);
    let password = password(uid).ok_or_else(|| Error::Other("it has no password".into()))?;
    let port = port(uid).ok_or_else(|| Error::Other("it listens nowhere".into()))?;
    let pair = Base64::encode_string(format!("opencode:{password}").as_bytes());
    Ok(Opencode {
        address: SocketAddr::from(([127, 0, 0, 1], port)),
        authorization: format!("Basic {pair}"),
    })
}

/// From the environment of a process with that uid.
fn password(uid: u32) -> Option<String> {
    let processes = fs::read_dir("/proc").ok()?;
    let pids = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let theirs = pids.filter(|&pid: &u32| number(pid, "status", "Uid:").is_ok_and(|it| it == uid));
    let environments = theirs.filter_map(|pid| fs::read(format!("/proc/{pid}/environ")).ok());
    environments.into_iter().find_map(|environment| {
        let mut variables = environment.split(|&byte| byte == 0);
        let value = variables.find_map(|one| one.strip_prefix(b"OPENCODE_SERVER_PASSWORD="))?;
        String::from_utf8(value.to_vec()).ok()
    })
}

/// On which a process with that uid listens: `LOCAL REMOTE 0A … UID`.
fn port(uid: u32) -> Option<u16> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_theirs = columns.get(3) == Some(&"0A") && columns.get(7)?.parse() == Ok(uid);
        let (_, port) = columns.get(1).filter(|_| is_theirs)?.split_once(':')?;
        u16::from_str_radix(port, 16).ok()
    })
}
