//! What restore last wrote into this container's files: per account the uid, a
//! digest of the password field and the aging fields.
//!
//! It tells a line of ours from everybody else's after its record is gone, and
//! a password changed inside the container from one changed in the record.

use crate::password::Digest;
use crate::record::Account;
use crate::shadow;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// `/var/lib/occ-init/applied.json`. Lives in the container's own layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// By login name.
    #[serde(deserialize_with = "read_sorted")]
    pub accounts: BTreeMap<String, Entry>,
    /// What stands in the files and is about to be taken into records: a kill
    /// between record and [`Applied::accounts`] must not make the next change
    /// look like one against an administrator's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taking: BTreeMap<String, Entry>,
}

/// What was written for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The uid in passwd(5).
    pub uid: u32,
    /// Of the second field of shadow(5).
    pub shadow: Digest,
    /// Fields 3 to 8 of shadow(5) with their colons.
    pub aging: String,
}

impl Entry {
    /// What restore writes for this account.
    pub fn of(account: &Account) -> Self {
        Self {
            uid: account.uid.get(),
            shadow: Digest::of(shadow::password_field(account)),
            aging: shadow::aging_fields(account),
        }
    }
}

impl Applied {
    /// Reads `applied.json`; none: it is not one of ours.
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// What is written into `applied.json`; none: it can't be written as JSON.
    pub fn to_json(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    /// Whether restore once wrote a line of that name and uid here.
    pub fn has(&self, name: &[u8], uid: u32) -> bool {
        self.get(name).is_some_and(|entry| entry.uid == uid)
    }

    /// What stood in the files when the record last said `record`: then any
    /// other line is a later change. None: the record is newer than the files.
    pub fn base(&self, name: &[u8], record: &Entry) -> Option<&Entry> {
        let name = std::str::from_utf8(name).ok()?;
        let known = [self.accounts.get(name), self.taking.get(name)];
        known.into_iter().flatten().find(|known| *known == record)
    }

    /// What was written under that name.
    pub fn get(&self, name: &[u8]) -> Option<&Entry> {
        self.accounts.get(std::str::from_utf8(name).ok()?)
    }
}

/// Reads a map that was written in order. serde puts each entry in its place by
/// itself, a search for each; the map made of all at once needs none.
fn read_sorted<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Entry>, D::Error> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, Entry)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("entries by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    Ok(deserializer.deserialize_map(Entries)?.into_iter().collect())
}
