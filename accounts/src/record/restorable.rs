//! Which records may be restored: the rules that look at all records side by side.
//! Rules about lines that are already in the files are in `reconcile`.

use super::refusal::{Problem, Refusal, refuse_by_image};
use super::set::{Records, Tombstone};
use crate::account::{Account, Home, Uid, Username};
use crate::image::Image;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

impl Records {
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
    pub fn restorable(&self, image: &Image) -> (Vec<&Account>, Vec<Problem>) {
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
            || (!self.names.is_empty() && self.names.contains(&account.name.folded()))
    }
}

/// Names, uids and homes, and their holders.
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

    /// Returns whether the uid was given to the name, by the ledger.
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
        // Without an entry in the ledger the removed account still has it.
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
