//! The same requests to the same opencode, directly and through the gate, taking
//! turns, each on a connection that stays open as a browser's does.

use crate::http::{Connection, get};
use crate::millis;
use crate::opencode::Opencode;
use crate::place::Place;
use bench::{Contender, Cost, Costs, Error, interleave};
use hyper::header::{AUTHORIZATION, COOKIE};
use hyper::http::request::Builder;
use std::time::Instant;

/// The smallest answer that there is, a JSON document, and the page.
const PATHS: [&str; 3] = ["/global/health", "/path", "/"];
const ROUNDS: usize = 1000;
/// Both have run the code by then.
const WARM: usize = 200;

/// One path, both ways.
pub(crate) struct Beside {
    pub(crate) path: &'static str,
    pub(crate) direct: Costs,
    pub(crate) gate: Costs,
}

impl Beside {
    pub(crate) fn added_ms(&self) -> f64 {
        millis(self.gate.median().wall) - millis(self.direct.median().wall)
    }
}

pub(crate) fn all(place: &Place, session: &str, opencode: &Opencode) -> Result<Vec<Beside>, Error> {
    let mut direct = Connection::open(opencode.address)?;
    let mut gate = Connection::open(place.address)?;
    let both = |path| {
        let directly = || get(path).header(AUTHORIZATION, &opencode.authorization);
        let through = || get(path).header(COOKIE, session);
        for _ in 0..WARM {
            same(&mut direct, directly(), &mut gate, through())?;
        }
        let costs = interleave(vec![
            Contender::new("opencode", ROUNDS, || timed(&mut direct, directly())),
            Contender::new("gate", ROUNDS, || timed(&mut gate, through())),
        ])?;
        match <[Costs; 2]>::try_from(costs) {
            Ok([direct, gate]) => Ok(Beside { path, direct, gate }),
            Err(_) => Err(Error::Other("no rounds".into())),
        }
    };
    PATHS.map(both).into_iter().collect()
}

fn timed(connection: &mut Connection, request: Builder) -> Result<Cost, Error> {
    let started = Instant::now();
    connection.get(request)?;
    Ok(Cost {
        wall: started.elapsed(),
        ..Cost::default()
    })
}

/// Both ways have to lead to the same answer.
fn same(
    direct: &mut Connection,
    directly: Builder,
    gate: &mut Connection,
    through: Builder,
) -> Result<(), Error> {
    if direct.get(directly)? == gate.get(through)? {
        return Ok(());
    }
    Err(Error::Other("the gate answers something else".into()))
}
