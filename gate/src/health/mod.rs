//! `occ-gate health`, the image's health check, run as root: 0 healthy, 1 not.
//!
//! occ-init answers for the accounts and its child. Where the child is the gate,
//! which leaves /run/occ/gate.json, or opencode, whose password file occ-opencode
//! leaves, an HTTP answer is asked for as well. Changes nothing.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use serde::Deserialize;

use crate::log;

const OCC_INIT: &str = "/usr/local/bin/occ-init";
const GATE_STATUS: &str = "/run/occ/gate.json";
const OPENCODE_MARKER: &str = "/run/occ-opencode/server-password";
const OPENCODE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000);
/// opencode's port accepts before the server is ready, and a request sent then is
/// never answered.
const PATIENCE: Duration = Duration::from_secs(3);

/// The part of /run/occ/gate.json that is needed here.
#[derive(Deserialize)]
struct Status {
    listen: SocketAddr,
}

/// Asks occ-init, then the program that it runs.
pub fn main() -> ExitCode {
    let checked = Command::new(OCC_INIT).args(["health", "--ready"]).status();
    match checked {
        Ok(status) if status.success() => (),
        Ok(_) => return ExitCode::FAILURE,
        Err(error) => return unhealthy(&format!("cannot run '{OCC_INIT}': {error}")),
    }
    if let Ok(text) = std::fs::read(GATE_STATUS) {
        let Ok(Status { listen }) = serde_json::from_slice(&text) else {
            return unhealthy(&format!("cannot read '{GATE_STATUS}'"));
        };
        if !get(local(listen), "/_occ/health").is_ok_and(|status| status < 400) {
            let port = listen.port();
            return unhealthy(&format!("the login does not answer on port {port}"));
        }
    } else if Path::new(OPENCODE_MARKER).exists() && get(OPENCODE, "/global/health").is_err() {
        // Any status will do: without the password it is 401.
        return unhealthy("opencode does not answer on port 3000");
    }
    ExitCode::SUCCESS
}

fn unhealthy(why: &str) -> ExitCode {
    log::line(why);
    ExitCode::FAILURE
}

/// The address at which a listener can be reached from here.
fn local(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Sends a GET and returns the status of the answer, `HTTP/1.1 200 …`.
fn get(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = [0; 12];
    stream.read_exact(&mut line)?;
    let status = std::str::from_utf8(&line).ok();
    let status = status.and_then(|line| line.strip_prefix("HTTP/1.1 ")?.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests;
