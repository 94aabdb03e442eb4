//! Accounts, sorted by name, and found by what a line of a file names. Every line of
//! every file asks, and there may be a hundred thousand of each: so nobody is looked
//! at to be found, names and numbers lie side by side.

use super::packed::Packed;
use crate::account::Account;
use std::cmp::Ordering;
use std::sync::OnceLock;

/// Accounts, sorted by name.
pub(crate) struct Named<'a> {
    pub(crate) accounts: Vec<&'a Account>,
    names: Packed,
    /// By their uids: each with its place.
    by_uid: OnceLock<Vec<(u32, usize)>>,
}

impl<'a> Named<'a> {
    pub(crate) fn new(accounts: Vec<&'a Account>) -> Self {
        let name = |account: &&Account, into: &mut Vec<u8>| {
            into.extend_from_slice(account.name.as_str().as_bytes());
        };
        Self {
            names: Packed::new(&accounts, name),
            accounts,
            by_uid: OnceLock::new(),
        }
    }

    /// The places of all accounts, by their uids.
    pub(crate) fn by_uid(&self) -> impl Iterator<Item = usize> {
        self.sorted().iter().map(|&(_, place)| place)
    }

    fn sorted(&self) -> &[(u32, usize)] {
        self.by_uid.get_or_init(|| {
            let uids = self.accounts.iter().map(|account| account.uid.get());
            let mut sorted: Vec<_> = uids.zip(0..).collect();
            sorted.sort_unstable();
            sorted
        })
    }

    /// The place of the account with that name.
    pub(crate) fn place(&self, name: &[u8]) -> Option<usize> {
        let mut places = 0..self.accounts.len();
        while !places.is_empty() {
            let middle = places.start + places.len() / 2;
            match self.names.at(middle).cmp(name) {
                Ordering::Less => places.start = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => places.end = middle,
            }
        }
        None
    }

    /// An account with that number.
    pub(crate) fn with_uid(&self, uid: u32) -> Option<&'a Account> {
        let sorted = self.sorted();
        let at = sorted.binary_search_by_key(&uid, |&(uid, _)| uid).ok()?;
        Some(self.accounts[sorted[at].1])
    }

    /// For a look at the lines of one file, in their order.
    pub(crate) const fn in_turn(&self) -> InTurn<'_, 'a> {
        InTurn {
            named: self,
            next: None,
        }
    }
}

/// Finds the accounts of one line after the other. Where restore has added many at
/// once they stand in the order of their uids: whoever comes next there is looked at
/// first, and then nobody has to be looked for.
pub(crate) struct InTurn<'n, 'a> {
    named: &'n Named<'a>,
    /// Among those by uid; none: no line was an account's yet.
    next: Option<usize>,
}

impl InTurn<'_, '_> {
    /// The place of the account with that name.
    pub(crate) fn place(&mut self, name: &[u8]) -> Option<usize> {
        self.find(name).map(|(place, _)| place)
    }

    /// The same, and the account's uid.
    pub(crate) fn find(&mut self, name: &[u8]) -> Option<(usize, u32)> {
        let named = self.named;
        let expected = self.next.and_then(|next| named.sorted().get(next));
        if let Some(&(uid, place)) = expected
            && named.names.at(place) == name
        {
            self.next = self.next.map(|next| next + 1);
            return Some((place, uid));
        }
        let place = named.place(name)?;
        let uid = named.accounts[place].uid.get();
        let sorted = named.sorted();
        self.next = Some(sorted.partition_point(|&other| other <= (uid, place)));
        Some((place, uid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_found_in_whatever_order_the_lines_are() {
        let accounts = [
            Account::called("ada", 10_003),
            Account::called("bob", 10_001),
            Account::called("eve", 10_002),
        ];
        let all = Named::new(accounts.iter().collect());
        let names = ["ada", "bob", "eve", "root", "zoe", ""];
        for first in names {
            for second in names {
                for third in names {
                    let mut in_turn = all.in_turn();
                    for name in [first, second, third] {
                        let place = accounts.iter().position(|a| a.name.as_str() == name);
                        assert_eq!(in_turn.place(name.as_bytes()), place, "{name}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_number_is_found() {
        let accounts = [
            Account::called("ada", 10_003),
            Account::called("bob", 10_001),
        ];
        let all = Named::new(accounts.iter().collect());
        let name = |uid| all.with_uid(uid).map(|account| account.name.as_str());
        assert_eq!(name(10_001), Some("bob"));
        assert_eq!(name(10_003), Some("ada"));
        assert_eq!(name(10_002), None);
        assert_eq!(all.by_uid().collect::<Vec<_>>(), [1, 0]);
    }
}
