//! The lines that all accounts should have in one file, put together in the order in
//! which the accounts lie in memory. In a file they stand in the order of uids, and to
//! follow that from account to account, for each file again, takes twice as long.

use crate::etc::File;
use crate::record::Account;

/// One line of each account, or none.
pub(super) struct Lines {
    text: Vec<u8>,
    /// Where each ends; one that is none ends where it begins.
    ends: Vec<usize>,
}

impl Lines {
    /// What `render` writes for each account; what is not sound, or nothing, is none.
    pub(super) fn new(
        file: File,
        accounts: &[&Account],
        render: impl Fn(&Account, &mut Vec<u8>),
    ) -> Self {
        let mut text = Vec::new();
        let mut line = |account: &&Account| {
            let begin = text.len();
            render(account, &mut text);
            if !file.is_sound(&text[begin..]) {
                text.truncate(begin);
            }
            text.len()
        };
        let ends = accounts.iter().map(&mut line).collect();
        Self { text, ends }
    }

    /// The line of the account at this place, without its newline.
    pub(super) fn of(&self, place: usize) -> Option<&[u8]> {
        let before = place.checked_sub(1);
        let begin = before.map_or(0, |before| self.ends[before]);
        let line = &self.text[begin..self.ends[place]];
        (!line.is_empty()).then_some(line)
    }
}
