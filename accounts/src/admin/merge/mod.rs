//! A backup restored into a store that holds accounts: which accounts come and go.
//!
//! Accounts of the backup are as they were then; accounts that are only here
//! stay; an account removed since comes back. A number never gets a second
//! name, and a name keeps its number: a backup that wants either is refused.

use crate::account::{Uid, Username};
use crate::record::Records;
use std::collections::{BTreeMap, BTreeSet};

/// The contents of a store or a backup.
#[derive(Debug, Clone, Default)]
pub struct StoreContents {
    /// Records and tombstones.
    pub records: Records,
    /// Every uid ever given, and its name as the ledger has it: not checked, as the
    /// ledger may hold anything.
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
        /// The name that has it in the store.
        here: String,
        /// The name that has it in the backup.
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

/// The work to be done, account by account.
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
    /// Returns whether no account was ever here.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.ledger.is_empty() && self.records.tombstones.is_empty()
    }

    /// The name that has or had each number.
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
mod tests;
