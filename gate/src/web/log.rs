//! What the web half logs: trouble that an administrator can mend, seldom.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::log::say;

/// A line that strangers can cause is written once in that time.
const EVERY: Duration = Duration::from_secs(60);

/// A line that is not repeated at once.
pub(super) struct Seldom {
    line: &'static str,
    last: Mutex<Option<Instant>>,
}

/// A browser sent `Origin: https://…` where we see http.
pub(super) static UNTRUSTED_PROXY: Seldom = Seldom::of(
    "refused a request from a browser that speaks https: if a proxy adds TLS, name it in OCC_GATE_TRUSTED_PROXIES",
);
/// All connections are taken.
pub(super) static FULL: Seldom = Seldom::of("all connections are taken: new ones wait");
/// A connection could not be taken.
pub(super) static CANNOT_ACCEPT: Seldom =
    Seldom::of("cannot take a connection: too many open files?");

impl Seldom {
    const fn of(line: &'static str) -> Self {
        Self {
            line,
            last: Mutex::new(None),
        }
    }

    /// Writes the line, unless it was written a moment ago.
    pub(super) fn say(&self) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= EVERY) {
            *last = Some(Instant::now());
            say(self.line);
        }
    }
}
