//! Reconcile: image lines + records = what the files should say.
//!
//! [`plan`] decides, and its result is a value that can be printed, compared
//! and applied; it never touches a line that is not ours. A line is ours when a
//! record or a tombstone has its name and number, or when restore once wrote it
//! ([`Applied`]).

use crate::applied::{self, Applied};
use crate::etc::{Etc, File};
use crate::group;
use crate::image::Image;
use crate::name::Username;
use crate::passwd;
use crate::record::Account;
use crate::records::{Part, Problem, Records, Refusal};
use crate::shadow;
use crate::subid;
use crate::table::{self, Fate};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

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
    /// What to remember for the next restore.
    pub applied: Applied,
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
    let (admitted, mut problems) = records.admit(image);
    let gone = gone(records, image, applied);
    let mut owned = Owned::new(etc, applied, admitted, gone, &mut problems);
    owned.shut = owned.shut_out(records, etc, image, applied);
    let mut changes = Changes {
        wanted: vec![None; owned.wanted.len()],
        others: Vec::new(),
    };
    let mut writes = Vec::new();
    for file in File::ALL {
        let content = owned.content(file, etc, image, &mut changes);
        // Same result, no write: inode and mtime stay.
        writes.extend(
            content
                .filter(|new| etc.get(file) != Some(new))
                .map(|new| (file, new)),
        );
    }
    problems.extend(owned.ungranted_groups(image));
    Plan {
        writes,
        changes: changes.into_named(&owned.wanted),
        restored: owned
            .wanted
            .iter()
            .map(|account| account.name.clone())
            .collect(),
        shut: owned
            .shut
            .keys()
            .filter_map(|name| Username::parse(name).ok())
            .collect(),
        problems,
        applied: owned.remembered(records, applied),
    }
}

/// What has been decided so far: about accounts by their place in `wanted`, and
/// about names that go or are shut out.
struct Changes {
    wanted: Vec<Option<Change>>,
    others: Vec<(String, Change)>,
}

impl Changes {
    fn update(&mut self, index: usize) {
        self.wanted[index].get_or_insert(Change::Update);
    }

    fn into_named(self, wanted: &[&Account]) -> Vec<(String, Change)> {
        let changed = wanted.iter().zip(self.wanted);
        let changed =
            changed.filter_map(|(account, change)| Some((account.name.to_string(), change?)));
        let named: BTreeMap<String, Change> = changed.chain(self.others).collect();
        named.into_iter().collect()
    }
}

/// Which names are ours: those that must be there and those that must go.
struct Owned<'a> {
    /// Sorted by name.
    wanted: Vec<&'a Account>,
    /// Names and numbers of tombstones, and of what restore wrote for records
    /// that are no more.
    gone: BTreeSet<(&'a str, u32)>,
    /// Names of `gone` that no line of passwd has any more.
    vanished: BTreeSet<&'a str>,
    /// Disabled accounts that are left out although their lines are there: left
    /// as they are, these would let in whom an administrator has shut out. None:
    /// the record can't be read.
    shut: BTreeMap<&'a str, Option<&'a Account>>,
}

impl<'a> Owned<'a> {
    fn new(
        etc: &Etc,
        applied: &Applied,
        admitted: Vec<&'a Account>,
        gone: BTreeSet<(&'a str, u32)>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut owned = Self {
            wanted: admitted,
            gone,
            vanished: BTreeSet::new(),
            shut: BTreeMap::new(),
        };
        let refused = owned.foreign_claims(etc, applied);
        owned
            .wanted
            .retain(|account| !refused.contains_key(&account.name));
        problems.extend(
            refused
                .into_iter()
                .map(|(name, why)| Problem::Refused(name, why)),
        );
        owned.vanished = owned.vanished_names(etc);
        owned
    }

    fn index(&self, name: &[u8]) -> Option<usize> {
        self.wanted
            .binary_search_by(|account| account.name.as_str().as_bytes().cmp(name))
            .ok()
    }

