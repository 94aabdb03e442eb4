//! Capture: what passwd(1), usermod(8) and chage(1) changed inside the container goes into
//! the record, so that it survives the next update: a new password, a lock by root, expiry
//! and the other aging fields, a forced change.
//!
//! Only what changed since restore wrote it, and only if the record still says
//! what restore wrote: otherwise an administrator changed the record since,
//! and the record wins.

mod reverted;

pub use reverted::{Reverted, Why};

use super::applied::{Applied, AppliedEntry};
use crate::account::{Account, Aging, Digest, InvalidHash, LastChange, PasswordHash, Username};
use crate::files::{Etc, File, passwd, shadow, table};
use crate::record::Records;
use std::collections::{HashMap, HashSet};

/// The fields of one account's line in shadow(5) that its record lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The login name.
    pub name: Username,
    /// `!` stands before the recorded password: root locked the account.
    pub lock: bool,
    /// The new hash, if that changed.
    pub hash: Option<PasswordHash>,
    /// The day of the last change, if that changed.
    pub last_change: Option<LastChange>,
    /// The aging fields, if they changed.
    pub aging: Option<Aging>,
}

impl Capture {
    /// Writes the change into the account.
    pub fn apply(self, account: &mut Account) {
        if let Some(hash) = self.hash {
            account.hash = Some(hash);
            account.hash_refused = None;
        }
        if let Some(aging) = self.aging {
            account.aging = aging;
        }
        if let Some(change) = self.last_change {
            account.set_last_change(change);
        }
        account.locked |= self.lock;
    }

    /// The change, as the object of a sentence.
    pub fn what(&self) -> &'static str {
        if self.lock {
            "the lock"
        } else if self.hash.is_some() {
            "the new password"
        } else if self.last_change == Some(LastChange::Forced) {
            "the forced change of the password"
        } else {
            "the new password aging or expiry"
        }
    }
}

/// What was changed in shadow(5).
#[derive(Debug, Default)]
pub struct Captures {
    /// Goes into records.
    pub taken: Vec<Capture>,
    /// The next restore makes it as recorded again.
    pub reverted: Vec<Reverted>,
}

/// Returns whether every line of shadow(5) is as its record says: then there is
/// nothing to capture.
pub fn are_as_recorded(records: &Records, etc: &Etc) -> bool {
    table::lines(etc.bytes(File::Shadow)).all(|line| {
        let account = table::name(line).and_then(|name| records.get(name));
        account.is_none_or(|account| shadow::line(account).as_bytes() == line)
    })
}

/// What of the lines goes into the records.
pub fn captures(records: &Records, etc: &Etc, applied: &Applied) -> Captures {
    let mut captures = Captures::default();
    if are_as_recorded(records, etc) {
        return captures;
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
        if let Some(account) = account {
            captures.add(account, &entry, applied);
        }
    }
    captures
}

impl Captures {
    fn add(&mut self, account: &Account, entry: &shadow::Entry<'_>, applied: &Applied) {
        if is_known(account, entry, applied) {
            return;
        }
        let record = AppliedEntry::of(account);
        let last_written = applied.last_written(&account.name, &record);
        let why = match last_written {
            _ if account.locked => Why::Disabled,
            None => Why::RecordIsNewer,
            Some(last_written) => {
                let (capture, why) = compare(account, entry, last_written);
                self.taken.extend(capture);
                match why {
                    Some(why) => why,
                    None => return,
                }
            }
        };
        let name = account.name.clone();
        self.reverted.push(Reverted { name, why });
    }
}

/// Returns whether the line is what the record says or what restore wrote: what it wrote
/// even if it was killed before it could remember that.
fn is_known(account: &Account, entry: &shadow::Entry<'_>, applied: &Applied) -> bool {
    let [lock, password] = shadow::password_field(account);
    let is_recorded = entry.password.strip_prefix(lock.as_bytes()) == Some(password.as_bytes())
        && entry.aging == shadow::aging_fields(account).as_bytes();
    let digest = Digest::of([entry.password]);
    let is_line =
        |known: &AppliedEntry| known.shadow == digest && known.aging.as_bytes() == entry.aging;
    is_recorded || applied.get(entry.name).is_some_and(is_line)
}

/// What is taken of an enabled account's line, and why its password field is not.
fn compare(
    account: &Account,
    entry: &shadow::Entry<'_>,
    last_written: &AppliedEntry,
) -> (Option<Capture>, Option<Why>) {
    let mut capture = Capture {
        name: account.name.clone(),
        lock: false,
        hash: None,
        last_change: None,
        aging: None,
    };
    let mut why = None;
    if Digest::of([entry.password]) != last_written.shadow {
        match password(account, entry.password) {
            Ok(Password::Locked) => capture.lock = true,
            Ok(Password::New(hash)) => capture.hash = Some(hash),
            Err(refused) => why = Some(refused),
        }
    }
    if entry.aging != last_written.aging.as_bytes() {
        let (last_change, mut aging) = entry.aging();
        if capture.lock {
            aging.forget_lock();
        }
        capture.aging = (aging != written(account)).then_some(aging);
        // The day is that of a password which is not taken.
        let is_taken = why.is_none() && last_change != account.last_change();
        capture.last_change = is_taken.then_some(last_change);
    }
    let is_any = capture.lock
        || capture.hash.is_some()
        || capture.last_change.is_some()
        || capture.aging.is_some();
    (is_any.then_some(capture), why)
}

/// The aging fields that restore writes for the account, with its defaults.
fn written(account: &Account) -> Aging {
    let aging = shadow::aging_fields(account);
    shadow::read_aging(aging.as_bytes()).1
}

enum Password {
    Locked,
    New(PasswordHash),
}

/// Reads a password field that is not as recorded.
fn password(account: &Account, field: &[u8]) -> Result<Password, Why> {
    let [_, recorded] = shadow::password_field(account);
    if field.strip_prefix(b"!") == Some(recorded.as_bytes()) {
        return Ok(Password::Locked);
    }
    match field {
        [] => return Err(Why::NoPassword),
        [b'!', ..] => return Err(Why::OtherLock),
        b"*" => return Err(Why::Star),
        _ => (),
    }
    let hash = std::str::from_utf8(field).map_err(|_| Why::Hash(InvalidHash::Characters))?;
    PasswordHash::parse(hash)
        .map(Password::New)
        .map_err(Why::Hash)
}

#[cfg(test)]
mod tests;
