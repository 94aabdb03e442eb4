//! `occ-gate kill-user`: ends every process of a uid.
//!
//! kill(2) to −1 reaches all that a process may signal, under one lock of the
//! kernel, so nobody forks out of it, which no scan of /proc can promise. The
//! sweeper has a reserved real and saved uid, so those swept can't signal it.

use std::process::ExitCode;

use clap::Args;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid, setgroups, setresgid, setresuid};

/// A uid that belongs to nobody: below systemd's dynamic users, above its home
/// users.
const SWEEPER: u32 = 61_183;

/// The uid whose processes end, and the signal.
#[derive(Args)]
pub struct Options {
    uid: u32,
    /// KILL instead of TERM.
    #[arg(long)]
    kill: bool,
}

/// 0 when the signal was sent, or nobody was there to get it.
pub fn main(options: &Options) -> ExitCode {
    if options.uid == 0 {
        return ExitCode::FAILURE;
    }
    let signal = if options.kill {
        Signal::SIGKILL
    } else {
        Signal::SIGTERM
    };
    let gid = Gid::from_raw(SWEEPER);
    // Where the reserved ids don't exist the person's own must do: then the
    // sweeper can be killed itself, and the monitor sends the next.
    let _ = setgroups(&[]);
    let _ = setresgid(gid, gid, gid);
    let become_uid = |reserved: u32| {
        let (reserved, victim) = (Uid::from_raw(reserved), Uid::from_raw(options.uid));
        setresuid(reserved, victim, reserved)
    };
    if become_uid(SWEEPER)
        .or_else(|_| become_uid(options.uid))
        .is_err()
    {
        return ExitCode::FAILURE;
    }
    let _ = prctl::set_dumpable(false);
    let _ = kill(Pid::from_raw(-1), signal);
    ExitCode::SUCCESS
}
