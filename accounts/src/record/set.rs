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
    /// Records that could be read. Boxed, for a map is put together by moving what
    /// is in it.
    pub accounts: BTreeMap<Username, Box<Account>>,
    /// Removed accounts; their numbers and homes go to nobody else.
    pub tombstones: Vec<Tombstone>,
    /// Records that could not be used; their files stay where they are.
    pub rejected: Vec<Rejected>,
    /// Names of [`Records::rejected`] whose lines an administrator wants locked.
    pub to_shut: BTreeSet<Username>,
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

/// Something of the store that was not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// What it would be.
    pub part: Part,
    /// The file's name in the store, made printable.
    pub file: String,
    /// Whose it would be, where the file's name or the ledger tells.
    pub name: Option<Username>,
    /// Why, without content.
    pub reason: String,
}

impl Rejected {
    /// Whether it would be this account's record; not its tombstone.
    pub fn is_record_of(&self, name: &Username) -> bool {
        self.part == Part::Record && self.name.as_ref() == Some(name)
    }
}

/// A part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The record of an account.
    Record,
    /// The record of a removed account.
    Tombstone,
    /// A directory: of tombstones, of the ledger, of older records.
    Directory,
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
    /// sudoers(5) gives the group of that number rights.
    #[error("sudoers names the group with gid {0}")]
    SudoersGid(Uid),
    /// The image gave the number to somebody.
    #[error("uid {0} is '{owner}' in the image", owner = .1.escape_debug())]
    ImageId(Uid, String),
    /// Not in a directory where the image allows homes. The path is not told: a
    /// hash may stand there.
    #[error("invalid home: the image allows none in that directory")]
    HomeElsewhere,
    /// Not in /proc/self/uid_map or gid_map.
    #[error("uid {0} does not exist in this user namespace")]
    Unmapped(Uid),
    /// Another name got the number first.
    #[error("uid {} was given to '{}'", .0, shown(.1))]
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
                    shown(group)
                )
            }
            Self::MoreGroups(name, count) => write!(
                f,
                "'{name}' is not put into {count} more groups: the image does not allow it"
            ),
        }
    }
}

/// A name from the volume, fit for one line of a log: where a name should be, a
/// hash may stand.
fn shown(text: &str) -> &str {
    let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.()".contains(c);
    if text.len() <= 64 && text.chars().all(is_name) {
        text
    } else {
        "(no name)"
    }
}

impl Records {
    /// The account of a name, as it stands in a file.
    pub fn get(&self, name: &[u8]) -> Option<&Account> {
        let account = self.accounts.get(std::str::from_utf8(name).ok()?);
        account.map(Box::as_ref)
    }

    /// Uids of which the store must say who got them: those that two records
    /// claim, or a record and somebody's tombstone; and those of records that
    /// claim one name or one home, for the date in a record is easily forged.
    /// While a record can't be read, every uid may be its.
    pub fn doubtful_uids(&self) -> BTreeSet<Uid> {
        let contested = Contested::new(self);
        let accounts = self.accounts.values().map(Box::as_ref);
        let is_doubtful = |account: &&Account| !self.rejected.is_empty() || contested.has(account);
        let doubtful: Vec<&Account> = accounts.filter(is_doubtful).collect();
        let homes: BTreeSet<&Home> = doubtful.iter().map(|account| &account.home).collect();
        let dead = self.tombstones.iter();
        let dead = dead.filter(|dead| homes.contains(&dead.home));
        let living = doubtful.iter().map(|account| account.uid);
        living.chain(dead.map(|dead| dead.uid)).collect()
    }

