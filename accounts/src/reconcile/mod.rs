//! Reconcile: image lines + records = what the files should say.
//!
//! [`plan`] decides, and its result is a value that can be printed, compared
//! and applied; it never touches a line that is not ours. A line is ours when a
//! record or a tombstone has its name and number, or when restore once wrote it
//! ([`Applied`]).

pub mod applied;
pub mod capture;
pub mod drift;
mod files;
mod foreign;
pub(crate) mod index;
mod lines;
mod locked_out;
mod ownership;
pub(crate) mod packed;

use crate::applied::{Applied, Entries};
use crate::etc::{Etc, File};
use crate::image::Image;
use crate::name::Username;
use crate::named::Named;
use crate::record::Account;
use crate::records::{Problem, Records};
use files::Files;
use locked_out::Shut;
use ownership::Owned;
use std::collections::BTreeMap;

/// So many groups of one account are named that the image does not grant.
const NAMED_GROUPS: usize = 8;

/// What restore will do. Prints as one line per account and file.
#[derive(Clone, PartialEq, Eq)]
pub struct Plan {
    /// Files to write, in writing order; a file that stays as it is is absent.
    pub writes: Vec<(File, Vec<u8>)>,
    /// What happens to which account; unchanged ones are absent.
    pub changes: Vec<(String, Change)>,
    /// Accounts that are in the files afterwards.
    pub restored: Vec<Username>,
    /// Disabled accounts that are left out, but whose lines of an earlier restore
    /// are there and locked afterwards.
    pub shut: Vec<Username>,
    /// What was left out, and why.
    pub problems: Vec<Problem>,
}

/// What happens to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Add,
    /// A line of it changes.
    Update,
    /// It was ours and has no record any more.
    Remove,
}

impl Change {
    /// Whether all lines of the account come or go.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Add | Self::Remove)
    }

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::Remove => "remove",
        }
    }
}

impl Plan {
    /// Whether anything is removed and nothing comes in: then passwd goes
    /// first, so that no passwd line stands without its shadow line.
    pub fn only_removes(&self) -> bool {
        !self.changes.is_empty()
            && self
                .changes
                .iter()
                .all(|(_, change)| *change == Change::Remove)
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, change) in &self.changes {
            writeln!(f, "{} '{name}'", change.word())?;
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for (file, _) in &self.writes {
            writeln!(f, "write '/etc/{}'", file.name())?;
        }
        write!(f, "{} accounts", self.restored.len())
    }
}

/// Decides what the files should say.
pub fn plan(records: &Records, etc: &Etc, image: &Image, applied: &Applied) -> Plan {
    decide(records, etc, image, applied).plan()
}

/// Who is restored is decided; what the files say about them is still to be put
/// together, which takes most of the time.
pub struct Decision<'a> {
    records: &'a Records,
    etc: &'a Etc,
    image: &'a Image,
    applied: &'a Applied,
    owned: Owned<'a>,
    shut: Shut<'a>,
    problems: Vec<Problem>,
}

/// Decides who is restored.
pub fn decide<'a>(
    records: &'a Records,
    etc: &'a Etc,
    image: &'a Image,
    applied: &'a Applied,
) -> Decision<'a> {
    let (admitted, mut problems) = records.admit(image);
    let gone = ownership::gone(records, image, applied);
    let admitted = Named::new(admitted);
    let refused = foreign::claims(&admitted, &gone, etc, applied);
    let wanted = if refused.is_empty() {
        admitted
    } else {
        let mut accounts = admitted.accounts;
        accounts.retain(|account| !refused.contains_key(&account.name));
        Named::new(accounts)
    };
    let owned = Owned::new(wanted, gone, etc);
    let refused = refused.into_iter();
    problems.extend(refused.map(|(name, why)| Problem::Refused(name, why)));
    let shut = locked_out::out(&owned, records, etc, image, applied);
    Decision {
        records,
        etc,
        image,
        applied,
        owned,
        shut,
        problems,
    }
}

impl<'a> Decision<'a> {
    /// The accounts that are in the files afterwards, sorted by name.
    pub fn restored(&self) -> &[&'a Account] {
        self.owned.wanted()
    }

    /// What the next restore must know: [`Applied::entries`] of [`Decision::restored`],
    /// all of them in their order, and what is kept of accounts that were left out.
    /// None: what it knows already.
    pub fn remembered(&self, parts: &[Entries<'_>]) -> serde_json::Result<Option<Vec<u8>>> {
        let left_out = self.owned.left_out(self.records, self.applied);
        self.applied.joined(parts, &left_out)
    }

    /// What the files should say.
    pub fn plan(&self) -> Plan {
        let wanted = self.owned.wanted();
        let mut changes = Changes::new(wanted.len());
        let writes = Files {
            owned: &self.owned,
            shut: &self.shut,
            etc: self.etc,
            image: self.image,
        }
        .writes(&mut changes);
        let ungranted = ungranted_groups(wanted, self.image);
        let left_shut = self.shut.keys();
        Plan {
            writes,
            changes: changes.into_named(wanted),
            restored: wanted.iter().map(|account| account.name.clone()).collect(),
            shut: left_shut
                .filter_map(|name| Username::parse(name).ok())
                .collect(),
            problems: self.problems.iter().cloned().chain(ungranted).collect(),
        }
    }
}

/// What has been decided so far: about accounts by their place in `wanted`, and
/// about names that go or are shut out.
struct Changes {
    wanted: Vec<Option<Change>>,
    others: Vec<(String, Change)>,
}

impl Changes {
    fn new(wanted: usize) -> Self {
        Self {
            wanted: vec![None; wanted],
            others: Vec::new(),
        }
    }

    fn add(&mut self, index: usize) {
        self.wanted[index] = Some(Change::Add);
    }

    fn update(&mut self, index: usize) {
        self.wanted[index].get_or_insert(Change::Update);
    }

    fn other(&mut self, name: &[u8], change: Change) {
        self.others
            .push((String::from_utf8_lossy(name).into_owned(), change));
    }

    /// Sorted by name, as `wanted` is.
    fn into_named(self, wanted: &[&Account]) -> Vec<(String, Change)> {
        let changed = wanted.iter().zip(self.wanted);
        let changed =
            changed.filter_map(|(account, change)| Some((account.name.to_string(), change?)));
        if self.others.is_empty() {
            return changed.collect();
        }
        let named: BTreeMap<String, Change> = changed.chain(self.others).collect();
        named.into_iter().collect()
    }
}

fn ungranted_groups(wanted: &[&Account], image: &Image) -> Vec<Problem> {
    let mut problems = Vec::new();
    for Account {
        name, member_of, ..
    } in wanted
    {
        let mut refused = member_of
            .iter()
            .filter(|group| !image.groups_allow.allows(group, name));
        let named = refused.by_ref().take(NAMED_GROUPS);
        problems.extend(named.map(|group| Problem::Group(name.clone(), group.clone())));
        let more = refused.count();
        problems.extend((more > 0).then(|| Problem::MoreGroups(name.clone(), more)));
    }
    problems
}

#[cfg(test)]
mod tests;
