//! Writes answers to stdout and messages to stderr: a message goes through text/ first,
//! and an answer that cannot be written is remembered for the exit code. Streams (a log,
//! a backup, a shell) go their own way. Must not know what it writes.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, OnceLock, PoisonError};

use indicatif::ProgressBar;

use crate::error::plain;
use crate::text;

/// The first failure of stdout.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);
/// The options that chose engine and container, for commands in hints.
static OPTIONS: OnceLock<String> = OnceLock::new();

/// The spinner that is on the screen.
static SPINNER: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Shows a spinner, which gives way to every line that is written; `None` takes it away.
pub(crate) fn spin(spinner: Option<ProgressBar>) {
    *SPINNER.lock().unwrap_or_else(PoisonError::into_inner) = spinner;
}

/// Writes while no spinner is in the way: a line of it would stay behind.
fn alone<T>(write: impl FnOnce() -> T) -> T {
    let spinner = SPINNER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    match spinner {
        Some(spinner) => spinner.suspend(write),
        None => write(),
    }
}

/// Sets the options that every `occ …` in a message is to be typed with.
pub(crate) fn address(options: String) {
    let _ = OPTIONS.set(options);
}

/// A message whose commands name engine and container as this run did.
pub(crate) fn addressed(message: &str) -> String {
    let options = OPTIONS.get().map_or("", String::as_str);
    text::addressed(message, options).into_owned()
}

/// Writes to stdout; returns false if that failed.
pub(crate) fn answer(bytes: &[u8]) -> bool {
    let mut stdout = io::stdout();
    let written = alone(|| stdout.write_all(bytes).and_then(|()| stdout.flush()));
    written.map_err(lose).is_ok()
}

/// Remembers that an answer could not be written.
pub(crate) fn lose(error: io::Error) {
    let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    lost.get_or_insert(error);
}

/// A message on stderr. One that cannot be written has no reader.
pub(crate) fn note(message: &str) {
    let _ = write_note(message);
}

/// A sentence that stands as it is, commands too.
pub(crate) fn verbatim(sentence: &str) {
    let line = format!("{}\n", text::message(sentence));
    let _ = alone(|| io::stderr().write_all(line.as_bytes()));
}

fn write_note(message: &str) -> io::Result<()> {
    let safe = addressed(&text::message(message));
    alone(|| io::stderr().write_all(format!("{safe}\n").as_bytes()))
}

/// Shows what must not be lost where stdout does not take it: on stderr, else on the
/// terminal itself.
pub(crate) fn rescue(message: &str) {
    if write_note(message).is_ok() {
        return;
    }
    if let Ok(mut terminal) = std::fs::File::options().write(true).open("/dev/tty") {
        let _ = writeln!(terminal, "{}", text::message(message));
    }
}

/// Returns true if every answer was written; else says why, but for a reader who has
/// gone (`occ user list | head -1`): nobody missed anything.
pub(crate) fn is_complete() -> bool {
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(error) = lost else { return true };
    if error.kind() != ErrorKind::BrokenPipe {
        let why = plain(&error);
        note(&format!(
            "occ: cannot write the answer to standard output: {why}"
        ));
    }
    false
}
