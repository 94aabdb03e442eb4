//! All records of a store, as loaded, and which of them may be restored.
//!
//! The rules here look at records side by side and at the image; those about
//! one record alone are in `record`, those about lines that are already in the
//! files in `reconcile`.

use crate::account::{Account, Home, Uid, Username};
use std::collections::{BTreeMap, BTreeSet};

/// What the store holds.
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
    /// Who got a uid, where the store was asked (see [`Records::doubtful_uids`]).
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
    /// What it would be.
    pub part: Part,
    /// The file's name in the store, made printable.
    pub file: String,
    /// Whose it would be, where the file's name or the ledger tells.
    pub name: Option<Username>,
    /// Why, without content.
    pub reason: String,
}

impl Rejected {
    /// Whether it would be this account's record; not its tombstone.
    pub fn is_record_of(&self, name: &Username) -> bool {
        self.part == Part::Record && self.name.as_ref() == Some(name)
    }
}

/// A part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The record of an account.
    Record,
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
