//! 20,000 orphans that end at once, and come to PID 1 of a namespace: what reaping
//! them costs, and how many wait for it at a time.

use crate::inits::{Init, first_child};
use bench::{Contender, Cost, Costs, Error, interleave, io};
use std::cell::Cell;
use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

const COUNT: u32 = 20_000;
/// Between two looks at the zombies.
const STEP: u32 = 50;
/// Each of some seconds.
const ROUNDS: usize = 3;

pub(crate) struct Orphans {
    /// Microseconds of the init's own CPU, each.
    pub(crate) cpu: f64,
    /// Seconds for all.
    pub(crate) wall: f64,
    pub(crate) most: usize,
}

/// Medians, but for the zombies: of those the most in any round.
pub(crate) fn all(inits: &[Init]) -> Result<Vec<Orphans>, Error> {
    let most = vec![Cell::new(0); inits.len()];
    let mut contenders = Vec::new();
    for (init, most) in inits.iter().zip(&most) {
        contenders.push(Contender::new(init.name, ROUNDS, || of(init, most)));
    }
    let costs = interleave(contenders)?;
    let told = |(costs, most): (&Costs, &Cell<usize>)| Orphans {
        cpu: costs.median().cpu.as_secs_f64() * 1e6 / f64::from(COUNT),
        wall: costs.median().wall.as_secs_f64(),
        most: most.get(),
    };
    Ok(costs.iter().zip(&most).map(told).collect())
}

/// What one round cost the init itself.
fn of(init: &Init, most: &Cell<usize>) -> Result<Cost, Error> {
    let script = format!(
        "i=0; while [ $i -lt {COUNT} ]; do (: &); i=$((i+1)); \
         [ $((i % {STEP})) = 0 ] && printf .; done; echo; read line"
    );
    let mut command = init.as_pid1(&["sh", "-c", &script])?;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(io(init.name))?;
    let pid = first_child(&mut child)?.ok_or_else(|| Error::Other("it is over".into()))?;
    let started = Instant::now();
    let before = ticks(pid)?;
    let mut out = child
        .stdout
        .take()
        .ok_or_else(|| Error::Other("no pipe".into()))?;
    let mut byte = [0];
    while out.read(&mut byte).map_err(io(init.name))? == 1 && byte != *b"\n" {
        most.set(most.get().max(zombies(pid)));
    }
    while children(pid).len() > 1 {
        std::thread::yield_now();
    }
    let wall = started.elapsed();
    let used = ticks(pid)?.saturating_sub(before);
    drop(child.stdin.take());
    child.wait().map_err(io(init.name))?;
    Ok(Cost {
        wall,
        cpu: Duration::from_nanos(used),
        ..Cost::default()
    })
}

/// Nanoseconds on a processor, from /proc/PID/schedstat.
fn ticks(pid: i32) -> Result<u64, Error> {
    let path = format!("/proc/{pid}/schedstat");
    let text = fs::read_to_string(&path).map_err(io(&path))?;
    let first = text
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    first.ok_or_else(|| Error::Other(format!("no time in '{path}'")))
}

fn children(pid: i32) -> Vec<String> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().map(str::to_owned).collect()
}

fn zombies(pid: i32) -> usize {
    let is_zombie = |child: &String| {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, rest)| rest.starts_with(" Z"))
    };
    children(pid)
        .iter()
        .filter(|child| is_zombie(child))
        .count()
}