    fn is_gone(&self, name: &[u8], id: u32) -> bool {
        std::str::from_utf8(name).is_ok_and(|name| self.gone.contains(&(name, id)))
    }

    fn has_vanished(&self, name: &[u8]) -> bool {
        std::str::from_utf8(name).is_ok_and(|name| self.vanished.contains(name))
    }

    /// Accounts whose name or number somebody else's line has.
    fn foreign_claims(&self, etc: &Etc, applied: &Applied) -> BTreeMap<Username, Refusal> {
        let mut by_uid: Vec<(u32, &Account)> = self
            .wanted
            .iter()
            .map(|account| (account.uid.get(), *account))
            .collect();
        by_uid.sort_unstable_by_key(|(uid, _)| *uid);
        let with_uid = |id: u32| {
            let found = by_uid.binary_search_by_key(&id, |(uid, _)| *uid).ok()?;
            Some(by_uid[found].1)
        };
        let mut refused = BTreeMap::new();
        let mut held = BTreeMap::<&Username, Vec<(&'static str, u32)>>::new();
        let mut look = |file: &'static str, name: &[u8], id: u32| {
            let same_name = self.index(name).map(|index| self.wanted[index]);
            if same_name.is_some_and(|account| account.uid.get() == id) || self.is_gone(name, id) {
                return;
            }
            if let Some(account) = same_name.filter(|_| applied.get(name).is_some()) {
                held.entry(&account.name).or_default().push((file, id));
                return;
            }
            for account in same_name.into_iter().chain(with_uid(id)) {
                let name = String::from_utf8_lossy(name).escape_debug().to_string();
                refused
                    .entry(account.name.clone())
                    .or_insert(Refusal::Foreign { file, name, id });
            }
        };
        for (name, uid) in table::lines(etc.bytes(File::Passwd)).filter_map(passwd::name_and_uid) {
            look("passwd", name, uid);
        }
        for (name, gid) in table::lines(etc.bytes(File::Group)).filter_map(group::name_and_gid) {
            look("group", name, gid);
        }
        // The line of a refused account stays as it is, and so does its number.
        let mut left: Vec<Username> = refused.keys().cloned().collect();
        while let Some(name) = left.pop() {
            for &(file, id) in held.get(&name).into_iter().flatten() {
                if let Some(account) = with_uid(id)
                    && !refused.contains_key(&account.name)
                {
                    let name = name.to_string();
                    let why = Refusal::Foreign { file, name, id };
                    refused.insert(account.name.clone(), why);
                    left.push(account.name.clone());
                }
            }
        }
        refused
    }

    /// Only lines that restore itself once wrote: name and uid of every line of
    /// that name are those it remembers.
    fn shut_out(
        &self,
        records: &'a Records,
        etc: &Etc,
        image: &Image,
        applied: &Applied,
    ) -> BTreeMap<&'a str, Option<&'a Account>> {
        let disabled = records.accounts.values().filter(|account| account.locked);
        let unreadable = records.to_shut.iter().map(|name| (name.as_str(), None));
        let mut shut: BTreeMap<&str, Option<&Account>> = disabled
            .map(|account| (account.name.as_str(), Some(account)))
            .chain(unreadable)
            .filter(|(name, _)| self.index(name.as_bytes()).is_none() && !image.has_account(name))
            .collect();
        if shut.is_empty() {
            return shut;
        }
        let mut present = BTreeSet::new();
        for line in table::lines(etc.bytes(File::Passwd)) {
            let Some(name) = table::name(line).and_then(|name| std::str::from_utf8(name).ok())
            else {
                continue;
            };
            let entry = passwd::name_and_uid(line);
            // That line goes anyway.
            if entry.is_some_and(|(name, uid)| self.is_gone(name, uid)) {
                continue;
            }
            let is_ours = entry.is_some_and(|(name, uid)| applied.has(name, uid));
            if is_ours {
                present.insert(name);
            } else {
                shut.remove(name);
            }
        }
        shut.retain(|name, _| present.contains(name));
        shut
    }

