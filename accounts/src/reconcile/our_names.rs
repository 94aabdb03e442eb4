//! Which names in the account files are ours: those that must be there and those that must go.
//! Decides about no line.

use super::applied::Applied;
use super::index::AccountIndex;
use crate::account::{Account, Username};
use crate::files::{Etc, File, passwd, table};
use crate::image::Image;
use crate::record::Records;
use std::collections::{BTreeMap, BTreeSet};

/// Names and uids that were ours and must leave the files: those of tombstones, and
/// those that restore wrote for records that are gone.
pub(super) struct Released<'a>(BTreeMap<(&'a [u8], u32), &'a Username>);

impl<'a> Released<'a> {
    /// Never one of the image: anybody who writes to the volume can plant a tombstone.
    pub(super) fn new(records: &'a Records, image: &Image, applied: &'a Applied) -> Self {
        let has_record = |name: &Username, uid: u32| {
            let account = records.accounts.get(name);
            account.is_some_and(|account| account.uid.get() == uid)
        };
        let tombstones = records.tombstones.iter();
        let tombstones = tombstones.map(|dead| (&dead.name, dead.uid.get()));
        let unreadable = unreadable(records);
        let written = missing(records.accounts.keys(), applied);
        let written = written.filter(|(name, _)| !unreadable.contains(name));
        let released = tombstones
            .chain(written)
            .filter(|&(name, uid)| !has_record(name, uid) && !image.has_account(name));
        Self(
            released
                .map(|(name, uid)| ((name.as_bytes(), uid), name))
                .collect(),
        )
    }

    /// The name of a line, if the line must go.
    pub(super) fn find(&self, name: &[u8], id: u32) -> Option<&'a Username> {
        self.0.get(&(name, id)).copied()
    }

    pub(super) fn has(&self, name: &[u8], id: u32) -> bool {
        self.find(name, id).is_some()
    }
}

/// Those of [`Applied::accounts`] that are not among the names. Both are in the order of names,
/// so none is looked up.
fn missing<'a>(
    names: impl Iterator<Item = &'a Username>,
    applied: &'a Applied,
) -> impl Iterator<Item = (&'a Username, u32)> {
    let mut names = names.peekable();
    let written = applied.accounts.iter().filter(move |(name, _)| {
        while names.next_if(|other| other < name).is_some() {}
        names.peek() != Some(name)
    });
    written.map(|(name, entry)| (name, entry.uid))
}

/// Names whose record can't be read: it may be whole again tomorrow, so their lines
/// stay.
fn unreadable(records: &Records) -> BTreeSet<&Username> {
    let rejected = records.rejected.iter();
    let records = rejected.filter(|rejected| rejected.part.is_record());
    records.flat_map(|rejected| &rejected.name).collect()
}

/// Names that are ours in the files, or have to be.
pub(super) struct OurNames<'a> {
    pub(super) index: AccountIndex<'a>,
    pub(super) released: Released<'a>,
    /// Names of `released` that no line of passwd has any more.
    unclaimed: BTreeSet<&'a [u8]>,
}

impl<'a> OurNames<'a> {
    pub(super) fn new(index: AccountIndex<'a>, released: Released<'a>, etc: &Etc) -> Self {
        let unclaimed = unclaimed(&index, &released, etc);
        Self {
            index,
            released,
            unclaimed,
        }
    }

    /// The accounts that must be in the files, sorted by name.
    pub(super) fn restored(&self) -> &[&'a Account] {
        self.index.accounts()
    }

    /// Returns whether the name was ours and has no holder now.
    pub(super) fn is_unclaimed(&self, name: &[u8]) -> bool {
        self.unclaimed.contains(name)
    }

    /// Names that `applied` has and whose accounts are left out of this restore only:
    /// their record is refused, or can't be read.
    pub(super) fn left_out<'s>(
        &'s self,
        records: &'s Records,
        applied: &'s Applied,
    ) -> impl Iterator<Item = Username> + 's {
        let unreadable = unreadable(records);
        let restored = self.restored().iter().map(|account| &account.name);
        let left_out = missing(restored, applied).filter(move |(name, uid)| {
            let has_record = records.accounts.contains_key(*name) || unreadable.contains(name);
            has_record && !self.released.has(name.as_bytes(), *uid)
        });
        left_out.map(|(name, _)| name.clone())
    }
}

/// Names that were released and that no other account has taken since: their lines in
/// shadow and gshadow and their memberships must not pass to the next holder.
fn unclaimed<'a>(
    restored: &AccountIndex<'_>,
    released: &Released<'a>,
    etc: &Etc,
) -> BTreeSet<&'a [u8]> {
    let names = released.0.keys().map(|&(name, _)| name);
    let mut names: BTreeSet<&[u8]> = names
        .filter(|name| restored.place(name).is_none())
        .collect();
    if names.is_empty() {
        return names;
    }
    for line in table::lines(etc.bytes(File::Passwd)) {
        let stays = passwd::name_and_uid(line).is_none_or(|(name, uid)| !released.has(name, uid));
        if stays && let Some(name) = table::name(line) {
            names.remove(name);
        }
    }
    names
}
