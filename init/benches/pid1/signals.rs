//! Signals sent while an init starts: as PID 1 of a namespace, where the kernel
//! throws away what nobody is ready for. Two figures: how long after its exec an
//! init blocks SIGTERM, and how many are lost that come later. The first is a median:
//! now and then an init has to wait for a processor before it can do anything. (The
//! CPU clock of a process that runs on another processor tells nothing: the kernel
//! brings it up to date at a tick or a switch.)

use crate::inits::{Init, first_child, in_namespace};
use bench::{Error, io};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub(crate) const ROUNDS: u32 = 1000;
pub(crate) const KINDS: [&str; 2] = ["to COMMAND", "to its group"];
/// Delays go up to this, by which all have started their command.
const LONGEST: Duration = Duration::from_millis(4);
/// A command that nobody told to end ends by itself.
const COMMAND: [&str; 2] = ["sleep", "0.2"];

pub(crate) struct Lost {
    /// Of those sent when SIGTERM was blocked.
    pub(crate) after: u32,
    /// Seconds from exec until it was.
    pub(crate) blind: f64,
}

/// One for each of [`KINDS`].
pub(crate) fn of(init: &Init) -> Result<Vec<Lost>, Error> {
    [init.command(&COMMAND), init.group_command(&COMMAND)]
        .iter()
        .map(lost)
        .collect()
}

fn lost(command: &Command) -> Result<Lost, Error> {
    let mut after = 0;
    let mut blind = Vec::new();
    for round in 0..ROUNDS {
        let delay = LONGEST.mul_f64(f64::from(round) / f64::from(ROUNDS));
        if let Some(seen) = try_once(command, delay)? {
            after += u32::from(seen.is_blocked && !seen.was_told);
            blind.extend(seen.ready);
        }
    }
    blind.sort_unstable();
    let median = blind.get(blind.len() / 2).copied().unwrap_or(Duration::MAX);
    Ok(Lost {
        after,
        blind: median.as_secs_f64(),
    })
}

/// What was seen of one start.
struct Seen {
    /// SIGTERM was blocked when one was sent.
    is_blocked: bool,
    /// From exec until SIGTERM was blocked, if that was seen to happen.
    ready: Option<Duration>,
    /// The command ended by the signal.
    was_told: bool,
}

fn try_once(command: &Command, delay: Duration) -> Result<Option<Seen>, Error> {
    let mut child = in_namespace(command)?
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(io("unshare"))?;
    let Some(pid) = first_child(&mut child)? else {
        // Over before we looked, on a busy machine: it tells nothing.
        return Ok(None);
    };
    let program = command.get_program();
    // Sampled: its exec lies between the last look and this one.
    while fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe != Path::new(program)) {
        std::hint::spin_loop();
    }
    let target = Pid::from_raw(pid);
    let exec = Instant::now();
    let mut ready = None;
    while exec.elapsed() < delay && ready.is_none() {
        if is_sigterm_blocked(target) {
            ready = Some(exec.elapsed());
        }
    }
    while exec.elapsed() < delay {
        std::hint::spin_loop();
    }
    let is_blocked = is_sigterm_blocked(target);
    let _ = nix::sys::signal::kill(target, nix::sys::signal::Signal::SIGTERM);
    let status = child.wait().map_err(io("unshare"))?;
    Ok(Some(Seen {
        is_blocked,
        ready,
        was_told: was_told(status),
    }))
}

/// Reads SigBlk of /proc/PID/status; false for a process that is over.
fn is_sigterm_blocked(pid: Pid) -> bool {
    const SIGTERM: u64 = 1 << 14;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & SIGTERM != 0)
}

fn was_told(status: ExitStatus) -> bool {
    status.code() == Some(143) || status.signal() == Some(15)
}
