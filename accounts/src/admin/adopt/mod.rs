//! Lines of useradd(8), read back as an account: those of one name in
//! passwd(5), shadow(5) and group(5).
//!
//! The rules for new accounts decide later whether the account may be ours.

use crate::account::{
    Account, Home, InvalidHash, InvalidText, InvalidUid, PasswordHash, RealName, Shell, Uid,
    UidRange, Username,
};
use crate::files::{Etc, File, group, passwd, shadow, subid, table};
use crate::image::GroupsAllow;

/// An account found in the files, and what of it can't be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The account that its lines describe.
    pub account: Account,
    /// What of the lines the account does not keep.
    pub losses: Vec<Loss>,
}

/// Something that an account does not keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// A group that the image does not grant.
    #[error("it leaves group '{}', which the image does not allow", .0.escape_debug())]
    Group(String),
    /// The hash does not pass the gate.
    #[error("its password is lost: {0}")]
    Hash(InvalidHash),
    /// subuid or subgid has another range than follows from the uid.
    #[error(
        "its range in {0} becomes {1}:65536; files of its rootless containers keep the old numbers"
    )]
    Range(&'static str, u64),
}

/// Why the lines are no account that we can keep.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdoptable {
    /// passwd has no such line.
    #[error("passwd has no line of that name")]
    NoLine,
    /// Several lines of one name: readers take the first, programs differ.
    #[error("{0} has several lines of that name")]
    Twice(&'static str),
    /// The group is of others, or missing.
    #[error("its group is not a private one with gid {0}")]
    NoPrivateGroup(u32),
    /// Another name has or had the uid, and so the files.
    #[error("uid {0} was given to '{owner}'", owner = .1.escape_debug())]
    UidTaken(Uid, String),
    /// Latin-1, for instance.
    #[error("its line in passwd is not UTF-8")]
    NotUtf8,
    /// No person's number.
    #[error(transparent)]
    Uid(#[from] InvalidUid),
    /// gecos, home or shell.
    #[error(transparent)]
    Text(#[from] InvalidText),
}

/// Reads the account; `created_usec` is when the record is made.
pub fn find(
    name: &Username,
    etc: &Etc,
    uids: UidRange,
    allow: &GroupsAllow,
    created_usec: u64,
) -> Result<Found, NotAdoptable> {
    let line = only_line(name, etc, File::Passwd, "passwd")?.ok_or(NotAdoptable::NoLine)?;
    let (_, number) = passwd::name_and_uid(line).ok_or(NotAdoptable::NoLine)?;
    let uid = uids.uid(number.into())?;
    check_private_group(name, number, line, etc)?;
    let text = std::str::from_utf8(line).map_err(|_| NotAdoptable::NotUtf8)?;
    let fields: Vec<&str> = text.split(':').collect();
    let &[_, password, _, _, real_name, home, shell] = fields.as_slice() else {
        return Err(NotAdoptable::NoLine);
    };
    let mut account = Account::new(name.clone(), uid, Home::parse(home)?, created_usec);
    // Where pwunconv(8) was, the hash is here and shadow is gone.
    if password != "x" {
        read_password(&mut account, password);
    }
    account.real_name = RealName::parse(real_name)?;
    if !shell.is_empty() {
        account.shell = Shell::parse(shell)?;
    }
    if let Some(line) = only_line(name, etc, File::Shadow, "shadow")? {
        read_shadow(&mut account, line);
    }
    let (granted, ungranted) = groups(name, etc)
        .into_iter()
        .partition(|group| allow.allows(group, name));
    account.member_of = granted;
    let ungranted: Vec<String> = ungranted;
    let groups = ungranted.into_iter().map(Loss::Group);
    let hash = account.hash_refused.map(Loss::Hash);
    let losses = groups.chain(hash).chain(range_losses(name, uid, etc, uids));
    Ok(Found {
        losses: losses.collect(),
        account,
    })
}

/// Ranges of subordinate ids that restore will write otherwise.
fn range_losses(name: &Username, uid: Uid, etc: &Etc, uids: UidRange) -> Vec<Loss> {
    let Some(range) = subid::range(uid.get(), uids) else {
        return Vec::new();
    };
    let files = [(File::Subuid, "subuid"), (File::Subgid, "subgid")];
    let is_other = |file: &(File, &str)| {
        let ranges = table::lines(etc.bytes(file.0)).filter_map(subid::name_and_range);
        let mut own = ranges.filter(|(other, _)| *other == name.as_str().as_bytes());
        own.any(|(_, other)| other != range)
    };
    let others = files.into_iter().filter(is_other);
    others.map(|(_, file)| Loss::Range(file, range.0)).collect()
}

fn only_line<'a>(
    name: &Username,
    etc: &'a Etc,
    file: File,
    called: &'static str,
) -> Result<Option<&'a [u8]>, NotAdoptable> {
    let is_named = |line: &&[u8]| table::name(line) == Some(name.as_str().as_bytes());
    let mut lines = table::lines(etc.bytes(file)).filter(is_named);
    match (lines.next(), lines.next()) {
        (_, Some(_)) => Err(NotAdoptable::Twice(called)),
        (line, None) => Ok(line),
    }
}

/// passwd's gid is the uid, and the group of that gid has the name.
fn check_private_group(
    name: &Username,
    uid: u32,
    line: &[u8],
    etc: &Etc,
) -> Result<(), NotAdoptable> {
    let gid = line.split(|&b| b == b':').nth(3).and_then(table::number);
    let group = only_line(name, etc, File::Group, "group")?.and_then(group::name_and_gid);
    if gid == Some(uid) && group.is_some_and(|(_, gid)| gid == uid) {
        Ok(())
    } else {
        Err(NotAdoptable::NoPrivateGroup(uid))
    }
}

fn read_shadow(account: &mut Account, line: &[u8]) {
    let Some(entry) = shadow::Entry::parse(line) else {
        return;
    };
    read_password(account, &String::from_utf8_lossy(entry.password));
    let (last_change, aging) = entry.aging();
    account.aging = aging;
    account.set_last_change(last_change);
    if account.locked {
        account.aging.forget_lock();
    }
}

fn read_password(account: &mut Account, field: &str) {
    // `usermod -L` puts '!' before the hash; useradd writes '!' alone.
    let bare = field.trim_start_matches('!');
    account.locked = bare.len() != field.len();
    account.hash = None;
    account.hash_refused = None;
    if !matches!(bare, "" | "*") {
        match PasswordHash::parse(bare) {
            Ok(hash) => account.hash = Some(hash),
            Err(refused) => account.hash_refused = Some(refused),
        }
    }
}

/// The groups that have the name for a member, sorted.
fn groups(name: &Username, etc: &Etc) -> Vec<String> {
    let has_member = |line: &&[u8]| {
        let members = line.splitn(4, |&b| b == b':').nth(3).unwrap_or_default();
        members
            .split(|&b| b == b',')
            .any(|member| member.trim_ascii() == name.as_str().as_bytes())
    };
    let mut groups: Vec<String> = table::lines(etc.bytes(File::Group))
        .filter(has_member)
        .filter_map(table::name)
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .filter(|group| group != name.as_str())
        .collect();
    groups.sort();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests;
