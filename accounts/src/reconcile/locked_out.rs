//! Disabled accounts that are left out although lines of an earlier restore are
//! there: unchanged, such a line would let in a person whom an administrator has
//! disabled.

use super::applied::Applied;
use super::our_names::OurNames;
use crate::account::{Account, Username};
use crate::files::{Etc, File, passwd, table};
use crate::image::Image;
use crate::record::Records;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts whose lines are to be locked.
pub(super) struct LockedOut<'a>(BTreeMap<&'a [u8], LockedName<'a>>);

/// An account whose lines are to be locked.
#[derive(Clone, Copy)]
pub(super) struct LockedName<'a> {
    pub(super) name: &'a Username,
    /// Absent if the record can't be read.
    pub(super) account: Option<&'a Account>,
}

impl<'a> LockedOut<'a> {
    /// Only lines that restore itself once wrote: name and uid of every line of
    /// that name are those of `applied`.
    pub(super) fn new(
        our_names: &OurNames<'_>,
        records: &'a Records,
        etc: &Etc,
        image: &Image,
        applied: &Applied,
    ) -> Self {
        let disabled = records.accounts.values().filter(|account| account.locked);
        let disabled = disabled.map(|account| (&account.name, Some(account.as_ref())));
        let unreadable = records.to_lock.iter().map(|name| (name, None));
        let mut locked: BTreeMap<&[u8], LockedName<'_>> = disabled
            .chain(unreadable)
            .filter(|(name, _)| our_names.index.place(name.as_bytes()).is_none())
            .filter(|(name, _)| !image.has_account(name))
            .map(|(name, account)| (name.as_bytes(), LockedName { name, account }))
            .collect();
        if locked.is_empty() {
            return Self(locked);
        }
        let mut present = BTreeSet::new();
        for line in table::lines(etc.bytes(File::Passwd)) {
            let entry = passwd::name_and_uid(line);
            // A released line goes anyway.
            if entry.is_some_and(|(name, uid)| our_names.released.has(name, uid)) {
                continue;
            }
            if let Some((name, _)) = entry.filter(|&(name, uid)| applied.has(name, uid)) {
                present.insert(name);
            } else if let Some(name) = table::name(line) {
                locked.remove(name);
            }
        }
        locked.retain(|name, _| present.contains(name));
        Self(locked)
    }

    /// The account of a line that is to be locked.
    pub(super) fn of_line(&self, line: &[u8]) -> Option<LockedName<'a>> {
        self.0.get(table::name(line)?).copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'a Username> {
        self.0.values().map(|locked| locked.name)
    }
}
