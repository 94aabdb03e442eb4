//! Accounts, found by what a line of a file names: a name or a uid.

use crate::account::Account;
use std::collections::HashMap;

/// Index of accounts by name and uid. A place is an account's position among all of
/// them, sorted by name.
pub(super) struct AccountIndex<'a> {
    accounts: Vec<&'a Account>,
    by_name: HashMap<&'a [u8], usize>,
    /// Each uid with its account's place, sorted.
    by_uid: Vec<(u32, usize)>,
}

impl<'a> AccountIndex<'a> {
    /// Indexes accounts that are sorted by name.
    pub(super) fn new(accounts: Vec<&'a Account>) -> Self {
        let names = accounts.iter().map(|account| account.name.as_bytes());
        let uids = accounts.iter().map(|account| account.uid.get());
        let mut by_uid: Vec<_> = uids.zip(0..).collect();
        by_uid.sort_unstable();
        Self {
            by_name: names.zip(0..).collect(),
            by_uid,
            accounts,
        }
    }

    /// The accounts, sorted by name.
    pub(super) fn accounts(&self) -> &[&'a Account] {
        &self.accounts
    }

    /// The places of all accounts, in the order of their uids.
    pub(super) fn places_by_uid(&self) -> impl Iterator<Item = usize> {
        self.by_uid.iter().map(|&(_, place)| place)
    }

    /// The place of the account with that name.
    pub(super) fn place(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The account with that name.
    pub(super) fn with_name(&self, name: &[u8]) -> Option<&'a Account> {
        self.place(name).map(|place| self.accounts[place])
    }

    /// An account with that uid.
    pub(super) fn with_uid(&self, uid: u32) -> Option<&'a Account> {
        let found = self.by_uid.binary_search_by_key(&uid, |&(uid, _)| uid);
        found.ok().map(|at| self.accounts[self.by_uid[at].1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_name_and_by_uid() {
        let accounts = [
            Account::called("ada", 10_003),
            Account::called("bob", 10_001),
        ];
        let index = AccountIndex::new(accounts.iter().collect());
        assert_eq!(index.place(b"bob"), Some(1));
        assert_eq!(index.with_name(b"ada"), Some(&accounts[0]));
        for stranger in ["", "root", "adam"] {
            assert_eq!(index.place(stranger.as_bytes()), None, "{stranger}");
        }
        assert_eq!(index.with_uid(10_001), Some(&accounts[1]));
        assert_eq!(index.with_uid(10_003), Some(&accounts[0]));
        assert_eq!(index.with_uid(10_002), None);
        assert_eq!(index.places_by_uid().collect::<Vec<_>>(), [1, 0]);
    }
}
