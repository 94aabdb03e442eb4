//! The gate's log: one line to stderr with one write, errors ignored. Never logs a
//! password, and a user's name only if there is such a user. Neither does `debug`.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::lock::lock;

/// PIPE_BUF: up to here a write to a pipe is whole.
const LONGEST: usize = 4096;

/// Writes `occ-gate: LINE`, made harmless: a person's program may have chosen the words.
pub(crate) fn line(line: &str) {
    let mut text = harmless(&format!("occ-gate: {line}"));
    while text.len() >= LONGEST {
        text.pop();
    }
    text.push('\n');
    // Nobody is left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    /// And what an administrator asks for when a login fails: the steps of PAM, sessions,
    /// websockets, and the requests that are refused.
    Debug,
}

static IS_DEBUG: AtomicBool = AtomicBool::new(false);

impl Level {
    /// Makes it this process's.
    pub(crate) fn set(self) {
        IS_DEBUG.store(self == Self::Debug, Ordering::Relaxed);
    }
}

pub(crate) fn is_debug() -> bool {
    IS_DEBUG.load(Ordering::Relaxed)
}

/// Writes a line at the level `debug`, which begins as none of the others does.
pub(crate) fn debug(text: impl FnOnce() -> String) {
    if is_debug() {
        line(&format!("debug: {}", text()));
    }
}

/// The text with `?` for each character that a terminal obeys or does not show.
pub(crate) fn harmless(text: &str) -> String {
    let shown = |char| if is_plain(char) { char } else { '?' };
    text.chars().map(shown).collect()
}

/// Returns false for control characters, line ends of any kind, and what changes the
/// direction or the look of other text: marks, embeddings, isolates, joiners, tags.
pub(crate) fn is_plain(char: char) -> bool {
    !char.is_control()
        && !matches!(
            char,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_line_is_obeyed() {
        for (text, shown) in [
            ("a\x1b[2Jb\r\n\t\x07", "a?[2Jb????"),
            ("\u{9b}2J \u{85}", "?2J ?"),
            (
                "user \u{202e}toor\u{202c} \u{2066}x\u{2069}",
                "user ?toor? ?x?",
            ),
            ("a\u{200f}b\u{200b}c\u{feff}d\u{2028}e", "a?b?c?d?e"),
            ("\u{e0041}", "?"),
            ("Ünïcødé 漢字 العربية", "Ünïcødé 漢字 العربية"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }
}
