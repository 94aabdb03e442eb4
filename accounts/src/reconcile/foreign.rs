//! Lines of others: an account whose name or id one of them has is left out, and the
//! line stays.

use super::applied::Applied;
use super::index::{AccountIndex, InTurn};
use super::our_names::Released;
use crate::account::Username;
use crate::files::{Etc, File, group, passwd, table};
use crate::record::{Problem, Refusal, Tombstone};
use std::collections::BTreeMap;

/// Accounts whose name or id a line of others has.
pub(super) fn claims(
    index: &AccountIndex<'_>,
    released: &Released<'_>,
    etc: &Etc,
    applied: &Applied,
) -> BTreeMap<Username, Refusal> {
    let mut claims = Claims {
        index,
        in_turn: index.in_turn(),
        refused: BTreeMap::new(),
        held: BTreeMap::new(),
    };
    let users = table::lines(etc.bytes(File::Passwd)).filter_map(passwd::name_and_uid);
    let groups = table::lines(etc.bytes(File::Group)).filter_map(group::name_and_gid);
    let users = users.map(|(name, uid)| ("passwd", name, uid));
    let groups = groups.map(|(name, gid)| ("group", name, gid));
    for (file, name, id) in users.chain(groups) {
        if !released.has(name, id) {
            claims.add_line(file, name, id, applied);
        }
    }
    claims.keep_ids_of_refused();
    claims.refused
}

/// Lines of others with the uid of a removed account: useradd(8) knows nothing of those.
pub fn strangers(tombstones: &[Tombstone], passwd: &[u8]) -> Vec<Problem> {
    if tombstones.is_empty() {
        return Vec::new();
    }
    let by_uid: BTreeMap<u32, &Tombstone> = tombstones
        .iter()
        .map(|dead| (dead.uid.get(), dead))
        .collect();
    let lines = table::lines(passwd).filter_map(passwd::name_and_uid);
    let stranger = |(name, uid): (&[u8], u32)| {
        let dead = by_uid.get(&uid)?;
        let is_other = dead.name.as_str().as_bytes() != name;
        is_other.then(|| Problem::Stranger {
            name: String::from_utf8_lossy(name).escape_debug().to_string(),
            uid: dead.uid,
            owner: dead.name.clone(),
        })
    };
    lines.filter_map(stranger).collect()
}

struct Claims<'a> {
    index: &'a AccountIndex<'a>,
    in_turn: InTurn<'a, 'a>,
    refused: BTreeMap<Username, Refusal>,
    /// Lines of ours that still have another id than their record.
    held: BTreeMap<&'a Username, Vec<(&'static str, u32)>>,
}

impl Claims<'_> {
    fn add_line(&mut self, file: &'static str, name: &[u8], id: u32, applied: &Applied) {
        let same_name = self.in_turn.place_and_uid(name);
        if same_name.is_some_and(|(_, uid)| uid == id) {
            return;
        }
        let same_name = same_name.map(|(place, _)| self.index.accounts()[place]);
        if let Some(account) = same_name.filter(|_| applied.get(name).is_some()) {
            self.held.entry(&account.name).or_default().push((file, id));
            return;
        }
        for account in same_name.into_iter().chain(self.index.with_uid(id)) {
            let name = String::from_utf8_lossy(name).escape_debug().to_string();
            self.refused
                .entry(account.name.clone())
                .or_insert(Refusal::Foreign { file, name, id });
        }
    }

    /// The line of a refused account stays as it is, and so does its id.
    fn keep_ids_of_refused(&mut self) {
        let mut left: Vec<Username> = self.refused.keys().cloned().collect();
        while let Some(name) = left.pop() {
            for &(file, id) in self.held.get(&name).into_iter().flatten() {
                if let Some(account) = self.index.with_uid(id)
                    && !self.refused.contains_key(&account.name)
                {
                    let name = name.to_string();
                    let why = Refusal::Foreign { file, name, id };
                    self.refused.insert(account.name.clone(), why);
                    left.push(account.name.clone());
                }
            }
        }
    }
}
