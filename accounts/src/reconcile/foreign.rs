//! Somebody else's lines: an account whose name or number one of them has is
//! left out, and the line stays.

use super::applied::Applied;
use super::index::{InTurn, Named};
use super::ownership::Gone;
use crate::account::Username;
use crate::files::{Etc, File, group, passwd, table};
use crate::record::Refusal;
use std::collections::BTreeMap;

/// Accounts whose name or number somebody else's line has.
pub(super) fn claims(
    named: &Named<'_>,
    gone: &Gone<'_>,
    etc: &Etc,
    applied: &Applied,
) -> BTreeMap<Username, Refusal> {
    let mut claims = Claims {
        named,
        in_turn: named.in_turn(),
        refused: BTreeMap::new(),
        held: BTreeMap::new(),
    };
    let users = table::lines(etc.bytes(File::Passwd)).filter_map(passwd::name_and_uid);
    let groups = table::lines(etc.bytes(File::Group)).filter_map(group::name_and_gid);
    let users = users.map(|(name, uid)| ("passwd", name, uid));
    let groups = groups.map(|(name, gid)| ("group", name, gid));
    for (file, name, id) in users.chain(groups) {
        claims.look(file, name, id, gone, applied);
    }
    claims.keep_numbers_of_refused();
    claims.refused
}

struct Claims<'a> {
    named: &'a Named<'a>,
    in_turn: InTurn<'a, 'a>,
    refused: BTreeMap<Username, Refusal>,
    /// Lines of ours that still have another number than their record.
    held: BTreeMap<&'a Username, Vec<(&'static str, u32)>>,
}

impl Claims<'_> {
    /// Looks at one line.
    fn look(
        &mut self,
        file: &'static str,
        name: &[u8],
        id: u32,
        gone: &Gone<'_>,
        applied: &Applied,
    ) {
        let found = self.in_turn.find(name);
        if found.is_some_and(|(_, uid)| uid == id) || gone.has(name, id) {
            return;
        }
        let same_name = found.map(|(place, _)| self.named.accounts[place]);
        if let Some(account) = same_name.filter(|_| applied.get(name).is_some()) {
            self.held.entry(&account.name).or_default().push((file, id));
            return;
        }
        for account in same_name.into_iter().chain(self.named.with_uid(id)) {
            let name = String::from_utf8_lossy(name).escape_debug().to_string();
            self.refused
                .entry(account.name.clone())
                .or_insert(Refusal::Foreign { file, name, id });
        }
    }

    /// The line of a refused account stays as it is, and so does its number.
    fn keep_numbers_of_refused(&mut self) {
        let mut left: Vec<Username> = self.refused.keys().cloned().collect();
        while let Some(name) = left.pop() {
            for &(file, id) in self.held.get(&name).into_iter().flatten() {
                if let Some(account) = self.named.with_uid(id)
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
