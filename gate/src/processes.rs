//! Processes, by /proc: whose they are, whether they run. The only reader
//! of /proc/PID; signals nobody.

use std::collections::BTreeSet;
use std::fs;
use std::ops::RangeInclusive;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Names of shells, as /proc/PID/comm has them.
const SHELLS: [&str; 9] = [
    "sh", "ash", "bash", "dash", "fish", "ksh", "tcsh", "csh", "zsh",
];
/// This container's init, where it was built as the image is.
const OCC_INIT: &str = "/usr/local/bin/occ-init";
/// The status file of occ-init; only root can write there.
const OCC_INIT_STATUS: &str = "/run/occ-init/status.json";

/// All processes, each with its directory. The newest first: that of a fork racer lives for
/// a moment after it was listed.
fn all() -> impl Iterator<Item = (i32, PathBuf)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pids: BTreeSet<i32> = pids.collect();
    pids.into_iter()
        .rev()
        .map(|pid| (pid, Path::new("/proc").join(pid.to_string())))
}

/// The uids of a range as which processes run, any of their four.
pub(crate) fn uids_within(range: RangeInclusive<u32>) -> BTreeSet<u32> {
    all()
        .flat_map(|(_, process)| uids_of(&process, &range))
        .collect()
}

/// Returns whether a process with that uid as any of its four runs, in another session
/// (setsid(2)) than these.
pub(crate) fn is_any_outside(uid: u32, sessions: &[i32]) -> bool {
    let mut all = with_uid(uid);
    all.any(|(_, session)| session.is_none_or(|session| !sessions.contains(&session)))
}

/// Returns whether a process of that session runs under that uid.
pub(crate) fn is_any_in_session(uid: u32, session: i32) -> bool {
    with_uid(uid).any(|(_, own)| own == Some(session))
}

/// The processes with that uid, and the session of each, where it can be told.
pub(crate) fn with_uid(uid: u32) -> impl Iterator<Item = (i32, Option<i32>)> {
    all()
        .filter(move |(_, process)| !uids_of(process, &(uid..=uid)).is_empty())
        .map(|(pid, process)| (pid, session_of(&process)))
}

/// How many threads run under that uid.
pub(crate) fn threads_of(uid: u32) -> u64 {
    let threads = with_uid(uid).map(|(pid, _)| {
        let threads = fs::read_dir(format!("/proc/{pid}/task"));
        threads.into_iter().flatten().count()
    });
    threads.fold(0, |sum, count| {
        sum + u64::try_from(count).unwrap_or_default()
    })
}

/// The sixth field of proc_pid_stat(5). The second, in brackets, may hold anything.
fn session_of(process: &Path) -> Option<i32> {
    let stat = fs::read(process.join("stat")).ok()?;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
    rest.split_ascii_whitespace().nth(3)?.parse().ok()
}

fn uids_of(process: &Path, range: &RangeInclusive<u32>) -> Vec<u32> {
    let status = fs::read_to_string(process.join("status")).unwrap_or_default();
    let ids = field(&status, "Uid:").unwrap_or_default();
    let ids = ids.split_ascii_whitespace().flat_map(str::parse);
    let mut ids: Vec<u32> = ids.filter(|id| range.contains(id)).collect();
    let has_ended = field(&status, "State:").is_some_and(|state| state.starts_with(['Z', 'X']));
    if !ids.is_empty() && has_ended && !has_live_thread(process) {
        ids.clear();
    }
    ids
}

/// Returns whether any of its threads runs. The first one, by which the process is seen,
/// may end before the others.
fn has_live_thread(process: &Path) -> bool {
    let threads = fs::read_dir(process.join("task"));
    let mut threads = threads.into_iter().flatten().flatten();
    threads.any(|thread| {
        let status = fs::read_to_string(thread.path().join("status"));
        let state = field(status.as_deref().unwrap_or_default(), "State:");
        state.is_some_and(|state| !state.starts_with(['Z', 'X']))
    })
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.map(str::trim_start)
}

/// Returns whether a process is a shell at its prompt: it has no child and sleeps.
pub(crate) fn is_resting_shell(pid: u32) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let read = |name: &str| fs::read_to_string(process.join(name)).ok();
    let is_shell = read("comm").is_some_and(|comm| SHELLS.contains(&comm.trim_end()));
    let sleeps = || {
        let status = read("status").unwrap_or_default();
        field(&status, "State:").is_some_and(|state| state.starts_with('S'))
    };
    let has_no_child = || {
        let children = read(&format!("task/{pid}/children"));
        children.is_some_and(|children| children.trim().is_empty())
    };
    is_shell && sleeps() && has_no_child()
}

/// The first child of a process, by its first thread.
pub(crate) fn first_child(pid: u32) -> Option<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_ascii_whitespace().next()?.parse().ok()
}

/// Returns whether the uids here are the container's own: PID 1 is our init of this
/// container, or ourselves. With another they may be those of a whole machine's people,
/// or of another container's. Programs and namespaces decide, for names can be chosen.
pub(crate) fn is_own_container() -> bool {
    let file = |path: &str| {
        let meta = fs::metadata(path).ok()?;
        Some((meta.dev(), meta.ino()))
    };
    let of_init = file("/proc/1/exe");
    let is_program = |path: &str| file(path).is_some_and(|program| Some(program) == of_init);
    // occ-init may have been given to the container under any name.
    let says_so = || {
        let status = fs::read(OCC_INIT_STATUS).unwrap_or_default();
        let status: serde_json::Value = serde_json::from_slice(&status).unwrap_or_default();
        status["pid"] == 1
    };
    // A kernel that shows no namespaces has one.
    let is_ours =
        file("/proc/1/ns/mnt").is_none_or(|namespace| Some(namespace) == file("/proc/self/ns/mnt"));
    is_ours && (is_program("/proc/self/exe") || is_program(OCC_INIT) || says_so())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// A shell that ends with its test, and what it started.
    struct Shell(std::process::Child);

    impl Drop for Shell {
        fn drop(&mut self) {
            let group = nix::unistd::Pid::from_raw(self.0.id().cast_signed());
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_shell_rests_at_its_prompt_and_not_while_it_has_a_child() {
        use std::os::unix::process::CommandExt as _;
        let shell = Command::new("sh")
            .args(["-c", "read line; sleep 1000 & read line; wait"])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn();
        let shell = Shell(shell.unwrap());
        let pid = shell.0.id();
        let begin = std::time::Instant::now();
        let wait = || assert!(begin.elapsed().as_secs() < 60, "it does not come");
        while !is_resting_shell(pid) {
            wait();
        }
        let mut typed = shell.0.stdin.as_ref().unwrap();
        std::io::Write::write_all(&mut typed, b"\n").unwrap();
        let children = format!("/proc/{pid}/task/{pid}/children");
        while fs::read_to_string(&children).unwrap().trim().is_empty() {
            wait();
        }
        assert!(!is_resting_shell(pid));
        assert!(!is_resting_shell(std::process::id()), "no shell");
    }
}
