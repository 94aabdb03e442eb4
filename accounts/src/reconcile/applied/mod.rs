//! The lines that restore last wrote into this container's files: per account the
//! uid, a digest of the password field and the aging fields.
//!
//! It tells a line of ours from everybody else's after its record is gone, and
//! a password changed inside the container from one changed in the record.

use crate::account::{Account, Digest, Username};
use crate::files::shadow;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// `/var/lib/occ-init/applied.json`. Lives in the container's own layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// By login name.
    #[serde(deserialize_with = "in_order")]
    pub accounts: BTreeMap<Username, AppliedEntry>,
    /// Entries that stand in the files and are about to be captured into records: a
    /// kill between record and [`Applied::accounts`] must not make the next change
    /// look like one against an administrator's.
    #[serde(rename = "taking", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub capturing: BTreeMap<Username, AppliedEntry>,
}

/// The lines written for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedEntry {
    /// The uid in passwd(5). Not a `Uid`: the image may have had another range.
    pub uid: u32,
    /// Digest of the second field of shadow(5).
    pub shadow: Digest,
    /// Fields 3 to 8 of shadow(5) with their colons.
    pub aging: SmolStr,
}

/// Reads a map that was written in order, as ours is, at once. With an insertion for each entry
/// a restore of 100,000 that changes nothing took 1.07 of the time of one that writes, instead
/// of 1.01 (bar in docs/benchmarks.md: not slower).
fn in_order<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Username, AppliedEntry>, D::Error> {
    struct InOrder;

    impl<'de> Visitor<'de> for InOrder {
        type Value = BTreeMap<Username, AppliedEntry>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let entries = std::iter::from_fn(|| map.next_entry().transpose());
            entries.collect()
        }
    }

    deserializer.deserialize_map(InOrder)
}

impl AppliedEntry {
    /// The entry of the lines that restore writes for this account.
    pub fn of(account: &Account) -> Self {
        Self {
            uid: account.uid.get(),
            shadow: Digest::of(shadow::password_field(account)),
            aging: shadow::aging_fields(account).into(),
        }
    }
}

impl Applied {
    /// Reads `applied.json`. Returns `None` if it is not one of ours.
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// The content of `applied.json`.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The value to store once the lines of `restored` are in the files; the entries
    /// of `kept` stay. An account of `waiting` has a password in shadow(5) that its
    /// record lacks, so its entry stays, too.
    pub(super) fn after_restore(
        &self,
        restored: &[&Account],
        waiting: &BTreeSet<Username>,
        kept: impl Iterator<Item = Username>,
    ) -> Self {
        let kept = kept.filter_map(|name| self.accounts.get_key_value(&name));
        let kept = kept.map(|(name, entry)| (name.clone(), entry.clone()));
        let restored = restored.iter().map(|account| {
            let name = &account.name;
            let waits = waiting.contains(name);
            let known = waits.then(|| self.accounts.get(name)).flatten();
            let entry = known.cloned();
            (
                name.clone(),
                entry.unwrap_or_else(|| AppliedEntry::of(account)),
            )
        });
        Self {
            accounts: restored.chain(kept).collect(),
            capturing: BTreeMap::new(),
        }
    }

    /// Returns whether restore once wrote a line of that name and uid here.
    pub fn has(&self, name: &[u8], uid: u32) -> bool {
        self.get(name).is_some_and(|entry| entry.uid == uid)
    }

    /// The entry of the lines that stood in the files when the record last said
    /// `record`: any other line is a later change. Returns `None` if the record is
    /// newer than the files.
    pub(super) fn last_written(
        &self,
        name: &Username,
        record: &AppliedEntry,
    ) -> Option<&AppliedEntry> {
        let known = [self.accounts.get(name), self.capturing.get(name)];
        known.into_iter().flatten().find(|known| *known == record)
    }

    /// The entry of the lines that were written under that name.
    pub fn get(&self, name: &[u8]) -> Option<&AppliedEntry> {
        self.accounts.get(std::str::from_utf8(name).ok()?)
    }
}

#[cfg(test)]
mod tests;
