//! Capture: a password that a person changed inside the container goes into
//! their record, so that it survives the next update.
//!
//! Only what changed since restore wrote it, and only if the record still says
//! what restore wrote: otherwise an administrator changed the record since,
//! and the record wins.

use crate::applied::{self, Applied};
use crate::etc::{Etc, File};
use crate::id::Uid;
use crate::name::Username;
use crate::password::{self, PasswordHash};
use crate::record::Account;
use crate::records::Records;
use crate::shadow::{self, Aging};
use crate::{passwd, table};
use std::collections::BTreeMap;

/// What one account's line in shadow says that its record does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Whose.
    pub name: Username,
    /// The new hash, if that changed.
    pub hash: Option<PasswordHash>,
    /// The day of the last change and the aging fields, if they changed.
    pub aging: Option<(Option<u32>, Aging)>,
}

impl Capture {
    /// Writes the change into the account.
    pub fn apply(self, account: &mut Account) {
        if let Some(hash) = self.hash {
            account.hash = Some(hash);
            account.hash_refused = None;
        }
        if let Some((last_change, aging)) = self.aging {
            account.aging = aging;
            let is_same_day = account.password_changed_usec.and_then(shadow::day_of) == last_change;
            if !is_same_day {
                account.password_changed_usec =
                    last_change.map(|day| u64::from(day).saturating_mul(shadow::DAY_USEC));
            }
        }
    }
}

/// What to take into the records, and the names whose password field differs
/// although it must not be taken.
pub fn captures(records: &Records, etc: &Etc, applied: &Applied) -> (Vec<Capture>, Vec<Username>) {
    let mut taken = Vec::new();
    let mut differing = Vec::new();
    if applied.accounts.is_empty() {
        return (taken, differing);
    }
    let uids: BTreeMap<&[u8], u32> = table::lines(etc.bytes(File::Passwd))
        .filter_map(passwd::name_and_uid)
        .collect();
    for entry in table::lines(etc.bytes(File::Shadow)).filter_map(shadow::Entry::parse) {
        let Some(account) = std::str::from_utf8(entry.name)
            .ok()
            .and_then(|name| records.accounts.get(name))
        else {
            continue;
        };
        let is_same_account = |uid: Uid| uids.get(entry.name) == Some(&uid.get());
        let Some(base) = applied
            .get(entry.name)
            .filter(|_| is_same_account(account.uid))
        else {
            continue;
        };
        match compare(account, &entry, base) {
            Verdict::Same => (),
            Verdict::RecordWins => differing.push(account.name.clone()),
            Verdict::Take(capture) => taken.push(capture),
        }
    }
    (taken, differing)
}

enum Verdict {
    Same,
    RecordWins,
    Take(Capture),
}

fn compare(account: &Account, entry: &shadow::Entry<'_>, base: &applied::Entry) -> Verdict {
    let record = applied::Entry::of(account);
    let hash_changed = password::digest(entry.password) != base.shadow;
    let aging_changed = entry.aging != base.aging.as_bytes();
    if !hash_changed && !aging_changed {
        return Verdict::Same;
    }
    let base_is_current =
        base.uid == record.uid && base.shadow == record.shadow && base.aging == record.aging;
    let hash = std::str::from_utf8(entry.password)
        .ok()
        .and_then(|hash| PasswordHash::parse(hash).ok());
    // `!`, `*` and empty never pass the gate, so a lock set by hand is not taken.
    if account.locked || !base_is_current || (hash_changed && hash.is_none()) {
        return Verdict::RecordWins;
    }
    Verdict::Take(Capture {
        name: account.name.clone(),
        hash: hash.filter(|_| hash_changed),
        aging: aging_changed.then(|| entry.aging()),
    })
}
