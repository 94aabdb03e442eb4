//! The people who may log in: managed, enabled accounts, by passwd(5), shadow(5)
//! and the lists of occ-init and the image. Bytes in, values out.

mod follow;

use std::collections::{BTreeMap, BTreeSet};

use accounts::account::{Home, Shell, Username};
use accounts::files::{shadow, table};
use accounts::image::ImageAccounts;
use accounts::reconcile::Applied;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::helpers::password::HashDigest;
use crate::shell::is_nologin;

/// Uids of people: `accounts::id` says why.
const UIDS: std::ops::RangeInclusive<u32> = 1000..=4_294_967_293;
const NOBODY: u32 = 65_534;
/// The 16-bit −1, which old calls take for "no change".
const NO_CHANGE: u32 = 65_535;

/// The files that decide it.
#[derive(Default)]
pub(crate) struct AccountFiles {
    pub(crate) passwd: Vec<u8>,
    pub(crate) shadow: zeroize::Zeroizing<Vec<u8>>,
    /// Users and groups of the image: nobody of these is a person.
    pub(crate) image_accounts: Vec<u8>,
    /// The accounts that occ-init restored, if it did: only those are managed.
    pub(crate) applied: Option<Vec<u8>>,
}

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) name: Username,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) display_name: String,
    pub(crate) home: Home,
    pub(crate) shell: Shell,
    pub(crate) fingerprint: AccountFingerprint,
    pub(crate) hash: HashDigest,
}

/// Digest of what a session rests on: name, uid, hash, expiry, shell. Another
/// fingerprint ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct AccountFingerprint([u8; 32]);

/// Whose account it is and which password it has. An access token rests on it: another
/// shell, or another last day to come, ends none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountPassword {
    uid: u32,
    hash: HashDigest,
}

impl Person {
    pub(crate) fn password(&self) -> AccountPassword {
        AccountPassword {
            uid: self.uid,
            hash: self.hash,
        }
    }
}

/// Everybody who may log in, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    people: BTreeMap<String, Person>,
    /// occ-init restored accounts, of people who may log in or may not; or nobody can tell.
    are_there_others: bool,
}

impl Accounts {
    /// Finds the people who may log in on a day, counted from 1970.
    pub(crate) fn read(files: &AccountFiles, today: u32) -> Self {
        let image = ImageAccounts::parse(&files.image_accounts);
        // A list that can't be read shuts everybody out rather than letting one in.
        let applied = files
            .applied
            .as_ref()
            .map(|bytes| serde_json::from_slice::<Applied>(bytes));
        let are_there_others = (applied.as_ref())
            .is_some_and(|list| !list.as_ref().is_ok_and(|list| list.accounts.is_empty()));
        let applied = applied.map(Result::unwrap_or_default);
        let passwords = passwords(&files.shadow);
        let mut people = BTreeMap::new();
        let mut uids = BTreeSet::new();
        let mut shared = BTreeSet::new();
        for line in table::lines(&files.passwd) {
            let fields = table::fields(line);
            if let Some(uid) = fields.get(2).and_then(|field| table::number(field))
                && !uids.insert(uid)
            {
                shared.insert(uid);
            }
            let person = passwords
                .get(fields[0])
                .and_then(|entry| person(&fields, entry, today));
            if let Some(person) = person
                && !image.has_user(&person.name)
                && image.owner_of(person.uid).is_none()
                && applied
                    .as_ref()
                    .is_none_or(|applied| applied.has(fields[0], person.uid))
            {
                // The first line of a name is the one that getpwnam(3) finds.
                people
                    .entry(person.name.as_str().to_owned())
                    .or_insert(person);
            }
        }
        people.retain(|_, person| !shared.contains(&person.uid));
        Self {
            people,
            are_there_others,
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Person> {
        self.people.get(name)
    }

    /// Somebody who stands in for a name that nobody has, always the same one for it.
    pub(crate) fn stand_in(&self, number: u64) -> Option<&Person> {
        let count = u64::try_from(self.people.len()).ok()?;
        let at = usize::try_from(number.checked_rem(count)?).ok()?;
        self.people.values().nth(at)
    }

    /// Returns true if there is nobody at all, locked out or not.
    pub(crate) fn are_none(&self) -> bool {
        self.people.is_empty() && !self.are_there_others
    }

    pub(crate) fn fingerprint(&self, name: &str) -> Option<AccountFingerprint> {
        self.get(name).map(|person| person.fingerprint)
    }
}

/// The first shadow line of each name that can be used.
fn passwords(file: &[u8]) -> BTreeMap<&[u8], shadow::Entry<'_>> {
    let mut found = BTreeMap::new();
    for entry in table::lines(file).filter_map(shadow::Entry::parse) {
        found.entry(entry.name).or_insert(entry);
    }
    found
}

fn person(fields: &[&[u8]], entry: &shadow::Entry<'_>, today: u32) -> Option<Person> {
    let &[name, _, uid, gid, gecos, home, shell] = fields else {
        return None;
    };
    let text = |field| std::str::from_utf8(field).ok();
    let name = Username::parse(text(name)?).ok()?;
    let uid = table::number(uid)?;
    let shell = Shell::parse(text(shell)?).ok()?;
    let has_password = !matches!(entry.password.first(), None | Some(b'!' | b'*'));
    let aging = entry.aging().1;
    let is_open = has_password && !aging.has_expired(today) && !is_nologin(&shell);
    let is_person =
        UIDS.contains(&uid) && !matches!(uid, NOBODY | NO_CHANGE) && !name.is_reserved();
    let gecos = String::from_utf8_lossy(gecos);
    (is_open && is_person).then_some(())?;
    Some(Person {
        hash: HashDigest::of(entry.password),
        fingerprint: fingerprint(&name, uid, entry.password, aging.expire, &shell),
        display_name: gecos.split(',').next().unwrap_or_default().to_owned(),
        gid: table::number(gid).filter(|gid| UIDS.contains(gid))?,
        home: Home::parse(text(home)?).ok()?,
        name,
        uid,
        shell,
    })
}

fn fingerprint(
    name: &Username,
    uid: u32,
    hash: &[u8],
    expire: Option<u32>,
    shell: &Shell,
) -> AccountFingerprint {
    let mut digest = Sha256::new();
    digest.update(format!(
        "{}:{uid}:{expire:?}:{}:",
        name.as_str(),
        shell.as_str()
    ));
    digest.update(hash);
    AccountFingerprint(digest.finalize().into())
}

#[cfg(test)]
pub(crate) mod tests;
