//! File by file: which lines stay, go, change and come.

use super::changes::{Change, Changes};
use super::lines::Lines;
use super::locked_out::{LockedName, LockedOut};
use super::our_names::OurNames;
use crate::account::Account;
use crate::files::table::LineAction;
use crate::files::{Etc, File, group, passwd, shadow, subid, table};
use crate::image::Image;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that the content of the files follows from.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) our_names: &'a OurNames<'a>,
    pub(super) locked_out: &'a LockedOut<'a>,
    pub(super) etc: &'a Etc,
    pub(super) image: &'a Image,
}

/// Group name → our members, where record and image agree; sorted, each once.
type Granted<'a> = BTreeMap<&'a [u8], Vec<&'a str>>;

impl<'a> Files<'a> {
    /// The files whose content changes, in writing order.
    pub(super) fn writes(self, changes: &mut Changes) -> Vec<(File, Vec<u8>)> {
        let mut writes = Vec::new();
        for file in File::ALL {
            // Same result, no write: inode and mtime stay.
            writes.extend(self.content(file, changes).map(|new| (file, new)));
        }
        writes
    }

    /// The new content of a file. Returns `None` if it stays as it is.
    fn content(self, file: File, changes: &mut Changes) -> Option<Vec<u8>> {
        // passwd, shadow and group are made where they are missing; an image
        // without gshadow or subordinate ids does without.
        let must_exist = matches!(file, File::Passwd | File::Shadow | File::Group)
            && !self.our_names.restored().is_empty();
        let is_there = self.etc.get(file).is_some();
        if !is_there && !must_exist {
            return None;
        }
        let new = match file {
            File::Passwd => self.passwd(changes),
            File::Shadow => self.shadow(changes),
            File::Group => self.group(changes),
            File::Gshadow => self.gshadow(changes),
            File::Subuid | File::Subgid => self.subid(file, changes),
        };
        new.or_else(|| (!is_there).then(Vec::new))
    }

    fn passwd(self, changes: &mut Changes) -> Option<Vec<u8>> {
        let shells = &self.image.shells;
        let mut others = Vec::new();
        let render = |text: &mut String, account: &Account| {
            passwd::push_line(text, account, shells.of(account));
        };
        let new = self.edit(File::Passwd, changes, render, |line| {
            if let Some((name, uid)) = passwd::name_and_uid(line)
                && let Some(name) = self.our_names.released.find(name, uid)
            {
                others.push((name, Change::Remove));
                return LineAction::Drop;
            }
            let lock = |_: LockedName<'_>| passwd::with_shell(line, &shells.nologin);
            let Some((name, locked)) = self.locked_line(File::Passwd, line, lock) else {
                return LineAction::Keep;
            };
            if locked != line {
                others.push((name, Change::Update));
            }
            LineAction::Replace(locked.into())
        });
        for (name, change) in others {
            changes.other(name, change);
        }
        new
    }

