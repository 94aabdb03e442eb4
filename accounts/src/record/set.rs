//! All records of a store, as loaded. Decides nothing; `restorable` has the rules.

use crate::account::{Account, Home, Uid, Username};
use std::collections::{BTreeMap, BTreeSet};

/// The contents of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// Records that could be read. Boxed, for a map is put together by moving what
    /// is in it.
    pub accounts: BTreeMap<Username, Box<Account>>,
    /// Removed accounts; their numbers and homes go to nobody else.
    pub tombstones: Vec<Tombstone>,
    /// Records that could not be used; their files stay where they are.
    pub rejected: Vec<Rejected>,
    /// Names of [`Records::rejected`] whose lines an administrator wants locked.
    pub to_lock: BTreeSet<Username>,
    /// The name that got a uid, for the uids of [`Records::doubtful_uids`]. Not a
    /// `Username`: the ledger's file may hold anything, and then the uid is taken.
    pub ledger: BTreeMap<Uid, String>,
}

/// A removed account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The login name.
    pub name: Username,
    /// The number it had, and keeps.
    pub uid: Uid,
    /// Its home, which may still be there.
    pub home: Home,
}

/// Something of the store that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The part of the store that it would be.
    pub part: Part,
    /// The file's name in the store, made printable.
    pub file: String,
    /// The account it would be of, if the file's name or the ledger tells.
    pub name: Option<Username>,
    /// Why, without content.
    pub reason: String,
}

impl Rejected {
    /// Returns whether it would be this account's record; not its tombstone.
    pub fn is_record_of(&self, name: &Username) -> bool {
        self.part.is_record() && self.name.as_ref() == Some(name)
    }
}

impl Part {
    /// Returns whether it is the record of an account, of whatever form.
    pub fn is_record(self) -> bool {
        matches!(self, Self::Record | Self::Older | Self::Refused)
    }
}

/// A part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The record of an account.
    Record,
    /// A record of opencode-cloud that the next restore takes over.
    Older,
    /// A record of opencode-cloud whose name or uid nobody may have here.
    Refused,
    /// The record of a removed account.
    Tombstone,
    /// A directory: of tombstones, of the ledger, of older records.
    Directory,
}

impl Records {
    /// The account of a name, as it stands in a file.
    pub fn get(&self, name: &[u8]) -> Option<&Account> {
        let account = self.accounts.get(std::str::from_utf8(name).ok()?);
        account.map(Box::as_ref)
    }
}
