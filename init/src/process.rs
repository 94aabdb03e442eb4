//! Processes, as /proc shows them: whose they are, whether they still run, and
//! how to end all of a person's.

use crate::say::say;
use accounts::id::Uid;
use accounts::subid;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// One process, from /proc/PID/status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) real_uid: u32,
    uids: [u32; 4],
}

impl Process {
    /// The process, unless it is gone or a zombie.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
        let state = field("State:")?.trim_start();
        if state.starts_with('Z') || state.starts_with('X') {
            return None;
        }
        let mut ids = field("Uid:")?
            .split_ascii_whitespace()
            .map_while(|id| id.parse().ok());
        let uids = [ids.next()?, ids.next()?, ids.next()?, ids.next()?];
        Some(Self {
            pid,
            real_uid: uids[0],
            uids,
        })
    }

    /// When it started, in seconds since 1970.
    pub(crate) fn started(self) -> Option<i64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        // The name in parentheses may hold blanks; field 22 is the 20th after it.
        let ticks: i64 = stat
            .rsplit_once(')')?
            .1
            .split_ascii_whitespace()
            .nth(19)?
            .parse()
            .ok()?;
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
        let boot = fs::read_to_string("/proc/stat").ok()?;
        let boot: i64 = boot
            .lines()
            .find_map(|line| line.strip_prefix("btime "))?
            .trim()
            .parse()
            .ok()?;
        Some(boot + ticks / per_second)
    }

    pub(crate) fn kill(self) {
        let _ = kill(Pid::from_raw(self.pid), Signal::SIGKILL);
    }
}

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
    file("/proc/1/exe").is_some_and(|init| file("/proc/self/exe") == Some(init))
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
        let child = std::process::Command::new("/proc/self/exe")
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
        for process in all().filter(|process| process.uids.iter().any(is_in)) {
            seen.extend(process.uids.into_iter().filter(is_in));
            process.kill();
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

/// Resident memory of all processes of a uid, in bytes. What they share counts
/// for each.
pub(crate) fn memory_of(uid: u32) -> u64 {
    let of = |process: Process| {
        let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    };
    let own = all().filter(|process| process.real_uid == uid);
    own.filter_map(of).sum::<u64>() * 1024
}

fn is_running(uid: u32) -> bool {
    all().any(|process| process.uids.contains(&uid))
}

fn all() -> impl Iterator<Item = Process> {
    let own = i32::try_from(std::process::id()).unwrap_or_default();
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(move |&pid| pid != own)
        .filter_map(Process::read)
}

/// Whether this process and its parent are the only ones of the pid namespace,
/// and the parent is PID 1: nobody else can be holding a lock file.
pub(crate) fn is_alone_with_init() -> bool {
    nix::unistd::getppid().as_raw() == 1
        && all().map(|process| process.pid).collect::<BTreeSet<_>>() == BTreeSet::from([1])
}