    fn shadow(self, changes: &mut Changes) -> Option<Vec<u8>> {
        self.edit(File::Shadow, changes, shadow::push_line, |line| {
            let lock = |locked: LockedName<'_>| match locked.account {
                Some(account) => Some(shadow::line(account).into_bytes()),
                None => shadow::locked(line),
            };
            match self.locked_line(File::Shadow, line, lock) {
                Some((_, locked)) => LineAction::Replace(locked.into()),
                None => self.drop_unclaimed(line),
            }
        })
    }

    fn group(self, changes: &mut Changes) -> Option<Vec<u8>> {
        let granted = self.granted();
        self.edit(
            File::Group,
            changes,
            group::push_line,
            |line| match group::name_and_gid(line) {
                Some((name, gid)) if self.our_names.released.has(name, gid) => LineAction::Drop,
                _ => self.members(line, false, &granted),
            },
        )
    }

    fn gshadow(self, changes: &mut Changes) -> Option<Vec<u8>> {
        // An unclaimed name may be that of a group which others made since.
        let stays = |line: &&[u8]| {
            group::name_and_gid(line)
                .is_none_or(|(name, gid)| !self.our_names.released.has(name, gid))
        };
        let kept: BTreeSet<&[u8]> = table::lines(self.etc.bytes(File::Group))
            .filter(stays)
            .filter_map(table::name)
            .filter(|name| self.our_names.is_unclaimed(name))
            .collect();
        let has_group = |line: &[u8]| table::name(line).is_some_and(|name| kept.contains(name));
        let granted = self.granted();
        self.edit(
            File::Gshadow,
            changes,
            group::push_gshadow_line,
            |line| match self.drop_unclaimed(line) {
                LineAction::Drop if !has_group(line) => LineAction::Drop,
                _ => self.members(line, true, &granted),
            },
        )
    }

    fn subid(self, file: File, changes: &mut Changes) -> Option<Vec<u8>> {
        let our_names = self.our_names;
        let is_foreign =
            |name: &[u8]| our_names.index.place(name).is_none() && !our_names.is_unclaimed(name);
        let mut taken: Vec<subid::Range> = table::lines(self.etc.bytes(file))
            .filter_map(subid::name_and_range)
            .filter(|(name, _)| is_foreign(name))
            .map(|(_, range)| range)
            .collect();
        taken.sort_unstable();
        let free = |range: &subid::Range| {
            let before = taken.partition_point(|other| other.0 <= range.1);
            taken[..before].iter().all(|other| other.1 < range.0)
        };
        let render = |text: &mut String, account: &Account| {
            let range = subid::range(account.uid.get(), self.image.uids).filter(free);
            if let Some(range) = range {
                subid::push_line(text, account, range);
            }
        };
        self.edit(file, changes, render, |line| self.drop_unclaimed(line))
    }

    /// A line of an account that is locked out, as `lock` makes it, and the account's
    /// name. Returns `None` for every other line, and if the locked one is not sound.
    fn locked_line(
        self,
        file: File,
        line: &[u8],
        lock: impl Fn(LockedName<'_>) -> Option<Vec<u8>>,
    ) -> Option<(&'a crate::account::Username, Vec<u8>)> {
        let locked = self.locked_out.of_line(line)?;
        let new = lock(locked).filter(|new| file.is_sound(new))?;
        Some((locked.name, new))
    }

    /// A line goes if its name was ours and has no holder now.
    fn drop_unclaimed(self, line: &[u8]) -> LineAction<'static> {
        match table::name(line) {
            Some(name) if self.our_names.is_unclaimed(name) => LineAction::Drop,
            _ => LineAction::Keep,
        }
    }

    /// A group of others: our names in it are those that the image grants.
    fn members(
        self,
        line: &[u8],
        has_administrators: bool,
        granted: &Granted<'_>,
    ) -> LineAction<'static> {
        let Some(group) = table::name(line) else {
            return LineAction::Keep;
        };
        let our_names = self.our_names;
        let joins = granted.get(group).map_or(&[][..], Vec::as_slice);
        let is_ours = |member: &[u8]| {
            our_names.index.place(member).is_some() || our_names.is_unclaimed(member)
        };
        let is_granted = |member: &[u8]| {
            let found = joins.binary_search_by(|name| name.as_bytes().cmp(member));
            found.is_ok()
        };
        let stays = |name: &[u8]| !is_ours(name) || is_granted(name);
        let new = group::with_members(line, has_administrators, stays, joins);
        new.map_or(LineAction::Keep, |new| LineAction::Replace(new.into()))
    }

    fn granted(self) -> Granted<'a> {
        let mut granted = Granted::new();
        for account in self.our_names.restored() {
            let name = account.name.as_str();
            for group in &account.member_of {
                if self.image.groups_allow.allows(group, &account.name) {
                    let members = granted.entry(group.as_bytes()).or_default();
                    if members.last() != Some(&name) {
                        members.push(name);
                    }
                }
            }
        }
        granted
    }

    /// The new content of one file: the present line of an account is replaced in
    /// place, its duplicates go, missing lines come before the first NIS line, and
    /// `foreign` decides about lines of others. A line of `render` that is empty or not
    /// sound is left out.
    fn edit(
        self,
        file: File,
        changes: &mut Changes,
        render: impl Fn(&mut String, &Account),
        mut foreign: impl FnMut(&[u8]) -> LineAction<'static>,
    ) -> Option<Vec<u8>> {
        let index = &self.our_names.index;
        let lines = Lines::new(file, index.accounts(), render);
        let mut seen = vec![false; index.accounts().len()];
        let mut in_turn = index.in_turn();
        let mut edit = table::edit(self.etc.bytes(file), |line| {
            let found = table::name(line).and_then(|name| in_turn.place_and_uid(name));
            let Some((place, _)) = found else {
                return foreign(line);
            };
            let is_duplicate = std::mem::replace(&mut seen[place], true);
            let Some(new) = lines.get(place).filter(|_| !is_duplicate) else {
                return LineAction::Drop;
            };
            if new == line {
                return LineAction::Confirm;
            }
            changes.update(place);
            LineAction::Replace(new.into())
        });
        for place in index.places_by_uid().filter(|&place| !seen[place]) {
            let Some(new) = lines.get(place) else {
                continue;
            };
            edit.add(new);
            // passwd comes last and decides: without a line there, it is new.
            if file == File::Passwd {
                changes.add(place);
            } else {
                changes.update(place);
            }
        }
        edit.finish()
    }
}
