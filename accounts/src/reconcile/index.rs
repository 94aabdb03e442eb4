//! Accounts, found by what a line of a file names: a name or a uid.

use crate::account::{Account, Username};
use std::collections::HashMap;

/// Index of accounts by name and uid. A place is an account's position among all of
/// them, sorted by name.
pub(super) struct AccountIndex<'a> {
    accounts: Vec<&'a Account>,
    by_name: HashMap<&'a [u8], usize>,
    /// Sorted by uid.
    by_uid: Vec<Entry>,
}

/// An account's name and place beside its uid, so that whoever goes through all of them need
/// not look at each account.
struct Entry {
    uid: u32,
    place: usize,
    name: Username,
}

impl<'a> AccountIndex<'a> {
    /// Indexes accounts that are sorted by name.
    pub(super) fn new(accounts: Vec<&'a Account>) -> Self {
        let names = accounts.iter().map(|account| account.name.as_bytes());
        let entry = |(place, account): (usize, &&Account)| Entry {
            uid: account.uid.get(),
            place,
            name: account.name.clone(),
        };
        let mut by_uid: Vec<_> = accounts.iter().enumerate().map(entry).collect();
        by_uid.sort_unstable_by_key(|entry| (entry.uid, entry.place));
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
        self.by_uid.iter().map(|entry| entry.place)
    }

    /// The place of the account with that name.
    pub(super) fn place(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// An account with that uid.
    pub(super) fn with_uid(&self, uid: u32) -> Option<&'a Account> {
        let found = self.by_uid.binary_search_by_key(&uid, |entry| entry.uid);
        found.ok().map(|at| self.accounts[self.by_uid[at].place])
    }

    /// The same for many names in the order of uids.
    pub(super) fn in_turn(&self) -> InTurn<'_, 'a> {
        InTurn {
            index: self,
            next: 0,
        }
    }
}

/// Finds the accounts of lines. They nearly always stand in the order of uids, so whoever comes
/// next is looked at first: looking each name up made a restore of 100,000 that changes nothing
/// take a third longer than one that writes (bar in docs/benchmarks.md: not slower).
pub(super) struct InTurn<'i, 'a> {
    index: &'i AccountIndex<'a>,
    next: usize,
}

impl InTurn<'_, '_> {
    /// The place of the account with that name, and its uid.
    pub(super) fn place_and_uid(&mut self, name: &[u8]) -> Option<(usize, u32)> {
        let by_uid = &self.index.by_uid;
        let next = by_uid.get(self.next);
        if let Some(entry) = next.filter(|entry| entry.name.as_bytes() == name) {
            self.next += 1;
            return Some((entry.place, entry.uid));
        }
        let place = self.index.place(name)?;
        let uid = self.index.accounts[place].uid.get();
        self.next = by_uid.partition_point(|entry| entry.uid <= uid);
        Some((place, uid))
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
        for stranger in ["", "root", "adam"] {
            assert_eq!(index.place(stranger.as_bytes()), None, "{stranger}");
        }
        assert_eq!(index.with_uid(10_001), Some(&accounts[1]));
        assert_eq!(index.with_uid(10_003), Some(&accounts[0]));
        assert_eq!(index.with_uid(10_002), None);
        assert_eq!(index.places_by_uid().collect::<Vec<_>>(), [1, 0]);
    }

    #[test]
    fn lines_in_any_order_find_their_accounts() {
        let accounts = [("ada", 10_003), ("bob", 10_001), ("eve", 10_002)];
        let accounts = accounts.map(|(name, uid)| Account::called(name, uid));
        let index = AccountIndex::new(accounts.iter().collect());
        for order in [
            ["bob", "eve", "ada"],
            ["ada", "bob", "eve"],
            ["root", "eve", "eve"],
            ["eve", "root", "ada"],
        ] {
            let mut in_turn = index.in_turn();
            for name in order.map(str::as_bytes) {
                let found = index.place(name);
                let expected = found.map(|place| (place, accounts[place].uid.get()));
                assert_eq!(in_turn.place_and_uid(name), expected, "{order:?}");
            }
        }
    }
}
