//! Disabled accounts that are left out although lines of an earlier restore are
//! there: left as they are, these would let in whom an administrator has shut
//! out.

use super::applied::Applied;
use super::ownership::Owned;
use crate::account::Account;
use crate::files::{Etc, File, passwd, table};
use crate::image::Image;
use crate::record::Records;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts whose lines are to be locked, by name. None: the record can't be read.
pub(super) type Shut<'a> = BTreeMap<&'a str, Option<&'a Account>>;

/// Only lines that restore itself once wrote: name and uid of every line of
/// that name are those it remembers.
pub(super) fn out<'a>(
    owned: &Owned<'_>,
    records: &'a Records,
    etc: &Etc,
    image: &Image,
    applied: &Applied,
) -> Shut<'a> {
    let disabled = records.accounts.values().filter(|account| account.locked);
    let unreadable = records.to_shut.iter().map(|name| (name.as_str(), None));
    let mut shut: Shut<'_> = disabled
        .map(|account| (account.name.as_str(), Some(account.as_ref())))
        .chain(unreadable)
        .filter(|(name, _)| {
            owned.named.place(name.as_bytes()).is_none() && !image.has_account(name)
        })
        .collect();
    if shut.is_empty() {
        return shut;
    }
    let mut present = BTreeSet::new();
    for line in table::lines(etc.bytes(File::Passwd)) {
        let Some(name) = table::name(line).and_then(|name| std::str::from_utf8(name).ok()) else {
            continue;
        };
        let entry = passwd::name_and_uid(line);
        // That line goes anyway.
        if entry.is_some_and(|(name, uid)| owned.gone.has(name, uid)) {
            continue;
        }
        if entry.is_some_and(|(name, uid)| applied.has(name, uid)) {
            present.insert(name);
        } else {
            shut.remove(name);
        }
    }
    shut.retain(|name, _| present.contains(name));
    shut
}
