//! What restore last wrote into this container's files: per account the uid, a
//! digest of the password field and the aging fields.
//!
//! It tells a line of ours from everybody else's after its record is gone, and
//! a password changed inside the container from one changed in the record.

use crate::account::{Account, Digest, Username};
use crate::files::shadow;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound::{Included, Unbounded};

/// `/var/lib/occ-init/applied.json`. Lives in the container's own layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// By login name.
    #[serde(deserialize_with = "read_sorted")]
    pub accounts: BTreeMap<String, AppliedEntry>,
    /// What stands in the files and is about to be taken into records: a kill
    /// between record and [`Applied::accounts`] must not make the next change
    /// look like one against an administrator's.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub taking: BTreeMap<String, AppliedEntry>,
}

/// What was written for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedEntry {
    /// The uid in passwd(5).
    pub uid: u32,
    /// Of the second field of shadow(5).
    pub shadow: Digest,
    /// Fields 3 to 8 of shadow(5) with their colons.
    pub aging: String,
}

impl AppliedEntry {
    /// What restore writes for this account.
    pub fn of(account: &Account) -> Self {
        Self {
            uid: account.uid.get(),
            shadow: Digest::of(shadow::password_field(account)),
            aging: shadow::aging_fields(account),
        }
    }
}

/// What is to be remembered of some accounts, as text: so many threads can each put
/// some of it together.
pub struct Entries<'a> {
    accounts: &'a [&'a Account],
    /// Their entries, with commas between them; none: as they are remembered.
    new: Option<Vec<u8>>,
}

