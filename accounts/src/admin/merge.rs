//! What becomes of a store when a backup is restored into it.
//!
//! Accounts of the backup are as they were then; accounts that are only here
//! stay; whoever was removed since comes back. A number never gets a second
//! name, and a name keeps its number: a backup that wants either is refused.

use crate::account::{Uid, Username};
use crate::record::Records;
use std::collections::{BTreeMap, BTreeSet};

/// What a store or a backup holds.
#[derive(Debug, Clone, Default)]
pub struct StoreContents {
    /// Records and tombstones.
    pub records: Records,
    /// Everybody who ever got a number.
    pub ledger: BTreeMap<u32, String>,
    /// Names of the record files, readable or not.
    pub files: BTreeSet<String>,
}

/// Why a backup does not fit a store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// A number has two names.
    #[error("uid {uid} is '{here}' here and '{there}' in the backup", here = .here.escape_debug(), there = .there.escape_debug())]
    Uid {
        /// The number.
        uid: u32,
        /// Who has it in the store.
        here: String,
        /// Who has it in the backup.
        there: String,
    },
    /// A name has two numbers.
    #[error("'{name}' has uid {here} here and {there} in the backup")]
    Name {
        /// The login name.
        name: String,
        /// Its number in the store.
        here: u32,
        /// Its number in the backup.
        there: u32,
    },
}

/// What is to be done, and for whom.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merge {
    /// Accounts that are not here now.
    pub added: Vec<Username>,
    /// Accounts that are here and become what they were.
    pub replaced: Vec<Username>,
    /// Numbers whose tombstones here end, because their accounts come back.
    pub revived: Vec<Uid>,
    /// Numbers whose tombstones in the backup are left out: here they live.
    pub alive: Vec<Uid>,
    /// Record files of the backup that are left out: they can't be read, and
    /// here is a file of that name.
    pub left_out: Vec<String>,
}

impl StoreContents {
    /// Whether nobody was ever here.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.ledger.is_empty() && self.records.tombstones.is_empty()
    }

    /// Who has or had each number.
    fn numbers(&self) -> BTreeMap<u32, &str> {
        let accounts = self.records.accounts.values();
        let living = accounts.map(|account| (account.uid.get(), account.name.as_str()));
        let tombstones = self.records.tombstones.iter();
        let dead = tombstones.map(|dead| (dead.uid.get(), dead.name.as_str()));
        let given = self.ledger.iter().map(|(uid, name)| (*uid, name.as_str()));
        // Of two claims the ledger's counts, as at every restore.
        living.chain(dead).chain(given).collect()
    }
}

/// Decides; changes nothing.
pub fn merge(here: &StoreContents, backup: &StoreContents) -> Result<Merge, Conflict> {
    refuse_conflicts(here, backup)?;
    let mut merge = Merge::default();
    let tombstones = here.records.tombstones.iter();
    let buried: BTreeSet<Uid> = tombstones.map(|dead| dead.uid).collect();
    for (name, account) in &backup.records.accounts {
        let uid = account.uid;
        let list = if here.records.accounts.contains_key(name) {
            &mut merge.replaced
        } else {
            &mut merge.added
        };
        list.push(name.clone());
        if buried.contains(&uid) {
            merge.revived.push(uid);
        }
    }
    let living = here.records.accounts.values();
    let living: BTreeSet<Uid> = living.map(|account| account.uid).collect();
    let dead = backup.records.tombstones.iter().map(|dead| dead.uid);
    merge.alive = dead.filter(|uid| living.contains(uid)).collect();
    let names = backup.records.accounts.keys();
    let read: BTreeSet<&str> = names.map(Username::as_str).collect();
    let both = backup.files.intersection(&here.files);
    let unread = both.filter(|file| !read.contains(file.as_str()));
    merge.left_out = unread.cloned().collect();
    Ok(merge)
}

