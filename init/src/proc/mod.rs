//! The only reader of /proc/PID: what processes there are, whose they are, whether they run.
//! This file signals nobody; `kill` does.

pub(crate) mod kill;

use crate::layout::OWN_PROGRAM;
use crate::sys::{has_note, own_pid};
use std::fmt;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

/// One process, by /proc/PID/stat: what everybody may know of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pid: i32,
    pub(crate) name: String,
    /// `R`, `S`, `T`, `Z`…, see proc(5).
    pub(crate) state: char,
    pub(crate) parent: i32,
    /// It has a controlling terminal.
    pub(crate) has_terminal: bool,
    /// Clock ticks from the boot of the machine to its start.
    start_ticks: i64,
}

impl Stat {
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        Self::parse(&String::from_utf8_lossy(&stat))
    }

    /// Reads `PID (NAME) STATE PARENT …`; the name may hold brackets and blanks.
    fn parse(stat: &str) -> Option<Self> {
        /// Fields between PARENT and TTY_NR, which is field 7.
        const BEFORE_TTY: usize = 2;
        /// Fields between that and STARTTIME, which is field 22.
        const BEFORE_START: usize = 14;
        let (front, back) = stat.rsplit_once(')')?;
        let (pid, name) = front.split_once('(')?;
        let mut fields = back.split_ascii_whitespace();
        Some(Self {
            pid: pid.trim_ascii().parse().ok()?,
            name: name.to_owned(),
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            has_terminal: fields.nth(BEFORE_TTY)? != "0",
            start_ticks: fields.nth(BEFORE_START)?.parse().ok()?,
        })
    }

    /// Returns true for a process that has ended and is not reaped.
    pub(crate) fn has_ended(&self) -> bool {
        self.is_dead() && has_no_thread(self.pid)
    }

    fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// When it started, in seconds since 1970.
    pub(crate) fn started(&self) -> Option<i64> {
        let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok()??;
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let boot: i64 = field(&stat, "btime ")?.parse().ok()?;
        Some(boot + self.start_ticks / per_second)
    }
}

/// Returns true if no thread of a process runs. The first one, which the process is seen by,
/// may end before the others.
fn has_no_thread(pid: i32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task"));
    let stats = threads.into_iter().flatten().flatten();
    let mut stats = stats.filter_map(|thread| {
        let stat = fs::read(thread.path().join("stat")).ok()?;
        Stat::parse(&String::from_utf8_lossy(&stat))
    });
    stats.all(|stat| stat.is_dead())
}

/// Returns true for a process that runs this program, whichever copy of it, and sees the same
/// files: PID 1 may be another container's. `None` where the kernel does not say.
pub(crate) fn is_own_program(pid: i32) -> Option<bool> {
    let file = |path: &str| {
        let meta = fs::metadata(path).ok()?;
        Some((meta.dev(), meta.ino()))
    };
    let program = format!("/proc/{pid}/exe");
    if file(&program)? != file(OWN_PROGRAM)? && !has_note(&head(&program)?) {
        return Some(false);
    }
    // Where the kernel tells of no namespaces there is one.
    let other = file(&format!("/proc/{pid}/ns/mnt"));
    Some(other.is_none_or(|other| Some(other) == file("/proc/self/ns/mnt")))
}

/// The part of a program's file where its notes are, by one call: every start reads it.
fn head(path: &str) -> Option<Vec<u8>> {
    const LENGTH: usize = 4096;
    let mut head = vec![0; LENGTH];
    let got = fs::File::open(path).ok()?.read(&mut head).ok()?;
    head.truncate(got);
    Some(head)
}

/// The name of a process.
pub(crate) fn name(pid: i32) -> Option<String> {
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
}

/// One process that has not ended, by /proc/PID/status: whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) real_uid: u32,
    /// Real, effective, saved and for files.
    uids: [u32; 4],
    resident_bytes: u64,
}

impl Process {
    /// Returns `None` if the process is gone or has ended.
    pub(crate) fn read(pid: i32) -> Option<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        if field(&status, "State:")?.starts_with(['Z', 'X']) && has_no_thread(pid) {
            return None;
        }
        let mut ids = field(&status, "Uid:")?
            .split_ascii_whitespace()
            .map_while(|id| id.parse().ok());
        let uids = [ids.next()?, ids.next()?, ids.next()?, ids.next()?];
        let kibibytes = field(&status, "VmRSS:").and_then(|size| size.strip_suffix(" kB"));
        let kibibytes: u64 = kibibytes.map_or(Ok(0), str::parse).unwrap_or(0);
        Some(Self {
            pid,
            real_uid: uids[0],
            uids,
            resident_bytes: kibibytes * 1024,
        })
    }
}

/// A process that holds a lock, for an error's text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: i32,
    name: String,
    uid: u32,
}

impl From<Process> for Holder {
    fn from(process: Process) -> Self {
        Self {
            pid: process.pid,
            name: name(process.pid).unwrap_or_default(),
            uid: process.real_uid,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, name, uid } = self;
        write!(f, "process {pid} ({}) of uid {uid}", name.escape_debug())
    }
}

/// The capabilities that accounts need, with their bits of capabilities(7).
const NEEDED: [(u32, &str); 6] = [
    (0, "CHOWN"),
    (1, "DAC_OVERRIDE"),
    (3, "FOWNER"),
    (5, "KILL"),
    (6, "SETGID"),
    (7, "SETUID"),
];

/// Those of them that this process does not have; none if the kernel does not tell.
pub(crate) fn lacking_capabilities() -> Vec<&'static str> {
    lacking(&fs::read_to_string("/proc/self/status").unwrap_or_default())
}

fn lacking(status: &str) -> Vec<&'static str> {
    let effective = field(status, "CapEff:").and_then(|set| u64::from_str_radix(set, 16).ok());
    let effective = effective.unwrap_or(u64::MAX);
    let lacks = |(bit, _): &&(u32, &str)| effective & (1 << *bit) == 0;
    NEEDED.iter().filter(lacks).map(|(_, name)| *name).collect()
}

/// Returns true if the kernel has ended a process of this container for want of memory
/// (cgroup v2, or else v1).
pub(crate) fn has_run_out_of_memory() -> bool {
    let files = ["memory.events", "memory/memory.oom_control"];
    let events = files.map(|file| fs::read_to_string(format!("/sys/fs/cgroup/{file}")));
    let kills = |text: &String| field(text, "oom_kill ").is_some_and(|count| count != "0");
    events.iter().flatten().any(kills)
}

/// The rest of the line that begins with `name`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim())
}

/// The ids of all processes.
pub(crate) fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// All processes that have not ended, but this one.
fn processes() -> impl Iterator<Item = Process> {
    let others = pids().filter(|&pid| pid != own_pid());
    others.filter_map(Process::read)
}

/// Resident memory of all processes of a uid, in bytes; shared pages count for each.
pub(crate) fn memory_of(uid: u32) -> u64 {
    let own = processes().filter(|process| process.real_uid == uid);
    own.map(|process| process.resident_bytes).sum()
}

/// Returns true if this process and its parent are the only ones of the pid namespace and
/// the parent is PID 1: then no other process holds a lock file.
pub(crate) fn is_alone_with_init() -> bool {
    nix::unistd::getppid().as_raw() == 1 && processes().map(|process| process.pid).eq([1])
}

#[cfg(test)]
mod tests;
