//! All records of a store, as loaded, and which of them may be restored.
//!
//! The rules here look at records side by side and at the image; those about
//! one record alone are in `record`, those about lines that are already in the
//! files in `reconcile`.

use crate::id::Uid;
use crate::image::Image;
use crate::name::Username;
use crate::password::InvalidHash;
use crate::record::Account;
use crate::text::Home;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// What the store holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Records {
    /// Records that could be read.
    pub accounts: BTreeMap<Username, Account>,
    /// Removed accounts; their numbers and homes go to nobody else.
    pub tombstones: Vec<Tombstone>,
    /// Records that could not be used; their files stay where they are.
    pub rejected: Vec<Rejected>,
    /// Who got a uid, where the store was asked (see [`Records::doubtful_uids`]).
    pub ledger: BTreeMap<Uid, String>,
}

/// A removed account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The login name.
    pub name: Username,
    /// The number it had, and keeps.
    pub uid: Uid,
    /// Its home, which may still be there.
    pub home: Home,
}

/// A record file that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The file's name in the store, made printable.
    pub file: String,
    /// The login name, when the file is called like one.
    pub name: Option<Username>,
    /// Why, without content.
    pub reason: String,
}

/// Why an account with a readable record is not restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Names of the system.
    #[error("the name is reserved for the system")]
    Reserved,
    /// A user of the image.
    #[error("the image has a user of that name")]
    ImageUser,
    /// A group of the image: the private group would be that group.
    #[error("the image has a group of that name")]
    ImageGroup,
    /// sudoers(5) gives a group of that name rights.
    #[error("sudoers names a group of that name")]
    SudoersGroup,
    /// The image gave the number to somebody.
    #[error("uid {0} is '{owner}' in the image", owner = .1.escape_debug())]
    ImageId(Uid, String),
    /// Not in /proc/self/uid_map or gid_map.
    #[error("uid {0} does not exist in this user namespace")]
    Unmapped(Uid),
    /// Another name got the number first.
    #[error("uid {} was given to '{}'", .0, shortened(.1))]
    UidTaken(Uid, String),
    /// Another record has the name in another case.
    #[error("the name differs from '{0}' in case only")]
    CaseTwin(Username),
    /// Another record or tombstone has the home.
    #[error("home '{0}' belongs to '{1}'")]
    HomeTaken(Home, Username),
    /// A line in passwd or group that is not ours.
    #[error("{file} has a line '{name}' with id {id} that is not ours")]
    Foreign {
        /// passwd or group.
        file: &'static str,
        /// Its name, made printable.
        name: String,
        /// Its uid or gid.
        id: u32,
    },
}

/// An account that is not restored, or not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The file could not be used.
    Rejected(Rejected),
    /// The account is left out.
    Refused(Username, Refusal),
    /// The account is restored with `*` for a password.
    Hash(Username, InvalidHash),
    /// A group that the record asks for and the image does not grant.
    Group(Username, String),
    /// As many more of them: one record can name thousands.
    MoreGroups(Username, usize),
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rejected(rejected) => {
                write!(f, "skipped '{}': {}", rejected.file, rejected.reason)
            }
            Self::Refused(name, why) => write!(f, "skipped '{name}': {why}"),
            Self::Hash(name, why) => {
                write!(f, "'{name}' has no password until it is set again: {why}")
            }
            Self::Group(name, group) => {
                write!(
                    f,
                    "'{name}' is not put into group '{}': the image does not allow it",
                    shortened(group)
                )
            }
            Self::MoreGroups(name, count) => write!(
                f,
                "'{name}' is not put into {count} more groups: the image does not allow it"
            ),
        }
    }
}

/// Text from the volume, fit for one line of a log.
fn shortened(text: &str) -> String {
    let start: String = text.chars().take(64).collect();
    let more = if start.len() < text.len() { "…" } else { "" };
    format!("{}{more}", start.escape_debug())
}

impl Records {
    /// Uids that two records claim, or a record and somebody's tombstone: the
    /// store must say who got them. While a record can't be read, every uid may
    /// be its.
    pub fn doubtful_uids(&self) -> BTreeSet<Uid> {
        if !self.rejected.is_empty() {
            return self.uids();
        }
        let dead = self.tombstones.iter().map(|tombstone| tombstone.uid);
        repeated(dead.chain(self.accounts.values().map(|account| account.uid)))
    }

    /// The uids of all records.
    pub fn uids(&self) -> BTreeSet<Uid> {
        self.accounts.values().map(|account| account.uid).collect()
    }

    /// The rules that every account passes before it may be restored. Those
    /// that pass are sorted by name.
    pub fn admit(&self, image: &Image) -> (Vec<&Account>, Vec<Problem>) {
        let rejected = self.rejected.iter().cloned().map(Problem::Rejected);
        let mut problems: Vec<Problem> = rejected.collect();
        let mut refused = self.refuse(image);
        let mut admitted = Vec::with_capacity(self.accounts.len());
        for account in self.accounts.values() {
            if let Some(why) = refused.remove(&account.name) {
                problems.push(Problem::Refused(account.name.clone(), why));
                continue;
            }
            admitted.push(account);
            let hash = account.hash_refused;
            problems.extend(hash.map(|why| Problem::Hash(account.name.clone(), why)));
        }
        (admitted, problems)
    }

