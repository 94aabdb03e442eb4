//! Lookups of the rules: the owner of each name, uid and home in the records and the files.
//! Reads; never changes anything.

use crate::proc::kill::AccountUids;
use crate::store::Store;
use accounts::account::{Home, Uid, Username};
use accounts::files::{Etc, File, group, passwd, subid, table};
use accounts::image::Image;
use accounts::record::Records;
use std::path::Path;

/// What an account has for itself, as long as its record or tombstone is there.
pub(crate) struct Claim<'a> {
    pub(crate) name: &'a Username,
    pub(crate) uid: Uid,
    pub(crate) home: &'a Home,
}

/// The claims of all accounts: those present, then those removed.
pub(crate) fn claims(records: &Records) -> impl DoubleEndedIterator<Item = Claim<'_>> {
    let living = records.accounts.values().map(|account| Claim {
        name: &account.name,
        uid: account.uid,
        home: &account.home,
    });
    let removed = records.tombstones.iter().map(|dead| Claim {
        name: &dead.name,
        uid: dead.uid,
        home: &dead.home,
    });
    living.chain(removed)
}

/// Everything that a rule about a new account reads.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) records: &'a Records,
    pub(crate) image: &'a Image,
    pub(crate) etc: &'a Etc,
    /// `None` if there is no store yet.
    pub(crate) store: Option<&'a Store>,
    pub(crate) root: &'a Path,
}

impl Context<'_> {
    /// The line of another name that has the number as uid or gid now: its file and name.
    pub(crate) fn line_of_id(&self, id: u32, name: &Username) -> Option<(&'static str, String)> {
        let users = self.users().map(|line| ("passwd", line));
        let groups = self.groups().map(|line| ("group", line));
        users
            .chain(groups)
            .find(|(_, (other, other_id))| *other_id == id && *other != name.as_str().as_bytes())
            .map(|(file, (other, _))| (file, String::from_utf8_lossy(other).into_owned()))
    }

    /// The uids of an account's processes: its own, and the subordinate ones in subuid, if they
    /// are those that restore gives it.
    pub(crate) fn account_uids(&self, name: &Username, uid: Uid) -> AccountUids {
        let range = subid::range(uid.get(), self.image.uids);
        let mut lines =
            table::lines(self.etc.bytes(File::Subuid)).filter_map(subid::name_and_range);
        let is_theirs =
            |range: &subid::Range| lines.any(|line| line == (name.as_str().as_bytes(), *range));
        AccountUids {
            uid,
            subordinate: range.filter(is_theirs),
        }
    }

    pub(crate) fn uid_in_passwd(&self, name: &Username) -> Option<u32> {
        id_of(self.users(), name)
    }

    pub(crate) fn gid_in_group(&self, name: &Username) -> Option<u32> {
        id_of(self.groups(), name)
    }

    /// The account, present or removed, that has the home.
    pub(crate) fn owner_of_home(&self, home: &Home) -> Option<&Username> {
        let claim = claims(self.records).find(|claim| claim.home == home);
        claim.map(|claim| claim.name)
    }

    pub(super) fn users(&self) -> impl Iterator<Item = (&[u8], u32)> {
        table::lines(self.etc.bytes(File::Passwd)).filter_map(passwd::name_and_uid)
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = (&[u8], u32)> {
        table::lines(self.etc.bytes(File::Group)).filter_map(group::name_and_gid)
    }
}

fn id_of<'a>(mut entries: impl Iterator<Item = (&'a [u8], u32)>, name: &Username) -> Option<u32> {
    entries
        .find(|(other, _)| *other == name.as_str().as_bytes())
        .map(|(_, id)| id)
}
