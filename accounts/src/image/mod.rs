//! The image: its own accounts, and who may be in which group.
//!
//! The volume names people; only the image grants power. So these come from
//! files of the image, never from the volume.

mod sudoers;

pub use sudoers::{Include, Sudoers};

use crate::account::Shells;
use crate::account::{HOME_BASE, Home, UidRange, Username, is_field, is_plain};
use crate::files::{group, passwd, table};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Everything that reconcile needs to know about the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Users and groups that were there before any person.
    pub accounts: ImageAccounts,
    /// `/etc/occ/groups.allow`.
    pub groups_allow: GroupsAllow,
    /// `/etc/occ/homes.allow`.
    pub home_bases: HomeBases,
    /// Groups that sudoers(5) names with `%`, in lower case; `#` and a gid where
    /// it gives a number.
    pub sudoers_groups: BTreeSet<String>,
    /// The uids that this image gives to people.
    pub uids: UidRange,
    /// Ids that exist in this user namespace; the first and last of each run.
    pub mapped_ids: Vec<(u32, u32)>,
    /// The shells for passwd(5).
    pub shells: Shells,
}

/// Users and groups of the image, names folded to lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageAccounts {
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
    ids: BTreeMap<u32, String>,
    /// Taken from passwd and group at the first boot, as the image has no list.
    is_snapshot: bool,
}

impl ImageAccounts {
    /// Reads lines `user NAME UID` and `group NAME GID`; others are ignored.
    pub fn parse(file: &[u8]) -> Self {
        let mut accounts = Self::default();
        for line in table::lines(file) {
            // A name of the image may hold blanks, so the id is what follows the last.
            let line = line.trim_ascii_end();
            let mut ends = line.splitn(2, |&b| b == b' ');
            let kind = ends.next().unwrap_or_default();
            let mut ends = ends.next().unwrap_or_default().rsplitn(2, |&b| b == b' ');
            if let (Some(id), Some(name)) = (ends.next().and_then(table::number), ends.next()) {
                accounts.insert(kind, name, id);
            }
        }
        accounts
    }

    /// A snapshot of what stands in passwd and group.
    pub fn snapshot(passwd: &[u8], group: &[u8]) -> Self {
        let mut accounts = Self {
            is_snapshot: true,
            ..Self::default()
        };
        for (name, uid) in table::lines(passwd).filter_map(passwd::name_and_uid) {
            accounts.insert(b"user", name, uid);
        }
        for (name, gid) in table::lines(group).filter_map(group::name_and_gid) {
            accounts.insert(b"group", name, gid);
        }
        accounts
    }

    /// A snapshot that was kept, as [`Self::parse`] reads it.
    pub fn parse_snapshot(file: &[u8]) -> Self {
        Self {
            is_snapshot: true,
            ..Self::parse(file)
        }
    }

    /// Returns whether these are from a snapshot: then whoever made them is not known, and
    /// somebody's account may be among them.
    pub fn is_snapshot(&self) -> bool {
        self.is_snapshot
    }

    /// Takes people out of a snapshot: their lines were there before it where /etc is on a
    /// volume. `is_persons` takes a name in lower case and its id; a list of the image's
    /// build is never changed, and nor is what is no person's number.
    pub fn forget_people(&mut self, uids: UidRange, is_persons: impl Fn(&str, u32) -> bool) {
        if !self.is_snapshot {
            return;
        }
        let stays =
            |name: &String, id: &mut u32| uids.uid((*id).into()).is_err() || !is_persons(name, *id);
        self.users.retain(stays);
        self.groups.retain(stays);
        let (users, groups) = (&self.users, &self.groups);
        self.ids
            .retain(|id, name| users.get(name) == Some(id) || groups.get(name) == Some(id));
    }