    fn shut_line<'l>(
        &self,
        file: File,
        line: &'l [u8],
        locked: impl Fn(Option<&Account>) -> Option<Vec<u8>>,
    ) -> Option<Fate<'l>> {
        let name = std::str::from_utf8(table::name(line)?).ok()?;
        let new = locked(*self.shut.get(name)?).filter(|new| file.is_sound(new))?;
        Some(Fate::Replace(Cow::Owned(new)))
    }

    /// Names that are gone and that nobody has taken since: what is left of
    /// them in shadow, gshadow and member lists must not pass to the next
    /// person of that name.
    fn vanished_names(&self, etc: &Etc) -> BTreeSet<&'a str> {
        let mut names: BTreeSet<&str> = self.gone.iter().map(|&(name, _)| name).collect();
        names.retain(|name| self.index(name.as_bytes()).is_none());
        for line in table::lines(etc.bytes(File::Passwd)) {
            let Some(name) = table::name(line) else {
                continue;
            };
            let stays =
                passwd::name_and_uid(line).is_none_or(|(name, uid)| !self.is_gone(name, uid));
            if stays && let Ok(name) = std::str::from_utf8(name) {
                names.remove(name);
            }
        }
        names
    }

    fn content(
        &self,
        file: File,
        etc: &Etc,
        image: &Image,
        changes: &mut Changes,
    ) -> Option<Vec<u8>> {
        // passwd, shadow and group are made where they are missing; an image
        // without gshadow or subordinate ids does without.
        let must_exist = matches!(file, File::Passwd | File::Shadow | File::Group);
        let wanted = must_exist && !self.wanted.is_empty();
        if etc.get(file).is_none() && !wanted {
            return None;
        }
        let old = etc.bytes(file);
        Some(match file {
            File::Passwd => self.passwd(old, image, changes),
            File::Shadow => self.rewrite(
                file,
                old,
                changes,
                |a| Some(shadow::line(a)),
                |line| {
                    let shut = self.shut_line(file, line, |account| match account {
                        Some(account) => Some(shadow::line(account)),
                        None => shadow::locked(line),
                    });
                    shut.unwrap_or_else(|| self.orphan(line))
                },
            ),
            File::Group => self.group(old, image, changes),
            File::Gshadow => self.gshadow(old, etc, image, changes),
            File::Subuid | File::Subgid => self.subid(file, old, image, changes),
        })
    }

    fn passwd(&self, old: &[u8], image: &Image, changes: &mut Changes) -> Vec<u8> {
        let mut others = Vec::new();
        let render = |account: &Account| Some(passwd::line(account, &image.nologin));
        let new = self.rewrite(
            File::Passwd,
            old,
            changes,
            render,
            |line| match passwd::name_and_uid(line) {
                Some((name, uid)) if self.is_gone(name, uid) => {
                    others.push((String::from_utf8_lossy(name).into_owned(), Change::Remove));
                    Fate::Drop
                }
                _ => {
                    let locked = |_: Option<&Account>| passwd::with_shell(line, &image.nologin);
                    let fate = self.shut_line(File::Passwd, line, locked);
                    if let (Some((name, _)), Some(Fate::Replace(new))) =
                        (passwd::name_and_uid(line), &fate)
                        && **new != *line
                    {
                        others.push((String::from_utf8_lossy(name).into_owned(), Change::Update));
                    }
                    fate.unwrap_or(Fate::Keep)
                }
            },
        );
        changes.others.extend(others);
        new
    }

    fn group(&self, old: &[u8], image: &Image, changes: &mut Changes) -> Vec<u8> {
        let granted = self.granted(image);
        self.rewrite(
            File::Group,
            old,
            changes,
            |account| Some(group::line(account)),
            |line| match group::name_and_gid(line) {
                Some((name, gid)) if self.is_gone(name, gid) => Fate::Drop,
                _ => self.members(line, false, &granted),
            },
        )
    }

    fn gshadow(&self, old: &[u8], etc: &Etc, image: &Image, changes: &mut Changes) -> Vec<u8> {
        // A group that somebody made under the name of a removed person.
        let stays = |line: &&[u8]| {
            group::name_and_gid(line).is_none_or(|(name, gid)| !self.is_gone(name, gid))
        };
        let kept: BTreeSet<&[u8]> = table::lines(etc.bytes(File::Group))
            .filter(stays)
            .filter_map(table::name)
            .filter(|name| self.has_vanished(name))
            .collect();
        let has_group = |line| table::name(line).is_some_and(|name| kept.contains(name));
        let granted = self.granted(image);
        let render = |account: &Account| Some(group::gshadow_line(account));
        self.rewrite(File::Gshadow, old, changes, render, |line| {
            match self.orphan(line) {
                Fate::Drop if !has_group(line) => Fate::Drop,
                _ => self.members(line, true, &granted),
            }
        })
    }

    fn subid(&self, file: File, old: &[u8], image: &Image, changes: &mut Changes) -> Vec<u8> {
        let mut taken: Vec<subid::Range> = table::lines(old)
            .filter_map(subid::name_and_range)
            .filter(|(name, _)| self.index(name).is_none() && !self.has_vanished(name))
            .map(|(_, range)| range)
            .collect();
        taken.sort_unstable();
        let free = |range: &subid::Range| {
            let before = taken.partition_point(|other| other.0 <= range.1);
            taken[..before].iter().all(|other| other.1 < range.0)
        };
        let render = |account: &Account| {
            let range = subid::range(account.uid.get(), image.uids).filter(free)?;
            Some(subid::line(account, range))
        };
        self.rewrite(file, old, changes, render, |line| self.orphan(line))
    }

    /// A line whose name was ours and is nobody's now.
    fn orphan<'l>(&self, line: &'l [u8]) -> Fate<'l> {
        match table::name(line) {
            Some(name) if self.has_vanished(name) => Fate::Drop,
            _ => Fate::Keep,
        }
    }

    /// A group of somebody else: our names in it are those that the image grants.
    fn members<'l>(
        &self,
        line: &'l [u8],
        has_administrators: bool,
        granted: &BTreeMap<&[u8], Vec<&str>>,
    ) -> Fate<'l> {
        let Some(group) = table::name(line) else {
            return Fate::Keep;
        };
        let joins = granted.get(group).map_or(&[][..], Vec::as_slice);
        let is_ours = |member: &[u8]| self.index(member).is_some() || self.has_vanished(member);
        let is_granted = |member: &[u8]| {
            let found = joins.binary_search_by(|name| name.as_bytes().cmp(member));
            found.is_ok()
        };
        let stays = |name: &[u8]| !is_ours(name) || is_granted(name);
        match group::with_members(line, has_administrators, stays, joins) {
            Some(new) => Fate::Replace(Cow::Owned(new)),
            None => Fate::Keep,
        }
    }

    /// Group name → our members, where record and image agree; sorted, each once.
    fn granted(&self, image: &'a Image) -> BTreeMap<&'a [u8], Vec<&'a str>> {
        let mut granted = BTreeMap::<&[u8], Vec<&str>>::new();
        for account in &self.wanted {
            let name = account.name.as_str();
            for group in &account.member_of {
                if image.groups_allow.allows(group, &account.name) {
                    let members = granted.entry(group.as_bytes()).or_default();
                    if members.last() != Some(&name) {
                        members.push(name);
                    }
                }
            }
        }
        granted
    }

    fn ungranted_groups(&self, image: &Image) -> Vec<Problem> {
        let mut problems = Vec::new();
        for Account {
            name, member_of, ..
        } in &self.wanted
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

    /// One of the files: the present line of an account is replaced in place,
    /// its duplicates go, missing lines come before the first NIS line.
    fn rewrite<'l>(
        &self,
        file: File,
        old: &'l [u8],
        changes: &mut Changes,
        render: impl Fn(&Account) -> Option<Vec<u8>>,
        mut foreign: impl FnMut(&'l [u8]) -> Fate<'l>,
    ) -> Vec<u8> {
        let render = |index: usize| render(self.wanted[index]).filter(|line| file.is_sound(line));
        let mut seen = vec![false; self.wanted.len()];
        let mut updated = Vec::new();
        let rewritten = table::rewrite(old, |line| {
            let Some(index) = table::name(line).and_then(|name| self.index(name)) else {
                return foreign(line);
            };
            let is_duplicate = std::mem::replace(&mut seen[index], true);
            let Some(new) = render(index).filter(|_| !is_duplicate) else {
                return Fate::Drop;
            };
            updated.extend((new != line).then_some(index));
            Fate::Replace(Cow::Owned(new))
        });
        let mut missing: Vec<usize> = (0..seen.len()).filter(|&index| !seen[index]).collect();
        missing.sort_by_key(|&index| self.wanted[index].uid);
        let added: Vec<(usize, Vec<u8>)> = missing
            .into_iter()
            .filter_map(|index| Some((index, render(index)?)))
            .collect();
        for index in updated {
            changes.update(index);
        }
        for &(index, _) in &added {
            // passwd comes last and decides: without a line there, it is new.
            if file == File::Passwd {
                changes.wanted[index] = Some(Change::Add);
            } else {
                changes.update(index);
            }
        }
        rewritten.with_added(added.into_iter().map(|(_, line)| line))
    }

    /// What the next restore must know: what is written now, and what is kept
    /// of accounts that were left out.
    fn remembered(&self, records: &Records, applied: &Applied) -> Applied {
        let mut accounts: BTreeMap<String, applied::Entry> = self
            .wanted
            .iter()
            .map(|account| (account.name.to_string(), applied::Entry::of(account)))
            .collect();
        let unreadable = unreadable(records);
        for (name, entry) in &applied.accounts {
            let name_str = name.as_str();
            let has_record =
                records.accounts.contains_key(name_str) || unreadable.contains(name_str);
            if has_record && !self.gone.contains(&(name_str, entry.uid)) {
                accounts
                    .entry(name.clone())
                    .or_insert_with(|| entry.clone());
            }
        }
        Applied {
            accounts,
            ..Applied::default()
        }
    }
}

