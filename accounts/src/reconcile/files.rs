//! File by file: which lines stay, go, change and come.

use super::changes::{Change, Changes};
use super::lines::Lines;
use super::locked_out::Shut;
use super::ownership::Owned;
use crate::account::Account;
use crate::files::table::Fate;
use crate::files::{Etc, File, group, passwd, shadow, subid, table};
use crate::image::Image;
use std::collections::{BTreeMap, BTreeSet};

/// What everything about the files follows from.
#[derive(Clone, Copy)]
pub(super) struct Files<'a> {
    pub(super) owned: &'a Owned<'a>,
    pub(super) shut: &'a Shut<'a>,
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

    /// The new content of a file; none: it stays as it is.
    fn content(self, file: File, changes: &mut Changes) -> Option<Vec<u8>> {
        // passwd, shadow and group are made where they are missing; an image
        // without gshadow or subordinate ids does without.
        let must_exist = matches!(file, File::Passwd | File::Shadow | File::Group);
        let wanted = must_exist && !self.owned.wanted().is_empty();
        let is_there = self.etc.get(file).is_some();
        if !is_there && !wanted {
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
        let render =
            |account: &Account, new: &mut Vec<u8>| passwd::line(new, account, shells.of(account));
        let new = self.rewrite(File::Passwd, changes, render, |line, new| {
            let entry = passwd::name_and_uid(line);
            if let Some((name, uid)) = entry
                && self.owned.gone.has(name, uid)
            {
                others.push((name, Change::Remove));
                return Fate::Drop;
            }
            let lock = |_: Option<&Account>, new: &mut Vec<u8>| {
                passwd::with_shell(new, line, &shells.nologin);
            };
            let Some(fate) = self.shut_line(File::Passwd, line, new, lock) else {
                return Fate::Keep;
            };
            if let Some((name, _)) = entry.filter(|_| new != line) {
                others.push((name, Change::Update));
            }
            fate
        });
        for (name, change) in others {
            changes.other(name, change);
        }
        new
    }

    fn shadow(self, changes: &mut Changes) -> Option<Vec<u8>> {
        let render = |account: &Account, new: &mut Vec<u8>| shadow::line(new, account);
        self.rewrite(File::Shadow, changes, render, |line, new| {
            let lock = |account: Option<&Account>, new: &mut Vec<u8>| match account {
                Some(account) => shadow::line(new, account),
                None => new.extend(shadow::locked(line).into_iter().flatten()),
            };
            self.shut_line(File::Shadow, line, new, lock)
                .unwrap_or_else(|| self.orphan(line))
        })
    }

    fn group(self, changes: &mut Changes) -> Option<Vec<u8>> {
        let granted = self.granted();
        let render = |account: &Account, new: &mut Vec<u8>| group::line(new, account);
        self.rewrite(
            File::Group,
            changes,
            render,
            |line, new| match group::name_and_gid(line) {
                Some((name, gid)) if self.owned.gone.has(name, gid) => Fate::Drop,
                _ => self.members(line, new, false, &granted),
            },
        )
    }

    fn gshadow(self, changes: &mut Changes) -> Option<Vec<u8>> {
        // A group that somebody made under the name of a removed person.
        let stays = |line: &&[u8]| {
            group::name_and_gid(line).is_none_or(|(name, gid)| !self.owned.gone.has(name, gid))
        };
        let kept: BTreeSet<&[u8]> = table::lines(self.etc.bytes(File::Group))
            .filter(stays)
            .filter_map(table::name)
            .filter(|name| self.owned.has_vanished(name))
            .collect();
        let has_group = |line| table::name(line).is_some_and(|name| kept.contains(name));
        let granted = self.granted();
        let render = |account: &Account, new: &mut Vec<u8>| group::gshadow_line(new, account);
        self.rewrite(File::Gshadow, changes, render, |line, new| {
            match self.orphan(line) {
                Fate::Drop if !has_group(line) => Fate::Drop,
                _ => self.members(line, new, true, &granted),
            }
        })
    }

    fn subid(self, file: File, changes: &mut Changes) -> Option<Vec<u8>> {
        let is_foreign =
            |name: &[u8]| self.owned.named.place(name).is_none() && !self.owned.has_vanished(name);
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
        let render = |account: &Account, new: &mut Vec<u8>| {
            let range = subid::range(account.uid.get(), self.image.uids).filter(free);
            if let Some(range) = range {
                subid::line(new, account, range);
            }
        };
        self.rewrite(file, changes, render, |line, _| self.orphan(line))
    }

    /// A line of an account that is shut out: as `lock` writes it, if that is sound.
    fn shut_line(
        self,
        file: File,
        line: &[u8],
        new: &mut Vec<u8>,
        lock: impl Fn(Option<&Account>, &mut Vec<u8>),
    ) -> Option<Fate> {
        if self.shut.is_empty() {
            return None;
        }
        let name = std::str::from_utf8(table::name(line)?).ok()?;
        lock(*self.shut.get(name)?, new);
        file.is_sound(new).then_some(Fate::Replace)
    }

    /// A line whose name was ours and is nobody's now.
    fn orphan(self, line: &[u8]) -> Fate {
        match table::name(line) {
            Some(name) if self.owned.has_vanished(name) => Fate::Drop,
            _ => Fate::Keep,
        }
    }

    /// A group of somebody else: our names in it are those that the image grants.
    fn members(
        self,
        line: &[u8],
        new: &mut Vec<u8>,
        has_administrators: bool,
        granted: &Granted<'_>,
    ) -> Fate {
        let Some(group) = table::name(line) else {
            return Fate::Keep;
        };
        let owned = self.owned;
        let joins = granted.get(group).map_or(&[][..], Vec::as_slice);
        let is_ours =
            |member: &[u8]| owned.named.place(member).is_some() || owned.has_vanished(member);
        let is_granted = |member: &[u8]| {
            let found = joins.binary_search_by(|name| name.as_bytes().cmp(member));
            found.is_ok()
        };
        let stays = |name: &[u8]| !is_ours(name) || is_granted(name);
        match group::with_members(line, has_administrators, stays, joins) {
            Some(with) => {
                new.extend_from_slice(&with);
                Fate::Replace
            }
            None => Fate::Keep,
        }
    }

    fn granted(self) -> Granted<'a> {
        let mut granted = Granted::new();
        for account in self.owned.wanted() {
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

    /// One of the files: the present line of an account is replaced in place,
    /// its duplicates go, missing lines come before the first NIS line. What
    /// `render` writes that is not sound, or nothing, is no line.
    fn rewrite<'l>(
        self,
        file: File,
        changes: &mut Changes,
        render: impl Fn(&Account, &mut Vec<u8>),
        mut foreign: impl FnMut(&'l [u8], &mut Vec<u8>) -> Fate,
    ) -> Option<Vec<u8>>
    where
        'a: 'l,
    {
        let wanted = self.owned.wanted();
        let lines = Lines::new(file, wanted, render);
        let mut seen = vec![false; wanted.len()];
        let mut in_turn = self.owned.named.in_turn();
        let mut rewritten = table::rewrite(self.etc.bytes(file), |line, new| {
            let Some(index) = table::name(line).and_then(|name| in_turn.place(name)) else {
                return foreign(line, new);
            };
            let is_duplicate = std::mem::replace(&mut seen[index], true);
            let Some(ours) = lines.of(index).filter(|_| !is_duplicate) else {
                return Fate::Drop;
            };
            if ours != line {
                changes.update(index);
            }
            new.extend_from_slice(ours);
            Fate::Replace
        });
        if seen.iter().all(|&is_seen| is_seen) {
            return rewritten.finish();
        }
        let by_uid = self.owned.named.by_uid();
        for index in by_uid.filter(|&index| !seen[index]) {
            let Some(ours) = lines.of(index) else {
                continue;
            };
            rewritten.add(ours);
            // passwd comes last and decides: without a line there, it is new.
            if file == File::Passwd {
                changes.add(index);
            } else {
                changes.update(index);
            }
        }
        rewritten.finish()
    }
}
