//! Ends all processes of an account. Decides nothing about accounts: a uid in, true out if
//! none is left.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use accounts::id::Uid;
use accounts::subid;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::processes;
use crate::layout::OWN_PROGRAM;
use crate::log::say;

/// A uid that belongs to nobody: below systemd's dynamic users, above its home
/// users. Whoever sweeps has it as real and saved uid, so nobody can kill them.
const SWEEPER: u32 = 61_183;
/// How long a sweep may take before it is called failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often nobody of a range must be seen: a fork racer hides from one look.
const LOOKS: u32 = 3;
/// How many uids of a range are swept after one look.
const AT_ONCE: usize = 64;

/// Whether processes of a uid may be killed here at all: this is the container,
/// not a `--root` tree, and its PID 1 is this very program. With `--pid=host`
/// the uid may be a stranger's.
pub(crate) fn may_sweep() -> bool {
    use std::os::unix::fs::MetadataExt;
    let file = |path: &str| fs::metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
    file("/proc/1/exe").is_some_and(|init| file(OWN_PROGRAM) == Some(init))
}

/// Kills one process.
pub(crate) fn kill_process(pid: i32) {
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

/// Whose processes are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Victim {
    /// The account's own.
    pub(crate) uid: Uid,
    /// What it can become in a user namespace: newuidmap(1).
    pub(crate) subordinate: Option<subid::Range>,
}

/// Kills every process of the uid, then those of its subordinate ones, to which
/// nobody is left who could add more. True when none is left.
pub(crate) fn sweep(victim: &Victim) -> bool {
    let deadline = Instant::now() + PATIENCE;
    sweep_uid(victim.uid.get(), deadline)
        && victim
            .subordinate
            .is_none_or(|range| sweep_range(range, deadline))
}

/// Fork racers included: kill(2) to −1 reaches all of them under one lock of the
/// kernel, which no scan of /proc can. So it kills before it looks: a racer's
/// processes are too short to be seen there.
fn sweep_uid(uid: u32, deadline: Instant) -> bool {
    loop {
        let child = std::process::Command::new(OWN_PROGRAM)
            .args(["user", "sweep", &uid.to_string()])
            .status();
        let Ok(status) = child else {
            say("cannot start /proc/self/exe to end processes");
            return false;
        };
        // Without a code somebody killed it, perhaps before its own kill.
        if status.code().is_some() && !is_running(uid) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills whatever runs under one of so many uids that only those which are seen
/// can be swept. A look that finds nobody is believed when it is one of [`LOOKS`].
fn sweep_range((first, last): subid::Range, deadline: Instant) -> bool {
    let is_in = |uid: &u32| (first..=last).contains(&u64::from(*uid));
    let mut clean = 0;
    while clean < LOOKS {
        let mut seen = BTreeSet::new();
        for process in processes().filter(|process| process.uids.iter().any(is_in)) {
            seen.extend(process.uids.into_iter().filter(is_in));
            kill_process(process.pid);
        }
        clean = if seen.is_empty() { clean + 1 } else { 0 };
        // What that kill came too late for; of very many the next round's are fewer.
        let mut uids = seen.into_iter().take(AT_ONCE);
        if Instant::now() > deadline || !uids.all(|uid| sweep_uid(uid, deadline)) {
            return false;
        }
    }
    true
}

/// The child of [`sweep`]: becomes the uid, with a real and saved uid that the
/// victims can't signal, and kills all it may.
pub(crate) fn sweep_child(uid: u32) -> u8 {
    let id = nix::unistd::Uid::from_raw;
    let become_uid = |reserved: u32| nix::unistd::setresuid(id(reserved), id(uid), id(reserved));
    // In a user namespace the reserved uid may not exist.
    if become_uid(SWEEPER).or_else(|_| become_uid(uid)).is_err() {
        return 1;
    }
    let _ = nix::sys::prctl::set_dumpable(false);
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    0
}

fn is_running(uid: u32) -> bool {
    processes().any(|process| process.uids.contains(&uid))
}
