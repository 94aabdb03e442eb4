//! Lines of useradd(8), read back as an account: those of one name in
//! passwd(5), shadow(5) and group(5).
//!
//! The rules for new accounts decide later whether the account may be ours.

use crate::account::{
    Account, DAY_USEC, Home, InvalidText, InvalidUid, PasswordHash, RealName, Shell, UidRange,
    Username,
};
use crate::files::{Etc, File, group, passwd, shadow, table};
use crate::image::GroupsAllow;

/// An account found in the files, and what of it can't be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The account that its lines describe.
    pub account: Account,
    /// Groups that it is in and that the image does not grant.
    pub ungranted: Vec<String>,
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
    let &[_, _, _, _, real_name, home, shell] = fields.as_slice() else {
        return Err(NotAdoptable::NoLine);
    };
    let mut account = Account::new(name.clone(), uid, Home::parse(home)?, created_usec);
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
    Ok(Found { account, ungranted })
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
    let field = String::from_utf8_lossy(entry.password);
    // `usermod -L` puts '!' before the hash; useradd writes '!' alone.
    let bare = field.trim_start_matches('!');
    account.locked = bare.len() != field.len();
    if !matches!(bare, "" | "*") {
        match PasswordHash::parse(bare) {
            Ok(hash) => account.hash = Some(hash),
            Err(refused) => account.hash_refused = Some(refused),
        }
    }
    let (last_change, aging) = entry.aging();
    account.aging = aging;
    account.password_changed_usec = last_change
        .filter(|&day| day > 0)
        .map(|day| u64::from(day) * DAY_USEC);
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