impl Applied {
    /// Reads `applied.json`; none: it is not one of ours.
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// What is written into `applied.json`.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// What to remember once these accounts, sorted by name, are in the files. Of
    /// those in `waiting` that is what is remembered already.
    pub fn entries<'a>(
        &self,
        accounts: &'a [&'a Account],
        waiting: &BTreeSet<Username>,
    ) -> serde_json::Result<Entries<'a>> {
        let entry = |(account, known): (&&Account, Option<&AppliedEntry>)| match known {
            Some(known) if waiting.contains(&account.name) => known.clone(),
            _ => AppliedEntry::of(account),
        };
        let known: Vec<Option<&AppliedEntry>> = self.known(accounts).collect();
        let both = accounts.iter().zip(known.iter().copied());
        let entries: Vec<AppliedEntry> = both.map(entry).collect();
        if entries.iter().map(Some).eq(known) {
            let new = None;
            return Ok(Entries { accounts, new });
        }
        let mut text = Vec::new();
        for (account, entry) in accounts.iter().zip(&entries) {
            append(&mut text, account.name.as_str(), entry)?;
        }
        let new = Some(text);
        Ok(Entries { accounts, new })
    }

    /// `applied.json` of all parts, which are sorted by name, and of what is kept of
    /// other accounts, which is remembered already; none: that is all that is
    /// remembered.
    pub fn joined(
        &self,
        parts: &[Entries<'_>],
        kept: &[(&String, &AppliedEntry)],
    ) -> serde_json::Result<Option<Vec<u8>>> {
        if self.is_still(parts, kept.len()) {
            return Ok(None);
        }
        let sizes = parts.iter().flat_map(|part| &part.new);
        let size = sizes.map(|new| new.len() + 1).sum::<usize>();
        let mut text = Vec::with_capacity(size + 64);
        text.extend_from_slice(br#"{"accounts":{"#);
        for Entries { accounts, new } in parts {
            if let Some(new) = new {
                separate(&mut text);
                text.extend_from_slice(new);
                continue;
            }
            for (account, entry) in accounts.iter().zip(self.known(accounts)) {
                if let Some(entry) = entry {
                    append(&mut text, account.name.as_str(), entry)?;
                }
            }
        }
        for (name, entry) in kept {
            append(&mut text, name, entry)?;
        }
        text.extend_from_slice(b"}}");
        Ok(Some(text))
    }

    fn is_still(&self, parts: &[Entries<'_>], kept: usize) -> bool {
        let accounts: usize = parts.iter().map(|part| part.accounts.len()).sum();
        self.taking.is_empty()
            && self.accounts.len() == accounts + kept
            && parts.iter().all(|part| part.new.is_none())
    }

    /// What is remembered of each of these accounts, which are sorted by name as the
    /// entries are: so none is looked for.
    fn known(&self, accounts: &[&Account]) -> impl Iterator<Item = Option<&AppliedEntry>> {
        let first = accounts.first().map_or("", |account| account.name.as_str());
        let known = self.accounts.range::<str, _>((Included(first), Unbounded));
        let mut known = known.peekable();
        accounts.iter().map(move |account| {
            let name = account.name.as_str();
            while known.next_if(|(other, _)| other.as_str() < name).is_some() {}
            let same = known.next_if(|(other, _)| other.as_str() == name);
            same.map(|(_, entry)| entry)
        })
    }

    /// Whether restore once wrote a line of that name and uid here.
    pub fn has(&self, name: &[u8], uid: u32) -> bool {
        self.get(name).is_some_and(|entry| entry.uid == uid)
    }

    /// What stood in the files when the record last said `record`: then any
    /// other line is a later change. None: the record is newer than the files.
    pub fn base(&self, name: &[u8], record: &AppliedEntry) -> Option<&AppliedEntry> {
        let name = std::str::from_utf8(name).ok()?;
        let known = [self.accounts.get(name), self.taking.get(name)];
        known.into_iter().flatten().find(|known| *known == record)
    }

    /// What was written under that name.
    pub fn get(&self, name: &[u8]) -> Option<&AppliedEntry> {
        self.accounts.get(std::str::from_utf8(name).ok()?)
    }
}

/// One more entry of an object.
fn append(text: &mut Vec<u8>, name: &str, entry: &AppliedEntry) -> serde_json::Result<()> {
    separate(text);
    serde_json::to_writer(&mut *text, name)?;
    text.push(b':');
    serde_json::to_writer(text, entry)
}

/// None stands before the first.
fn separate(text: &mut Vec<u8>) {
    if !matches!(text.last(), None | Some(b'{')) {
        text.push(b',');
    }
}

/// Reads a map that was written in order. serde puts each entry in its place by
/// itself, a search for each; the map made of all at once needs none.
fn read_sorted<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, AppliedEntry>, D::Error> {
    struct InOrder;
    impl<'de> Visitor<'de> for InOrder {
        type Value = Vec<(String, AppliedEntry)>;

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
    Ok(deserializer.deserialize_map(InOrder)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(applied: &Applied) -> Vec<&str> {
        applied.accounts.keys().map(String::as_str).collect()
    }

    /// What is remembered after a restore of these accounts, in blocks of two.
    fn next(applied: &Applied, accounts: &[Account], waiting: &[&str]) -> Option<Applied> {
        let accounts: Vec<&Account> = accounts.iter().collect();
        let waiting = waiting.iter().map(|name| Username::parse(name).unwrap());
        let waiting = waiting.collect();
        let blocks = accounts.chunks(2);
        let parts = blocks.map(|block| applied.entries(block, &waiting).unwrap());
        let parts: Vec<Entries<'_>> = parts.collect();
        let wanted: Vec<&str> = accounts.iter().map(|a| a.name.as_str()).collect();
        let others = applied.accounts.iter();
        let others = others.filter(|(name, _)| !wanted.contains(&name.as_str()));
        let kept: Vec<_> = others.collect();
        let json = applied.joined(&parts, &kept).unwrap();
        json.map(|json| Applied::parse(&json).unwrap())
    }

    #[test]
    fn what_is_put_together_is_what_serde_writes() {
        let mut accounts = vec![
            Account::called("ada", 10_001),
            Account::called("bob", 10_002),
        ];
        accounts.extend([
            Account::called("eve", 10_003),
            Account::called("kim", 10_004),
        ]);
        accounts.push(Account::called("zoe", 10_005));
        let first = next(&Applied::default(), &accounts, &[]).unwrap();
        let expected = accounts
            .iter()
            .map(|a| (a.name.to_string(), AppliedEntry::of(a)));
        assert_eq!(first.accounts, expected.collect());
        assert_eq!(next(&first, &accounts, &[]), None, "nothing changed");

        // One block changes; bob is left out, and what was written for him is kept.
        accounts.remove(1);
        accounts[2].locked = true;
        let second = next(&first, &accounts, &[]).unwrap();
        assert_eq!(names(&second), ["ada", "bob", "eve", "kim", "zoe"]);
        assert_eq!(second.accounts["bob"], first.accounts["bob"]);
        assert_eq!(second.accounts["kim"], AppliedEntry::of(&accounts[2]));
        assert_eq!(next(&second, &accounts, &[]), None);
    }

    #[test]
    fn of_whom_it_waits_for_it_remembers_what_it_did() {
        let mut accounts = [
            Account::called("ada", 10_001),
            Account::called("bob", 10_002),
        ];
        let first = next(&Applied::default(), &accounts, &[]).unwrap();
        accounts[0].locked = true;
        assert_eq!(next(&first, &accounts, &["ada"]), None);
        let second = next(&first, &accounts, &["bob"]).unwrap();
        assert_eq!(second.accounts["ada"], AppliedEntry::of(&accounts[0]));
    }

    #[test]
    fn what_was_being_taken_is_over_with_the_next_restore() {
        let accounts = [Account::called("ada", 10_001)];
        let mut first = next(&Applied::default(), &accounts, &[]).unwrap();
        first.taking = first.accounts.clone();
        assert!(next(&first, &accounts, &[]).unwrap().taking.is_empty());
    }

    #[test]
    fn a_name_of_others_is_written_as_json() {
        let mut applied =
            next(&Applied::default(), &[Account::called("ada", 10_001)], &[]).unwrap();
        let entry = applied.accounts["ada"].clone();
        applied.accounts.insert("a\"b".to_owned(), entry);
        let next = next(&applied, &[Account::called("ada", 10_002)], &[]).unwrap();
        assert_eq!(names(&next), ["a\"b", "ada"]);
    }
}
