//! The lines that all accounts should have in one file, put together in the order in
//! which the accounts lie in memory. In a file they stand in the order of uids, and to
//! follow that from account to account, for each file again, takes twice as long.

use super::packed::Packed;
use crate::account::Account;
use crate::files::File;

/// One line of each account, or none.
pub(super) struct Lines(Packed);

impl Lines {
    /// What `render` writes for each account; what is not sound, or nothing, is none.
    pub(super) fn new(
        file: File,
        accounts: &[&Account],
        render: impl Fn(&Account, &mut Vec<u8>),
    ) -> Self {
        Self(Packed::new(accounts, |account, into| {
            let begin = into.len();
            render(account, into);
            if !file.is_sound(&into[begin..]) {
                into.truncate(begin);
            }
        }))
    }

    /// The line of the account at this place, without its newline.
    pub(super) fn of(&self, place: usize) -> Option<&[u8]> {
        Some(self.0.at(place)).filter(|line| !line.is_empty())
    }
}
