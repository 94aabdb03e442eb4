//! Lines of the log: each one write(2) to stderr, errors ignored.
//!
//! It must never block: a log reader that stopped reading would freeze the
//! container. It must never use the print macros: they panic on EPIPE.

use nix::errno::Errno;

use crate::sys;

/// PIPE_BUF: up to here a write to a pipe is whole, and fits when poll(2)
/// says that there is room.
const LONGEST: usize = 4096;

/// Writes `occ-init: LINE` to stderr, or drops it when stderr is closed, broken
/// or full. Control characters (a program's name may hold them) become `?`.
pub(crate) fn say(line: &str) {
    sys::write_if_ready(sys::STDERR, &format_line(line));
}

fn format_line(line: &str) -> Vec<u8> {
    let mut bytes = format!("occ-init: {line}").into_bytes();
    for byte in &mut bytes {
        if byte.is_ascii_control() {
            *byte = b'?';
        }
    }
    bytes.truncate(LONGEST - 1);
    bytes.push(b'\n');
    bytes
}

/// An errno in the words that all our lines use.
pub(crate) fn errno_text(errno: Errno) -> String {
    errno.desc().to_lowercase()
}

/// The same for an error of std's.
pub(crate) fn io_text(error: &std::io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => errno_text(Errno::from_raw(number)),
        None => error.kind().to_string(),
    }
}

/// Writes `text` to stdout, for the commands that answer there. Returns the
/// exit status: 1 when it could not be written.
pub(crate) fn print(text: &str) -> u8 {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    u8::from(written.is_err())
}
