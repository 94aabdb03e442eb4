//! What /proc tells of processes, and waiting for it.

use std::fs::{self, File};
use std::io::Read as _;
use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a condition; panics when it does not come true.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

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
