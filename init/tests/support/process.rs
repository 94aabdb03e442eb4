//! Other processes, as /proc shows them.
#![allow(unsafe_code)]

use std::fs;

pub(crate) fn children(pid: i32) -> Vec<i32> {
    let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    list.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// A field of /proc/PID/status; empty when the process is gone.
pub(crate) fn field(pid: i32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// `R`, `S`, `T`, `Z`…; a blank when the process is gone.
pub(crate) fn state(pid: i32) -> char {
    field(pid, "State").chars().next().unwrap_or(' ')
}

/// kill(2) for any number.
pub(crate) fn kill(pid: i32, signal: i32) {
    // SAFETY: no pointers.
    let result = unsafe { nix::libc::kill(pid, signal) };
    assert_eq!(result, 0, "kill {pid} with {signal}");
}
