//! Capture: a password that a person changed inside the container goes into
//! their record, so that it survives the next update.
//!
//! Only what changed since restore wrote it, and only if the record still says
//! what restore wrote: otherwise an administrator changed the record since,
//! and the record wins.

use super::applied::{Applied, AppliedEntry};
use crate::account::{Account, Aging, DAY_USEC, Digest, PasswordHash, Username, day_of_change};
use crate::files::{Etc, File, passwd, shadow, table};
use crate::record::Records;
use std::collections::{HashMap, HashSet};

/// The fields of one account's line in shadow(5) that its record lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The login name.
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
            let is_same_day = account.password_changed_usec.and_then(day_of_change) == last_change;
            if !is_same_day {
                account.password_changed_usec =
                    last_change.map(|day| u64::from(day).saturating_mul(DAY_USEC));
            }
        }
    }
}

/// Returns whether every line of shadow(5) is as its record says: then there is
/// nothing to capture.
pub fn are_as_recorded(records: &Records, etc: &Etc) -> bool {
    table::lines(etc.bytes(File::Shadow)).all(|line| {
        let account = table::name(line).and_then(|name| records.get(name));
        account.is_none_or(|account| shadow::line(account).as_bytes() == line)
    })
}

/// The captures for the records, and the names whose line differs although it must
/// not be captured: their record wins.
pub fn captures(records: &Records, etc: &Etc, applied: &Applied) -> (Vec<Capture>, Vec<Username>) {
    let mut taken = Vec::new();
    let mut differing = Vec::new();
    if are_as_recorded(records, etc) {
        return (taken, differing);
    }
    // Of several lines of one name every reader takes the first.
    let mut uids: HashMap<&[u8], u32> = HashMap::new();
    for (name, uid) in table::lines(etc.bytes(File::Passwd)).filter_map(passwd::name_and_uid) {
        uids.entry(name).or_insert(uid);
    }
    let mut seen: HashSet<&[u8]> = HashSet::new();
    let entries = table::lines(etc.bytes(File::Shadow)).filter_map(shadow::Entry::parse);
    for entry in entries.filter(|entry| seen.insert(entry.name)) {
        let account = records
            .get(entry.name)
            .filter(|account| uids.get(entry.name) == Some(&account.uid.get()));
        let Some(account) = account else {
            continue;
        };
        match compare(account, &entry, applied) {
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

fn compare(account: &Account, entry: &shadow::Entry<'_>, applied: &Applied) -> Verdict {
    // As the record: what restore wrote, even if it was killed before it could
    // remember that.
    let [lock, password] = shadow::password_field(account);
    let is_recorded = entry.password.strip_prefix(lock.as_bytes()) == Some(password.as_bytes())
        && entry.aging == shadow::aging_fields(account).as_bytes();
    if is_recorded {
        return Verdict::Same;
    }
    let digest = Digest::of([entry.password]);
    let is_line =
        |known: &AppliedEntry| known.shadow == digest && known.aging.as_bytes() == entry.aging;
    if applied.get(entry.name).is_some_and(is_line) {
        return Verdict::Same;
    }
    let record = AppliedEntry::of(account);
    let last_written = applied.last_written(&account.name, &record);
    let Some(last_written) = last_written.filter(|_| !account.locked) else {
        return Verdict::RecordWins;
    };
    let hash = std::str::from_utf8(entry.password)
        .ok()
        .and_then(|hash| PasswordHash::parse(hash).ok());
    let hash_changed = digest != last_written.shadow;
    // `!`, `*` and empty never pass the gate, so a lock set by hand is not taken.
    if hash_changed && hash.is_none() {
        return Verdict::RecordWins;
    }
    Verdict::Take(Capture {
        name: account.name.clone(),
        hash: hash.filter(|_| hash_changed),
        aging: (entry.aging != last_written.aging.as_bytes()).then(|| entry.aging()),
    })
}

#[cfg(test)]
mod tests;