    /// The lines that [`Self::parse`] reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let users = self
            .users
            .iter()
            .map(|(name, id)| format!("user {name} {id}\n"));
        let groups = self
            .groups
            .iter()
            .map(|(name, id)| format!("group {name} {id}\n"));
        users.chain(groups).collect::<String>().into_bytes()
    }

    fn insert(&mut self, kind: &[u8], name: &[u8], id: u32) {
        let folded = String::from_utf8_lossy(name).to_ascii_lowercase();
        match kind {
            b"user" => self.users.insert(folded.clone(), id),
            b"group" => self.groups.insert(folded.clone(), id),
            _ => return,
        };
        self.ids.entry(id).or_insert(folded);
    }

    /// Returns whether the image has a user of that name, in any case.
    pub fn has_user(&self, name: &Username) -> bool {
        self.users.contains_key(name.folded().as_ref())
    }

    /// Returns whether the image has a group of that name, in any case.
    pub fn has_group(&self, name: &Username) -> bool {
        self.groups.contains_key(name.folded().as_ref())
    }

    /// Every uid and gid of the image.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.ids.keys().copied()
    }

    /// The name that has the uid or gid in the image, in lower case.
    pub fn owner_of(&self, id: u32) -> Option<&str> {
        self.ids.get(&id).map(String::as_str)
    }
}

/// The people allowed in each group of the image: lines `group: name…`, with `*` for
/// all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupsAllow(BTreeMap<String, BTreeSet<String>>);

impl GroupsAllow {
    /// Reads `/etc/occ/groups.allow`; comments start with `#`.
    pub fn parse(file: &[u8]) -> Self {
        let mut allowed = BTreeMap::<String, BTreeSet<String>>::new();
        for line in table::lines(file) {
            let line = String::from_utf8_lossy(line);
            let line = line.split('#').next().unwrap_or("");
            if let Some((group, names)) = line.split_once(':') {
                let names = names
                    .split([' ', '\t', ',', '\r'])
                    .filter(|name| !name.is_empty());
                allowed
                    .entry(group.trim().to_owned())
                    .or_default()
                    .extend(names.map(str::to_owned));
            }
        }
        Self(allowed)
    }

    /// Returns whether the image lets this person into this group.
    pub fn allows(&self, group: &str, name: &Username) -> bool {
        self.0
            .get(group)
            .is_some_and(|names| names.contains("*") || names.contains(name.as_str()))
    }
}

/// Directories other than /home in which homes may be, one a line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HomeBases(BTreeSet<String>);

impl HomeBases {
    /// Reads `/etc/occ/homes.allow`; comments start with `#`. What is no plain
    /// absolute path allows nothing.
    pub fn parse(file: &[u8]) -> Self {
        let bases = table::lines(file).filter_map(|line| {
            let line = std::str::from_utf8(line).ok()?;
            let path = line.split('#').next()?.trim().trim_end_matches('/');
            (is_plain(path) && is_field(path)).then(|| path.to_owned())
        });
        Self(bases.collect())
    }

    /// Returns whether a home may be in its directory.
    pub fn allow(&self, home: &Home) -> bool {
        home.base() == HOME_BASE || self.0.contains(home.base())
    }

    /// The directories besides /home.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        let others = self.0.iter().map(String::as_str);
        others.filter(|base| *base != HOME_BASE)
    }
}

impl Image {
    /// Returns whether the name is the image's or the system's, and so was never ours.
    pub fn has_account(&self, name: &Username) -> bool {
        name.is_reserved() || self.accounts.has_user(name) || self.accounts.has_group(name)
    }

    /// The gids that sudoers(5) gives rights to.
    pub fn sudoers_gids(&self) -> impl Iterator<Item = u32> {
        let hashes = (Bound::Included("#"), Bound::Excluded("$"));
        let numbers = self.sudoers_groups.range::<str, _>(hashes);
        numbers.filter_map(|group| group[1..].parse().ok())
    }

    /// Returns whether an id exists in this user namespace.
    pub fn is_mapped(&self, id: u32) -> bool {
        self.mapped_ids
            .iter()
            .any(|&(first, last)| (first..=last).contains(&id))
    }
}

#[cfg(test)]
mod tests;
