//! Processes, by /proc.

use std::fs::{self, File};
use std::io::Read as _;

pub(crate) fn children(pid: i32) -> Vec<i32> {
    let mut text = String::new();
    if let Ok(mut file) = File::open(format!("/proc/{pid}/task/{pid}/children")) {
        let _ = file.read_to_string(&mut text);
    }
    text.split_ascii_whitespace().flat_map(str::parse).collect()
}

pub(crate) fn command_line(pid: i32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words = bytes
        .split(|&byte| byte == 0)
        .filter(|word| !word.is_empty());
    words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

/// A field of /proc/PID/status; empty when the process is gone.
pub(crate) fn field(pid: i32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    field_of(&status, name)
}

pub(crate) fn field_of(status: &str, name: &str) -> String {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

pub(crate) fn uids(pid: i32) -> Vec<u32> {
    field(pid, "Uid")
        .split_ascii_whitespace()
        .flat_map(str::parse)
        .collect()
}
