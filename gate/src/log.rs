//! What the gate logs: one line to stderr with one write, errors ignored. Never
//! a password, and a user's name only if there is such a user.

use std::io::Write as _;

/// PIPE_BUF: up to here a write to a pipe is whole.
const LONGEST: usize = 4096;

/// Writes `occ-gate: LINE`. Control characters become `?`, for a person's
/// program may have chosen the words.
pub(crate) fn say(line: &str) {
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
