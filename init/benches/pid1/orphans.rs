//! 20,000 orphans that end at once, and come to PID 1 of a namespace: what reaping
//! them costs, and how many wait for it at a time.

use crate::inits::{Init, first_child};
use bench::{Error, io};
use std::fs;
use std::io::Read as _;
use std::process::Stdio;
use std::time::Instant;

const COUNT: u32 = 20_000;
/// Between two looks at the zombies.
const STEP: u32 = 50;
/// Each of some seconds.
const ROUNDS: usize = 3;

#[derive(Clone, Copy)]
pub(crate) struct Orphans {
    /// Microseconds of the init's own CPU, each.
    pub(crate) cpu: f64,
    /// Seconds for all.
    pub(crate) wall: f64,
    pub(crate) most: usize,
}

/// Medians, but for the zombies: of those the most in any round.
pub(crate) fn all(inits: &[Init]) -> Result<Vec<Orphans>, Error> {
    let mut rounds = vec![Vec::new(); inits.len()];
    for _ in 0..ROUNDS {
        for (init, rounds) in inits.iter().zip(&mut rounds) {
            rounds.push(of(init)?);
        }
    }
    let told = |rounds: &Vec<Orphans>| Orphans {
        cpu: median(rounds.iter().map(|round| round.cpu)),
        wall: median(rounds.iter().map(|round| round.wall)),
        most: rounds.iter().map(|round| round.most).max().unwrap_or(0),
    };
    Ok(rounds.iter().map(told).collect())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn of(init: &Init) -> Result<Orphans, Error> {
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
    let (mut byte, mut most) = ([0], 0);
    while out.read(&mut byte).map_err(io(init.name))? == 1 && byte != *b"\n" {
        most = most.max(zombies(pid));
    }
    while children(pid).len() > 1 {
        std::thread::yield_now();
    }
    let wall = started.elapsed().as_secs_f64();
    let used = ticks(pid)?.saturating_sub(before);
    drop(child.stdin.take());
    child.wait().map_err(io(init.name))?;
    Ok(Orphans {
        cpu: f64::from(u32::try_from(used).unwrap_or(u32::MAX)) / 1e3 / f64::from(COUNT),
        wall,
        most,
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
