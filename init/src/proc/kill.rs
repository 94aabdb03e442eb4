//! Ends all processes of an account. Decides nothing about accounts: uids in, an error out if
//! a process is left.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use accounts::account::Uid;
use accounts::files::subid;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{is_own_program, processes};
use crate::error::Error;
use crate::layout::OWN_PROGRAM;
use crate::log::say;

/// A uid that no account has: below systemd's dynamic users, above its home users. The killing
/// child has it as real and saved uid, so no process of the account can kill it.
const KILLER_UID: u32 = 61_183;
/// After this the kill has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Looks in a row that must find no process of a range. A fork racer's process is often gone
/// before its status is read; on a busy machine three looks missed one.
const LOOKS: u32 = 20;
/// Uids of a range that are killed after one look.
const AT_ONCE: usize = 64;

/// Returns true if processes of a uid may be killed here at all: PID 1 is this container's.
/// With `--pid=host`, or in the PID namespace of another container, the uid may be another
/// person's.
fn may_kill() -> bool {
    is_own_program(1) == Some(true)
}

pub(crate) fn kill_process(pid: i32) {
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

/// The uids of an account whose processes are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountUids {
    /// The account's own.
    pub(crate) uid: Uid,
    /// Those that it can become in a user namespace: newuidmap(1).
    pub(crate) subordinate: Option<subid::Range>,
}

/// Ends the processes of disabled and removed accounts: first thing of `disable` and
/// `remove`, and again after /etc is written, for those that logged in meanwhile. Does nothing
/// in a `--root` tree, which has no processes; `explains` once if PID 1 is not occ-init.
pub(crate) fn end_processes(
    root: &Path,
    accounts: &[AccountUids],
    explains: bool,
) -> Result<(), Error> {
    if root != Path::new("/") {
        return Ok(());
    }
    if !may_kill() {
        if explains {
            say("occ-init is not PID 1 here: processes of the account were not ended");
        }
        return Ok(());
    }
    for uids in accounts {
        if !kill_uids(uids) {
            return Err(Error::StillRunning(uids.uid));
        }
    }
    Ok(())
}

/// Kills every process of the uid, then those of its subordinate ones, to which none is left
/// that could add more. Returns true if none is left.
fn kill_uids(uids: &AccountUids) -> bool {
    let deadline = Instant::now() + PATIENCE;
    kill_uid(uids.uid.get(), deadline)
        && uids
            .subordinate
            .is_none_or(|range| kill_range(range, deadline))
}

/// Kills fork racers too: kill(2) to −1 reaches all of them under one lock of the kernel,
/// which no scan of /proc can. Kills before it looks: a racer's processes are too short to
/// be seen there.
fn kill_uid(uid: u32, deadline: Instant) -> bool {
    loop {
        let child = std::process::Command::new(OWN_PROGRAM)
            .args(["user", "sweep", &uid.to_string()])
            .status();
        let Ok(status) = child else {
            say("cannot start /proc/self/exe to end processes");
            return false;
        };
        // Without a code it was killed itself, perhaps before its own kill.
        if status.code().is_some() && !is_running(uid) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills all processes under a range of uids. Only uids that are seen can be killed; the range
/// is empty when [`LOOKS`] looks in a row found no process.
fn kill_range((first, last): subid::Range, deadline: Instant) -> bool {
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
        if Instant::now() > deadline || !uids.all(|uid| kill_uid(uid, deadline)) {
            return false;
        }
    }
    true
}

/// The child of [`kill_uids`]: becomes the uid, with a real and saved uid that its processes
/// cannot signal, and kills all it may.
pub(crate) fn kill_child(uid: u32) -> u8 {
    let id = nix::unistd::Uid::from_raw;
    let become_uid = |reserved: u32| nix::unistd::setresuid(id(reserved), id(uid), id(reserved));
    // In a user namespace the reserved uid may not exist.
    if become_uid(KILLER_UID).or_else(|_| become_uid(uid)).is_err() {
        return 1;
    }
    let _ = nix::sys::prctl::set_dumpable(false);
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    0
}

fn is_running(uid: u32) -> bool {
    processes().any(|process| process.uids.contains(&uid))
}