/// Names and numbers that were ours and must leave the files. Never the
/// image's: anybody who writes to the volume can plant a tombstone.
fn gone<'a>(records: &'a Records, image: &Image, applied: &'a Applied) -> BTreeSet<(&'a str, u32)> {
    let is_wanted = |name: &str, uid: u32| {
        records
            .accounts
            .get(name)
            .is_some_and(|account| account.uid.get() == uid)
    };
    let dead = records
        .tombstones
        .iter()
        .map(|dead| (dead.name.as_str(), dead.uid.get()));
    let unreadable = unreadable(records);
    let forgotten = applied.accounts.iter().filter(|(name, _)| {
        !records.accounts.contains_key(name.as_str()) && !unreadable.contains(name.as_str())
    });
    dead.chain(forgotten.map(|(name, entry)| (name.as_str(), entry.uid)))
        .filter(|&(name, uid)| !is_wanted(name, uid) && !image.has_account(name))
        .collect()
}

/// Names with a record that can't be read: it may be whole again tomorrow, so
/// their lines stay.
fn unreadable(records: &Records) -> BTreeSet<&str> {
    let records = records.rejected.iter();
    let names = records
        .filter(|rejected| rejected.part == Part::Record)
        .flat_map(|rejected| &rejected.name);
    names.map(Username::as_str).collect()
}

#[cfg(test)]
#[path = "reconcile_tests.rs"]
mod tests;
