//! Which names are ours: those that must be in the files and those that must go.
//! Decides about no line.

use super::applied::{Applied, AppliedEntry};
use super::index::Named;
use crate::account::{Account, Username};
use crate::files::{Etc, File, passwd, table};
use crate::image::Image;
use crate::record::{Part, Records};
use std::collections::{BTreeMap, BTreeSet};

/// Names and numbers of tombstones, and of what restore wrote for records that
/// are no more.
pub(super) struct Gone<'a>(BTreeSet<(&'a str, u32)>);

impl Gone<'_> {
    pub(super) fn has(&self, name: &[u8], id: u32) -> bool {
        !self.0.is_empty()
            && std::str::from_utf8(name).is_ok_and(|name| self.0.contains(&(name, id)))
    }
}

/// Names and numbers that were ours and must leave the files. Never the
/// image's: anybody who writes to the volume can plant a tombstone.
pub(super) fn gone<'a>(records: &'a Records, image: &Image, applied: &'a Applied) -> Gone<'a> {
    let is_wanted = |name: &str, uid: u32| {
        records
            .accounts
            .get(name)
            .is_some_and(|account| account.uid.get() == uid)
    };
    let dead = records
        .tombstones
        .iter()
        .map(|dead| (dead.name.as_str(), dead.uid.get()));
    let unreadable = unreadable(records);
    let recorded = records.accounts.keys().map(Username::as_str);
    let forgotten = without(&applied.accounts, recorded)
        .filter(|(name, _)| !unreadable.contains(name.as_str()));
    let gone = dead.chain(forgotten.map(|(name, entry)| (name.as_str(), entry.uid)));
    Gone(
        gone.filter(|&(name, uid)| !is_wanted(name, uid) && !image.has_account(name))
            .collect(),
    )
}

/// The entries of a map whose names are none of `names`, which are sorted as it is:
/// so none is looked for.
fn without<'a, T>(
    map: &'a BTreeMap<String, T>,
    names: impl Iterator<Item = &'a str>,
) -> impl Iterator<Item = (&'a String, &'a T)> {
    let mut names = names.peekable();
    map.iter().filter(move |(name, _)| {
        while names.next_if(|other| *other < name.as_str()).is_some() {}
        names.next_if_eq(&name.as_str()).is_none()
    })
}

/// Names with a record that can't be read: it may be whole again tomorrow, so
/// their lines stay.
fn unreadable(records: &Records) -> BTreeSet<&str> {
    let rejected = records.rejected.iter();
    let names = rejected
        .filter(|rejected| rejected.part == Part::Record)
        .flat_map(|rejected| &rejected.name);
    names.map(Username::as_str).collect()
}

/// What is ours in the files, or has to be.
pub(super) struct Owned<'a> {
    pub(super) named: Named<'a>,
    pub(super) gone: Gone<'a>,
    /// Names of `gone` that no line of passwd has any more.
    vanished: BTreeSet<&'a str>,
}

impl<'a> Owned<'a> {
    pub(super) fn new(named: Named<'a>, gone: Gone<'a>, etc: &Etc) -> Self {
        let vanished = vanished(&named, &gone, etc);
        Self {
            named,
            gone,
            vanished,
        }
    }

    /// The accounts that must be in the files, sorted by name.
    pub(super) fn wanted(&self) -> &[&'a Account] {
        &self.named.accounts
    }

    /// Whether the name was ours and is nobody's now.
    pub(super) fn has_vanished(&self, name: &[u8]) -> bool {
        !self.vanished.is_empty()
            && std::str::from_utf8(name).is_ok_and(|name| self.vanished.contains(name))
    }

    /// What is remembered of accounts that are left out, and stays so.
    pub(super) fn left_out<'m>(
        &'m self,
        records: &Records,
        applied: &'m Applied,
    ) -> Vec<(&'m String, &'m AppliedEntry)> {
        let unreadable = unreadable(records);
        let wanted = self.wanted().iter().map(|account| account.name.as_str());
        let others = without(&applied.accounts, wanted);
        let has_record =
            |name: &str| records.accounts.contains_key(name) || unreadable.contains(name);
        others
            .filter(|(name, entry)| has_record(name) && !self.gone.has(name.as_bytes(), entry.uid))
            .collect()
    }
}

/// Names that are gone and that nobody has taken since: what is left of them in
/// shadow, gshadow and member lists must not pass to the next person of that
/// name.
fn vanished<'a>(wanted: &Named<'_>, gone: &Gone<'a>, etc: &Etc) -> BTreeSet<&'a str> {
    let mut names: BTreeSet<&str> = gone.0.iter().map(|&(name, _)| name).collect();
    names.retain(|name| wanted.place(name.as_bytes()).is_none());
    if names.is_empty() {
        return names;
    }
    for line in table::lines(etc.bytes(File::Passwd)) {
        let Some(name) = table::name(line) else {
            continue;
        };
        let stays = passwd::name_and_uid(line).is_none_or(|(name, uid)| !gone.has(name, uid));
        if stays && let Ok(name) = std::str::from_utf8(name) {
            names.remove(name);
        }
    }
    names
}
