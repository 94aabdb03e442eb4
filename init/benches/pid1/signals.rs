//! Signals sent while an init starts: as PID 1 of a namespace, where the kernel
//! throws away what nobody is ready for. Each round sends one SIGTERM some time
//! after the exec of the init, and looks whether the command died of it. How long
//! the init had run by then is its own time on a processor: on a busy machine it
//! may have waited for one meanwhile, and nothing is ready that never ran.

use crate::inits::{Init, first_child, in_namespace};
use bench::{Error, io};
use nix::errno::Errno;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub(crate) const ROUNDS: u32 = 1000;
pub(crate) const KINDS: [&str; 2] = ["to COMMAND", "to its group"];
/// Blind: before this an init may lose one. The bar, in seconds.
const BLIND: f64 = 0.15e-3;
/// Delays go up to this, by which all have started their command.
const LONGEST: Duration = Duration::from_millis(4);
/// A command that nobody told to end ends by itself.
const COMMAND: [&str; 2] = ["sleep", "0.2"];

pub(crate) struct Lost {
    /// Of those sent after the blind window.
    pub(crate) after: u32,
    /// How many seconds after exec the last one was lost.
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
    let mut lost = Lost {
        after: 0,
        blind: 0.0,
    };
    for round in 0..ROUNDS {
        let delay = LONGEST.mul_f64(f64::from(round) / f64::from(ROUNDS));
        if let Some(at) = try_once(command, delay)? {
            lost.after += u32::from(at > BLIND);
            lost.blind = lost.blind.max(at);
        }
    }
    Ok(lost)
}

/// When the signal was sent, in seconds after exec, if it was lost.
fn try_once(command: &Command, delay: Duration) -> Result<Option<f64>, Error> {
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
    let (exec, before) = (Instant::now(), ran(target)?);
    while exec.elapsed() < delay {
        std::hint::spin_loop();
    }
    let sent = ran(target)?.saturating_sub(before).as_secs_f64();
    let _ = nix::sys::signal::kill(target, nix::sys::signal::Signal::SIGTERM);
    let status = child.wait().map_err(io("unshare"))?;
    Ok((!was_told(status)).then_some(sent))
}

/// Its time on a processor; all there ever was when it is over already.
fn ran(pid: Pid) -> Result<Duration, Error> {
    match clock_getcpuclockid(pid).and_then(ClockId::now) {
        Ok(time) => Ok(time.into()),
        Err(Errno::ESRCH | Errno::EINVAL) => Ok(Duration::MAX),
        Err(errno) => Err(Error::Other(format!("no clock of process {pid}: {errno}"))),
    }
}

fn was_told(status: ExitStatus) -> bool {
    status.code() == Some(143) || status.signal() == Some(15)
}