fn refuse_conflicts(here: &StoreContents, backup: &StoreContents) -> Result<(), Conflict> {
    let numbers = here.numbers();
    for (uid, there) in backup.numbers() {
        match numbers.get(&uid) {
            Some(&name) if name != there => {
                let (here, there) = (name.to_owned(), there.to_owned());
                return Err(Conflict::Uid { uid, here, there });
            }
            _ => (),
        }
    }
    for (name, account) in &backup.records.accounts {
        let there = account.uid.get();
        let present = here.records.accounts.get(name);
        if let Some(here) = present.map(|present| present.uid.get())
            && here != there
        {
            let name = name.to_string();
            return Err(Conflict::Name { name, here, there });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::account::Home;
    use crate::account::UidRange;
    use crate::record::Tombstone;

    fn holding(living: &[(&str, u64)], dead: &[(&str, u64)]) -> StoreContents {
        let mut all = StoreContents::default();
        for &(name, uid) in living.iter().chain(dead) {
            let is_living = living.contains(&(name, uid));
            let home = Home::parse(&format!("/home/{name}")).unwrap();
            let uid = UidRange::default().uid(uid).unwrap();
            let name = Username::parse(name).unwrap();
            all.ledger.insert(uid.get(), name.to_string());
            if is_living {
                all.files.insert(name.to_string());
                let account = Account::new(name.clone(), uid, home, 0);
                all.records.accounts.insert(name, Box::new(account));
            } else {
                all.records.tombstones.push(Tombstone { name, uid, home });
            }
        }
        all
    }

    fn names(names: &[Username]) -> Vec<&str> {
        names.iter().map(Username::as_str).collect()
    }

    const ALICE: (&str, u64) = ("alice", 10000);
    const BOB: (&str, u64) = ("bob", 10001);

    #[test]
    fn everybody_is_added_to_an_empty_store() {
        let (here, backup) = (StoreContents::default(), holding(&[ALICE], &[BOB]));
        assert!(here.is_empty() && !backup.is_empty());
        let merge = merge(&here, &backup).unwrap();
        assert_eq!(names(&merge.added), ["alice"]);
        assert_eq!((merge.replaced.len(), merge.revived.len()), (0, 0));
    }

    #[test]
    fn who_was_removed_comes_back_and_who_lives_stays_alive() {
        let here = holding(&[BOB, ("carol", 10002)], &[ALICE]);
        let backup = holding(&[ALICE], &[BOB]);
        let merge = merge(&here, &backup).unwrap();
        assert_eq!(names(&merge.added), ["alice"]);
        let numbers = |uids: &[Uid]| uids.iter().map(|uid| uid.get()).collect::<Vec<_>>();
        assert_eq!(numbers(&merge.revived), [10000]);
        assert_eq!(numbers(&merge.alive), [10001]);
        let again = super::merge(&holding(&[ALICE], &[]), &holding(&[ALICE], &[])).unwrap();
        assert_eq!(names(&again.replaced), ["alice"]);
    }

    #[test]
    fn a_number_with_two_names_and_a_name_with_two_numbers_are_refused() {
        let here = holding(&[ALICE], &[]);
        let zoe = holding(&[("zoe", 10000)], &[]);
        assert_eq!(
            merge(&here, &zoe).unwrap_err().to_string(),
            "uid 10000 is 'alice' here and 'zoe' in the backup"
        );
        let elsewhere = holding(&[("alice", 10007)], &[]);
        assert_eq!(
            merge(&here, &elsewhere).unwrap_err().to_string(),
            "'alice' has uid 10000 here and 10007 in the backup"
        );
        // Long gone, and somebody else's all the same.
        let ledger = StoreContents {
            ledger: [(10000, "alice".to_owned())].into(),
            ..StoreContents::default()
        };
        assert!(merge(&ledger, &zoe).is_err() && merge(&here, &ledger).is_ok());
    }

    #[test]
    fn an_unreadable_record_replaces_none() {
        let here = holding(&[ALICE], &[]);
        let mut backup = StoreContents::default();
        backup.files.extend(["alice".to_owned(), "x y".to_owned()]);
        assert_eq!(merge(&here, &backup).unwrap().left_out, ["alice"]);
    }
}
