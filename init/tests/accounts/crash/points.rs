//! The system calls of an uninjected run: where it can be killed or spoilt.
//!
//! The trace holds every call. One that is neither known to change something
//! nor known to change nothing fails the test: nothing is left out by mistake.

use super::scenarios::Scenario;
use crate::tree::Tree;
use std::collections::BTreeMap;
use std::fs;

/// What changes a file system, as strace calls it.
const MUTATING: &[&str] = &[
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "symlinkat",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "fsetxattr",
    "fremovexattr",
    "utimensat",
    "copy_file_range",
    "syncfs",
];

/// What opens a file; it makes one with O_CREAT.
const OPENING: &[&str] = &["open", "openat"];

/// What reads a file.
const READING: &[&str] = &["read", "getdents64", "statx"];

/// What can change no file, and need not fail.
const HARMLESS: &[&str] = &[
    "access",
    "arch_prctl",
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "execve",
    "exit",
    "exit_group",
    "fcntl",
    "fgetxattr",
    "flistxattr",
    "fstat",
    "fstatfs",
    "futex",
    "getegid",
    "geteuid",
    "getgid",
    "getpid",
    "getppid",
    "getrandom",
    "gettid",
    "getuid",
    "ioctl",
    "lseek",
    "madvise",
    "mmap",
    "mprotect",
    "mremap",
    "munmap",
    "newfstatat",
    "poll",
    "prctl",
    "pread64",
    "prlimit64",
    "readlink",
    "readlinkat",
    "rseq",
    "rt_sigaction",
    "rt_sigprocmask",
    "sched_getaffinity",
    "set_robust_list",
    "set_tid_address",
    "sigaltstack",
    "sync_file_range",
    "umask",
];

/// What a call does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Changes,
    Opens,
    Reads,
}

/// One call, the `when`-th of its name, as strace's `when=` counts.
pub(crate) struct Point {
    pub(crate) call: String,
    pub(crate) when: usize,
    pub(crate) kind: Kind,
    /// What strace said about it, for a failed test; no content.
    pub(crate) what: String,
}

/// The calls of an uninjected run that are the program's own.
pub(crate) fn points(scenario: &Scenario, made: &Tree) -> Vec<Point> {
    let tree = made.copy();
    let trace = tree.path("var/trace");
    let ran = scenario.strace(&tree, &["-o", trace.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let text = fs::read_to_string(&trace).unwrap();
    let root = tree.root().to_str().unwrap();
    let (mut counts, mut points) = (BTreeMap::<&str, usize>::new(), Vec::new());
    let mut is_own = false;
    for line in text.lines() {
        let Some((call, rest)) = line.split_once('(') else {
            continue;
        };
        let count = counts.entry(call).or_default();
        *count += 1;
        // The dynamic loader comes before, and asks for none of our files.
        is_own |= rest.contains(root) && call != "execve";
        if let Some(kind) = kind(call, rest).filter(|_| is_own) {
            let (call, when, what) = (call.to_owned(), *count, description(call, line));
            points.push(Point {
                call,
                when,
                kind,
                what,
            });
        }
    }
    points
}

fn kind(call: &str, rest: &str) -> Option<Kind> {
    let is_standard = ["0,", "1,", "2,"].iter().any(|fd| rest.starts_with(fd));
    if MUTATING.contains(&call) {
        (!is_standard).then_some(Kind::Changes)
    } else if OPENING.contains(&call) {
        let makes = rest.contains("O_CREAT") || rest.contains("O_TRUNC");
        Some(if makes { Kind::Changes } else { Kind::Opens })
    } else if READING.contains(&call) {
        (!is_standard).then_some(Kind::Reads)
    } else {
        assert!(
            HARMLESS.contains(&call),
            "system call '{call}' is new here: does it change a file?"
        );
        None
    }
}

/// A path and no content: that could be a hash.
fn description(call: &str, line: &str) -> String {
    match call {
        "write" | "pwrite64" | "read" | "getdents64" | "fsetxattr" => call.to_owned(),
        _ => line.to_owned(),
    }
}