    /// Accounts that must be left out. What several claim goes to the one that
    /// was made first; nearly always nothing is claimed twice, and then nobody
    /// is compared with anybody.
    fn refuse(&self, image: &Image) -> BTreeMap<&Username, Refusal> {
        let mut refused = BTreeMap::new();
        let mut claims = Claims::new(self);
        let mut contested = Vec::new();
        for account in self.accounts.values() {
            if let Some(why) = refuse_by_image(account, image) {
                refused.insert(&account.name, why);
            } else if claims.is_contested(account) {
                contested.push(account);
            }
        }
        contested.sort_by_key(|account| account.created_usec);
        for account in contested {
            if let Err(why) = claims.claim(account) {
                refused.insert(&account.name, why);
            }
        }
        refused
    }
}

/// The values that are there more than once.
fn repeated<T: Ord + Clone>(values: impl Iterator<Item = T>) -> BTreeSet<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let pairs = values.windows(2).filter(|pair| pair[0] == pair[1]);
    pairs.map(|pair| pair[0].clone()).collect()
}

/// What the image has against an account, new or old.
pub fn refuse_by_image(account: &Account, image: &Image) -> Option<Refusal> {
    let id = account.uid;
    refuse_name(&account.name, image).or_else(|| match image.accounts.owner_of(id.get()) {
        Some(owner) => Some(Refusal::ImageId(id, owner.to_owned())),
        None if !image.is_mapped(id.get()) => Some(Refusal::Unmapped(id)),
        None => None,
    })
}

/// What the image has against a name.
pub fn refuse_name(name: &Username, image: &Image) -> Option<Refusal> {
    if name.is_reserved() {
        Some(Refusal::Reserved)
    } else if image.accounts.has_user(name) {
        Some(Refusal::ImageUser)
    } else if image.accounts.has_group(name) {
        Some(Refusal::ImageGroup)
    } else if image.sudoers_groups.contains(name.folded().as_ref()) {
        Some(Refusal::SudoersGroup)
    } else {
        None
    }
}

/// Names, numbers and homes that are claimed more than once, and who has them.
struct Claims<'a> {
    ledger: &'a BTreeMap<Uid, String>,
    dead: BTreeMap<Uid, &'a Username>,
    contested_names: BTreeSet<Cow<'a, str>>,
    contested_uids: BTreeSet<Uid>,
    contested_homes: BTreeSet<&'a Home>,
    names: BTreeMap<Cow<'a, str>, &'a Username>,
    uids: BTreeMap<Uid, &'a Username>,
    homes: BTreeMap<&'a Home, (&'a Username, Uid)>,
}

impl<'a> Claims<'a> {
    fn new(records: &'a Records) -> Self {
        let dead = || records.tombstones.iter();
        let accounts = || records.accounts.values();
        // A home called like its owner is claimed twice only if somebody else's
        // home is not called like its owner.
        let odd = accounts().filter(|account| account.home.component() != account.name.as_str());
        Self {
            ledger: &records.ledger,
            dead: dead().map(|dead| (dead.uid, &dead.name)).collect(),
            contested_names: repeated(accounts().map(|account| account.name.folded())),
            contested_uids: records.doubtful_uids(),
            contested_homes: odd
                .map(|account| &account.home)
                .chain(dead().map(|dead| &dead.home))
                .collect(),
            names: BTreeMap::new(),
            uids: BTreeMap::new(),
            homes: dead()
                .map(|dead| (&dead.home, (&dead.name, dead.uid)))
                .collect(),
        }
    }

    fn is_contested(&self, account: &Account) -> bool {
        self.contested_uids.contains(&account.uid)
            || self.ledger.contains_key(&account.uid)
            || self.contested_homes.contains(&account.home)
            || self.contested_names.contains(&account.name.folded())
    }

    fn claim(&mut self, account: &'a Account) -> Result<(), Refusal> {
        let Account {
            name, uid, home, ..
        } = account;
        // Without a word in the ledger the removed person still has it.
        let given_to = self.ledger.get(uid).map(String::as_str);
        let owner = given_to.or_else(|| self.dead.get(uid).map(|dead| dead.as_str()));
        if let Some(owner) = owner.filter(|owner| *owner != name.as_str()) {
            return Err(Refusal::UidTaken(*uid, owner.to_owned()));
        }
        if let Some(&twin) = self.names.get(&name.folded()) {
            return Err(Refusal::CaseTwin(twin.clone()));
        }
        if let Some(&other) = self.uids.get(uid) {
            return Err(Refusal::UidTaken(*uid, other.to_string()));
        }
        if let Some(&(owner, owner_uid)) = self.homes.get(home)
            && (owner, owner_uid) != (name, *uid)
        {
            return Err(Refusal::HomeTaken(home.clone(), owner.clone()));
        }
        self.names.insert(name.folded(), name);
        self.uids.insert(*uid, name);
        self.homes.insert(home, (name, *uid));
        Ok(())
    }
}
