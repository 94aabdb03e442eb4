//! The gate's log: one line to stderr with one write, errors ignored. Never logs a
//! password, and a user's name only if there is such a user.

use std::io::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock::lock;

/// PIPE_BUF: up to here a write to a pipe is whole.
const LONGEST: usize = 4096;

/// Writes `occ-gate: LINE`. Control characters become `?`, for a person's
/// program may have chosen the words.
pub(crate) fn line(line: &str) {
    let mut bytes: Vec<u8> = format!("occ-gate: {line}")
        .chars()
        .map(|char| if char.is_control() { '?' } else { char })
        .collect::<String>()
        .into_bytes();
    bytes.truncate(LONGEST - 1);
    bytes.push(b'\n');
    // Nobody is left to tell.
    let _ = std::io::stderr().write_all(&bytes);
}

/// A line that strangers can cause is written once in that time.
const EVERY: Duration = Duration::from_secs(60);

/// A line that is not repeated at once.
pub(crate) struct ThrottledLog {
    line: &'static str,
    last: Mutex<Option<Instant>>,
}

impl ThrottledLog {
    pub(crate) const fn of(line: &'static str) -> Self {
        Self {
            line,
            last: Mutex::new(None),
        }
    }

    /// Writes the line, unless it was written a moment ago.
    pub(crate) fn write(&self) {
        let mut last = lock(&self.last);
        if last.is_none_or(|last| last.elapsed() >= EVERY) {
            *last = Some(Instant::now());
            line(self.line);
        }
    }
}
