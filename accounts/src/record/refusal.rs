//! Why a record is left out, and the rules of the image that one account breaks by
//! itself.

use super::set::Rejected;
use crate::account::{Account, Home, InvalidHash, Uid, Username};
use crate::image::Image;

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
    #[error("uid {} {}", .0, whose(.1))]
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
    /// The number of further groups: one record can name thousands.
    MoreGroups(Username, usize),
    /// Somebody who is not ours has the uid, and so the files, of a removed account.
    Stranger {
        /// The name, made printable.
        name: String,
        /// The uid.
        uid: Uid,
        /// Who had it.
        owner: Username,
    },
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
            Self::Stranger { name, uid, owner } => write!(
                f,
                "'{name}' has uid {uid} in /etc/passwd, which was '{owner}''s, and so their files"
            ),
            Self::MoreGroups(name, count) => write!(
                f,
                "'{name}' is not put into {count} more groups: the image does not allow it"
            ),
        }
    }
}

/// Whose a uid is. Nobody's where two records claim it and nothing tells which came first.
fn whose(owner: &str) -> String {
    match owner {
        "" => "is claimed by another record too, and neither's line or home is there".into(),
        owner => format!("was given to '{}'", shown(owner)),
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

/// The reason why the image excludes an account, new or old.
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

/// The reason why the image excludes a name.
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
