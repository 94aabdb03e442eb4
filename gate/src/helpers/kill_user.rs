//! `occ-gate kill-user`: ends every process of a uid, those of one session (setsid(2)), or
//! all but those of some sessions.
//!
//! kill(2) to −1 reaches all that a process may signal, under one lock of the
//! kernel, so nobody forks out of it, which no scan of /proc can promise.
//! Sessions are found by such a scan: what leaves one in time is ended with the uid.
//! The process that kills has a reserved real and saved uid, so those it kills
//! cannot signal it.

use std::process::ExitCode;

use clap::Args;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};

use crate::processes::with_uid;

/// A uid that belongs to nobody: below systemd's dynamic users, above its home
/// users.
const KILLER_UID: u32 = 61_183;

/// The uid whose processes end, and the signal.
#[derive(Args)]
pub struct Options {
    uid: u32,
    /// KILL instead of TERM, or HUP for a session.
    #[arg(long)]
    kill: bool,
    /// Only this session.
    #[arg(long)]
    session: Option<i32>,
    /// All but these sessions.
    #[arg(long)]
    spare: Vec<i32>,
}

/// 0 when the signal was sent, or nobody was there to get it.
pub fn main(options: &Options) -> ExitCode {
    if options.uid == 0 {
        return ExitCode::FAILURE;
    }
    let gid = Gid::from_raw(KILLER_UID);
    // Where the reserved ids don't exist the person's own must do: then the
    // process can be killed itself, and the monitor starts the next.
    let _ = setgroups(&[]);
    let _ = setresgid(gid, gid, gid);
    let become_uid = |reserved: u32| {
        let (reserved, target) = (Uid::from_raw(reserved), Uid::from_raw(options.uid));
        setresuid(reserved, target, reserved)
    };
    if become_uid(KILLER_UID)
        .or_else(|_| become_uid(options.uid))
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    let _ = prctl::set_dumpable(false);
    send(options);
    ExitCode::SUCCESS
}

fn send(options: &Options) {
    let signals: &[Signal] = match (options.kill, options.session) {
        (true, _) => &[Signal::SIGKILL],
        (false, None) => &[Signal::SIGTERM],
        // As the kernel does to a terminal that is hung up: what is stopped goes on.
        (false, Some(_)) => &[Signal::SIGHUP, Signal::SIGCONT],
    };
    let to = |pid| {
        for signal in signals {
            let _ = kill(Pid::from_raw(pid), *signal);
        }
    };
    let is_meant = |session: Option<i32>| match options.session {
        Some(_) => session == options.session,
        None => session.is_none_or(|session| !options.spare.contains(&session)),
    };
    if options.session.is_none() && options.spare.is_empty() {
        return to(-1);
    }
    // This process has that uid too, as its effective one; −1 leaves it out as well.
    let own = std::process::id().cast_signed();
    with_uid(options.uid)
        .filter(|(pid, session)| *pid != own && is_meant(*session))
        .for_each(|(pid, _)| to(pid));
}
