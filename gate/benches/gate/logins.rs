//! Logins through the page beside checks of PAM, of the same person with the same
//! hash, taking turns.
//!
//! Compared is CPU time, of the check's whole process and of all processes of the
//! gate, those that asked PAM included: PAM's work is the hash, so that asking
//! twice would be twice the time. Only successful logins: failures are held back
//! until the next whole 3 s, whatever they cost.

use crate::http::{Connection, get};
use crate::memory::cpu;
use crate::place::{PASSWORD, Person, Place, people};
use crate::{check, http};
use bench::{Contender, Cost, Costs, Error, interleave};
use hyper::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use hyper::{Request, StatusCode};
use std::cell::RefCell;
use std::time::Instant;

/// As the rows of the table are called.
const CHECK: &str = "a check of PAM";
const LOGIN: &str = "a login";

/// Everybody is checked, and logged in. What it cost, and their cookies.
pub(crate) fn all(place: &Place) -> Result<(Vec<Costs>, Vec<String>), Error> {
    let people = people();
    let sessions = RefCell::new(Vec::new());
    let mut connection = Connection::open(place.address)?;
    let mut checked = people.iter();
    let mut logged_in = people.iter();
    let next = |people: &mut std::slice::Iter<'_, Person>| {
        let person = people.next().cloned();
        person.ok_or_else(|| Error::Other("more rounds than people".into()))
    };
    let costs = interleave(vec![
        Contender::new(CHECK, people.len(), || {
            let person = next(&mut checked)?;
            bench::run(&mut check::command(place, &person.name))
        }),
        Contender::new(LOGIN, people.len(), || {
            let person = next(&mut logged_in)?;
            let (cost, cookie) = log_in(place, &mut connection, &person)?;
            // A session that was not used is not in the web half's memory.
            connection.get(get("/_occ/account").header(COOKIE, &cookie))?;
            sessions.borrow_mut().push(cookie);
            Ok(cost)
        }),
    ])?;
    Ok((costs, sessions.into_inner()))
}

/// The form of the login page, as a browser sends it.
fn log_in(
    place: &Place,
    connection: &mut Connection,
    person: &Person,
) -> Result<(Cost, String), Error> {
    let form = format!("user={}&password={PASSWORD}", person.name);
    let request = Request::post("/_occ/login")
        .header(ORIGIN, format!("http://{}", place.address))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let before = cpu(place)?;
    let started = Instant::now();
    let answer = connection.ask(request, &form)?;
    let wall = started.elapsed();
    let cost = Cost {
        wall,
        cpu: cpu(place)?.saturating_sub(before),
        ..Cost::default()
    };
    if answer.status != StatusCode::SEE_OTHER {
        return Err(http::failed(format!("a login answers {}", answer.status)));
    }
    let lines = answer.headers.get_all(SET_COOKIE).iter();
    let pair = lines.filter_map(|line| line.to_str().ok()?.split(';').next());
    let session = pair.into_iter().find(|pair| pair.starts_with("occ_"));
    let session = session.ok_or_else(|| http::failed("a login sets no cookie"))?;
    Ok((cost, session.to_owned()))
}
