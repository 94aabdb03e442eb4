//! The lines of all accounts in one file: in one piece of memory, and rendered in the order in
//! which accounts lie there.
//!
//! With a `Vec` of `format!` for each line, in the order of the file, a restore of 100,000 took
//! 9.5 µs an account instead of 7.4, systemd-sysusers 8.2 (bar in docs/benchmarks.md: ahead of
//! it).

use crate::account::Account;
use crate::files::File;

/// Lines, by the place of their account.
pub(super) struct Lines {
    text: String,
    ends: Vec<usize>,
}

impl Lines {
    /// Renders a line for each account. One that is not sound is left out.
    pub(super) fn new(
        file: File,
        accounts: &[&Account],
        render: impl Fn(&mut String, &Account),
    ) -> Self {
        let mut text = String::new();
        let ends = accounts.iter().map(|account| {
            let start = text.len();
            render(&mut text, account);
            if !file.is_sound(&text.as_bytes()[start..]) {
                text.truncate(start);
            }
            text.len()
        });
        Self {
            ends: ends.collect(),
            text,
        }
    }

    /// The line of the account at that place, without its newline.
    pub(super) fn get(&self, place: usize) -> Option<&[u8]> {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        let line = &self.text.as_bytes()[start..self.ends[place]];
        (!line.is_empty()).then_some(line)
    }
}
