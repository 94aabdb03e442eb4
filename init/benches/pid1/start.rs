//! What a start and an end cost: `INIT -- true` over `true`, taking turns.

use crate::inits::{Init, plain};
use bench::{Contender, Costs, Error, shuffle, tool};
use std::time::Duration;

const TRUE: &str = "/bin/true";
const ROUNDS: usize = 400;

/// Over the bare command, in microseconds.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    pub(crate) wall: f64,
    /// Of a hundred starts 5 take no longer than the first, 95 no longer than the second.
    pub(crate) spread: (f64, f64),
    pub(crate) cpu: f64,
}

pub(crate) fn all<'a>(inits: impl Iterator<Item = &'a Init>) -> Result<Vec<Start>, Error> {
    let mut contenders = vec![Contender::new("true", ROUNDS, || {
        bench::run(&mut plain(TRUE))
    })];
    for init in inits {
        let round = || bench::run(&mut init.command(&[TRUE]));
        contenders.push(Contender::new(init.name, ROUNDS, round));
    }
    let costs = shuffle(contenders)?;
    let [bare, inits @ ..] = costs.as_slice() else {
        return Ok(Vec::new());
    };
    let bare = bare.median();
    let over = |all: Duration, bare: Duration| (all.as_secs_f64() - bare.as_secs_f64()) * 1e6;
    let start = |costs: &Costs| {
        let wall = |percent| over(costs.percentile(percent).wall, bare.wall);
        Start {
            wall: wall(50),
            spread: (wall(5), wall(95)),
            cpu: over(costs.median().cpu, bare.cpu),
        }
    };
    Ok(inits.iter().map(start).collect())
}

/// System calls of one start and end, its children's included.
pub(crate) fn calls(init: &Init) -> Result<usize, Error> {
    let command = init.command(&[TRUE]);
    let traced = plain(tool("strace", "strace")?)
        .args(["--follow-forks", "--quiet=all", "--"])
        .arg(command.get_program())
        .args(command.get_args())
        .output()
        .map_err(bench::io("strace"))?;
    let text = String::from_utf8_lossy(&traced.stderr);
    // A call that another process' line cut in two is told twice.
    let is_call = |line: &&str| line.contains('(') && !line.contains("resumed>");
    Ok(text.lines().filter(is_call).count())
}
