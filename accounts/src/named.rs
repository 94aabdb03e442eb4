//! Accounts, sorted by name, and found by what a line of a file names. Every line of
//! every file asks, and there may be a hundred thousand of each.

use crate::record::Account;
use std::sync::OnceLock;

/// Accounts, sorted by name.
pub(crate) struct Named<'a> {
    pub(crate) accounts: Vec<&'a Account>,
    by_uid: OnceLock<Vec<usize>>,
}

impl<'a> Named<'a> {
    pub(crate) const fn new(accounts: Vec<&'a Account>) -> Self {
        Self {
            accounts,
            by_uid: OnceLock::new(),
        }
    }

    /// The places of all accounts, by their uids.
    pub(crate) fn by_uid(&self) -> &[usize] {
        self.by_uid.get_or_init(|| {
            let mut places: Vec<usize> = (0..self.accounts.len()).collect();
            places.sort_unstable_by_key(|&place| self.accounts[place].uid);
            places
        })
    }

    /// The place of the account with that name.
    pub(crate) fn place(&self, name: &[u8]) -> Option<usize> {
        let compare = |account: &&Account| account.name.as_str().as_bytes().cmp(name);
        self.accounts.binary_search_by(compare).ok()
    }

    /// An account with that number.
    pub(crate) fn with_uid(&self, uid: u32) -> Option<&'a Account> {
        let uid_at = |&place: &usize| self.accounts[place].uid.get();
        let at = self.by_uid().binary_search_by_key(&uid, uid_at).ok()?;
        Some(self.accounts[self.by_uid()[at]])
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
        let accounts = &self.named.accounts;
        let expected = self.next.and_then(|next| self.named.by_uid().get(next));
        if let Some(&place) = expected
            && accounts[place].name.as_str().as_bytes() == name
        {
            self.next = self.next.map(|next| next + 1);
            return Some(place);
        }
        let place = self.named.place(name)?;
        let uid = accounts[place].uid;
        let by_uid = self.named.by_uid();
        let at = by_uid.partition_point(|&other| accounts[other].uid <= uid);
        self.next = Some(at);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UidRange;
    use crate::name::Username;
    use crate::text::Home;

    fn account(name: &str, uid: u64) -> Account {
        let home = Home::parse(&format!("/home/{name}")).unwrap();
        let uid = UidRange::default().uid(uid).unwrap();
        Account::new(Username::parse(name).unwrap(), uid, home, 0)
    }

    #[test]
    fn everybody_is_found_in_whatever_order_the_lines_are() {
        let accounts = [
            account("ada", 10_003),
            account("bob", 10_001),
            account("eve", 10_002),
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
        let accounts = [account("ada", 10_003), account("bob", 10_001)];
        let all = Named::new(accounts.iter().collect());
        let name = |uid| all.with_uid(uid).map(|account| account.name.as_str());
        assert_eq!(name(10_001), Some("bob"));
        assert_eq!(name(10_003), Some("ada"));
        assert_eq!(name(10_002), None);
        assert_eq!(all.by_uid(), [1, 0]);
    }
}
