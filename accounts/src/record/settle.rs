//! Uids that two records claim and the ledger says nothing about: the one whose line or home
//! is there has it, for the other came later.

use super::set::Records;
use crate::account::{Account, Home, Uid};
use crate::files::{Etc, File, passwd, table};

/// The owner of a uid of which nobody can tell whose it is: no name is empty.
const NOBODY: &str = "";

impl Records {
    /// Enters in the ledger as loaded who has each contested uid without an entry. `has_home`
    /// tells whether a home is there and belongs to the uid.
    pub fn settle(&mut self, etc: &Etc, has_home: impl Fn(&Home, Uid) -> bool) {
        let contested = self.contested_uids();
        let open = contested.into_iter().filter(|uid| {
            let is_dead = |uid| self.tombstones.iter().any(|dead| dead.uid == uid);
            !self.ledger.contains_key(uid) && !is_dead(*uid)
        });
        let owners: Vec<(Uid, String)> = open
            .map(|uid| {
                let claimants = || self.accounts.values().filter(move |one| one.uid == uid);
                let with_line = only(claimants().filter(|account| has_line(account, etc)));
                let owner =
                    with_line.or_else(|| only(claimants().filter(|one| has_home(&one.home, uid))));
                (uid, owner.unwrap_or_else(|| NOBODY.to_owned()))
            })
            .collect();
        self.ledger.extend(owners);
    }
}

/// The name of the only account, if there is one and no more.
fn only<'a>(mut accounts: impl Iterator<Item = &'a Box<Account>>) -> Option<String> {
    let first = accounts.next()?;
    accounts.next().is_none().then(|| first.name.to_string())
}

fn has_line(account: &Account, etc: &Etc) -> bool {
    let line = (account.name.as_str().as_bytes(), account.uid.get());
    let mut lines = table::lines(etc.bytes(File::Passwd)).filter_map(passwd::name_and_uid);
    lines.any(|other| other == line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(names: &[&str]) -> Records {
        let accounts = names.iter().map(|name| {
            let account = Account::called(name, 10_001);
            (account.name.clone(), Box::new(account))
        });
        Records {
            accounts: accounts.collect(),
            ..Records::default()
        }
    }

    fn owner(names: &[&str], passwd: &str, home: &str) -> Option<String> {
        let mut etc = Etc::default();
        etc.set(File::Passwd, passwd.into());
        let mut records = records(names);
        records.settle(&etc, |found, _| found.component() == home);
        records.ledger.into_values().next()
    }

    #[test]
    fn a_contested_uid_is_that_of_the_line_then_of_the_home() {
        let bobs = "bob:x:10001:10001::/home/bob:/bin/sh\n";
        assert_eq!(
            owner(&["alice", "bob"], bobs, "alice").as_deref(),
            Some("bob")
        );
        assert_eq!(owner(&["alice", "bob"], "", "bob").as_deref(), Some("bob"));
        assert_eq!(
            owner(&["alice", "bob"], "", "carol").as_deref(),
            Some(NOBODY)
        );
        let other = "bob:x:10002:10002::/home/bob:/bin/sh\n";
        assert_eq!(owner(&["alice", "bob"], other, "").as_deref(), Some(NOBODY));
        assert_eq!(
            owner(&["alice"], "", "alice"),
            None,
            "nobody else claims it"
        );
    }

    #[test]
    fn an_entry_of_the_ledger_stays() {
        let mut records = records(&["alice", "bob"]);
        let uid = Account::called("alice", 10_001).uid;
        records.ledger.insert(uid, "alice".into());
        records.settle(&Etc::default(), |home, _| home.component() == "bob");
        assert_eq!(records.ledger[&uid], "alice");
    }
}