    /// Uids that two records claim, or a record and somebody's tombstone.
    pub fn contested_uids(&self) -> BTreeSet<Uid> {
        let dead = self.tombstones.iter().map(|tombstone| tombstone.uid);
        repeated(dead.chain(self.accounts.values().map(|account| account.uid)))
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
            admitted.push(account.as_ref());
            let hash = account.hash_refused;
            problems.extend(hash.map(|why| Problem::Hash(account.name.clone(), why)));
        }
        (admitted, problems)
    }

    /// Accounts that must be left out. What several claim goes to the one whose
    /// uid was given to it, then to the one that was made first; nearly always
    /// nothing is claimed twice, and then nobody is compared with anybody.
    fn refuse(&self, image: &Image) -> BTreeMap<&Username, Refusal> {
        let mut refused = BTreeMap::new();
        let contested = Contested::new(self);
        let mut claimants = Vec::new();
        for account in self.accounts.values() {
            if let Some(why) = refuse_by_image(account, image) {
                refused.insert(&account.name, why);
            } else if contested.has(account) || self.ledger.contains_key(&account.uid) {
                claimants.push(account.as_ref());
            }
        }
        claimants.sort_by_key(|account| (!is_called_like_its_owner(account), account.created_usec));
        let mut claims = Claims::new(self);
        for is_given in [true, false] {
            claims.claim_homes_of_the_dead(is_given);
            let turn = claimants
                .iter()
                .filter(|account| claims.was_given(account.uid, &account.name) == is_given);
            let turn: Vec<&Account> = turn.copied().collect();
            for account in turn {
                if let Err(why) = claims.claim(account) {
                    refused.insert(&account.name, why);
                }
            }
        }
        refused
    }
}

fn is_called_like_its_owner(account: &Account) -> bool {
    account.home.component() == account.name.as_str()
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
        None if image.sudoers_gids().any(|gid| gid == id.get()) => Some(Refusal::SudoersGid(id)),
        None if !image.home_bases.allow(&account.home) => Some(Refusal::HomeElsewhere),
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

/// Names, numbers and homes that may be claimed more than once.
struct Contested<'a> {
    names: BTreeSet<Cow<'a, str>>,
    uids: BTreeSet<Uid>,
    homes: BTreeSet<&'a Home>,
}

impl<'a> Contested<'a> {
    fn new(records: &'a Records) -> Self {
        let accounts = || records.accounts.values();
        // A home called like its owner is claimed twice only if somebody else's
        // home is not called like its owner.
        let odd = accounts().filter(|account| !is_called_like_its_owner(account));
        let dead = records.tombstones.iter().map(|dead| &dead.home);
        let folded = || accounts().map(|account| account.name.folded());
        // No name stands twice, so where none has another case nothing is repeated.
        let is_folded = folded().all(|name| matches!(name, Cow::Borrowed(_)));
        Self {
            names: if is_folded {
                BTreeSet::new()
            } else {
                repeated(folded())
            },
            uids: records.contested_uids(),
            homes: odd.map(|account| &account.home).chain(dead).collect(),
        }
    }

    fn has(&self, account: &Account) -> bool {
        self.uids.contains(&account.uid)
            || self.homes.contains(&account.home)
            || self.names.contains(&account.name.folded())
    }
}

/// Names, numbers and homes, and who has them.
struct Claims<'a> {
    tombstones: &'a [Tombstone],
    ledger: &'a BTreeMap<Uid, String>,
    dead: BTreeMap<Uid, &'a Username>,
    names: BTreeMap<Cow<'a, str>, &'a Username>,
    uids: BTreeMap<Uid, &'a Username>,
    homes: BTreeMap<&'a Home, (&'a Username, Uid)>,
}

impl<'a> Claims<'a> {
    fn new(records: &'a Records) -> Self {
        let dead = records.tombstones.iter();
        Self {
            tombstones: &records.tombstones,
            ledger: &records.ledger,
            dead: dead.map(|dead| (dead.uid, &dead.name)).collect(),
            names: BTreeMap::new(),
            uids: BTreeMap::new(),
            homes: BTreeMap::new(),
        }
    }

    /// Whether the ledger says that the name got the uid.
    fn was_given(&self, uid: Uid, name: &Username) -> bool {
        self.ledger
            .get(&uid)
            .is_some_and(|owner| owner == name.as_str())
    }

    /// A removed account keeps its home, unless somebody planted its tombstone.
    fn claim_homes_of_the_dead(&mut self, is_given: bool) {
        for dead in self.tombstones {
            if self.was_given(dead.uid, &dead.name) == is_given {
                let owner = (&dead.name, dead.uid);
                self.homes.entry(&dead.home).or_insert(owner);
            }
        }
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
