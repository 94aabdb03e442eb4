//! Everything that can go wrong in a command, with its exit code; `hint` has the next steps.
//!
//! `Display` holds one sentence without its cause; [`chain`] adds the causes.
//! No variant holds a password, a hash or a line of shadow(5).

mod hint;
#[cfg(test)]
mod tests;

use crate::log::errno_text;
use crate::proc::Holder;
use accounts::account::{
    Home, InvalidHash, InvalidKeys, InvalidName, InvalidPassword, InvalidText, InvalidUid, Uid,
    Username,
};
use accounts::admin::adopt::NotAdoptable;
use accounts::admin::backup::Unusable;
use accounts::admin::import::{InvalidInput, InvalidLine};
use accounts::admin::merge::Conflict;
use accounts::record::Refusal;
use accounts::wire::{ErrorCode, ErrorKind, counted};
use nix::errno::Errno;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Usage(String),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Uid(#[from] InvalidUid),
    #[error("invalid uid '{}': a number is expected", .0.escape_debug())]
    NoNumber(String),
    #[error(transparent)]
    Text(#[from] InvalidText),
    #[error(transparent)]
    Hash(#[from] InvalidHash),
    #[error("invalid password: {0}")]
    Password(InvalidPassword),
    #[error("invalid password: the two are not the same")]
    PasswordsDiffer,
    #[error("invalid request on standard input: {0}")]
    Request(&'static str),
    #[error("invalid ssh keys: {0}")]
    SshKeys(InvalidKeys),
    #[error("'{name}' has no key with the fingerprint '{}'", .fingerprint.escape_debug())]
    NoSuchKey { name: Username, fingerprint: String },
    #[error("'{name}' has no passkey '{}'", .id.escape_debug())]
    NoSuchPasskey { name: Username, id: String },
    #[error("'{0}' has ten passkeys, and no account may have more")]
    TooManyPasskeys(Username),
    #[error("'{0}' has this passkey already")]
    PasskeyTwice(Username),
    #[error("invalid date '{}': one like 2027-01-31 or 'never' is expected", .0.escape_debug())]
    Date(String),
    #[error("'{0}' has no password that could be changed")]
    NothingToChange(Username),
    #[error("the record of '{0}' would have more than 64 KiB")]
    RecordTooLarge(Username),
    #[error("no such account '{}'", .0.escape_debug())]
    NoSuchAccount(String),
    #[error("account '{0}' already exists")]
    Exists(Username),
    #[error("account '{name}' was removed; its uid {uid} and home are kept")]
    Removed { name: Username, uid: Uid },
    #[error("no account '{0}' was removed")]
    NotRemoved(Username),
    #[error("cannot use the name '{name}': {refusal}")]
    Refused { name: Username, refusal: Refusal },
    #[error("uid {uid} was given to '{owner}'")]
    UidTaken { uid: Uid, owner: String },
    #[error("home '{home}' belongs to '{owner}'")]
    HomeTaken { home: Home, owner: Username },
    #[error("home '{0}' is neither in /home nor in a directory that /etc/occ/homes.allow names")]
    HomeElsewhere(Home),
    #[error("home '{home}' is there and belongs to uid {owner}: uid {uid} could not use it")]
    OldHome { home: Home, owner: u32, uid: Uid },
    #[error("home '{home}' belongs to uid {owner}, not {uid}: it is not deleted")]
    ForeignHome { home: Home, owner: u32, uid: Uid },
    #[error("cannot adopt '{name}': {reason}")]
    NotAdoptable {
        name: Username,
        reason: NotAdoptable,
    },
    #[error("cannot import")]
    Input(#[from] InvalidInput),
    #[error("{0}")]
    Line(InvalidLine),
    #[error("cannot use the backup: {0}")]
    Backup(Unusable),
    #[error("cannot restore the backup: {0}")]
    Clash(Conflict),
    #[error("the store is not empty: it has {} and {}", counted(*.records, "account"), counted(*.removed, "removed one"))]
    NotEmpty { records: usize, removed: usize },
    #[error("the backup stopped coming in for 60 s")]
    Stalled,
    #[error("the {what} of '{name}' is another, and an import never changes it")]
    Stays { name: Username, what: &'static str },
    #[error("line {line} has the same {what}")]
    Repeated { what: &'static str, line: usize },
    #[error("the image does not allow '{name}' in group '{}'", .group.escape_debug())]
    GroupNotAllowed { name: Username, group: String },
    #[error("the record of '{name}' can't be used: {reason}")]
    BadRecord { name: String, reason: String },
    #[error("no account can be made without knowing all that were: {0}")]
    NoLedger(String),
    #[error("'{name}' is shut out here, but the record of '{name}' can't be used: {reason}")]
    ShutOutHere { name: Username, reason: String },
    #[error("Cannot remove last user. Add another user first or use --force.")]
    LastAccount,
    #[error("only root may do this")]
    NotRoot,
    #[error("'{}' is locked by {}", .path.display(), by(.holder.as_ref()))]
    Busy {
        path: PathBuf,
        /// The process that holds the lock, where the kernel tells it.
        holder: Option<Holder>,
    },
    #[error("cannot lock '{}': its file system has no locks", .path.display())]
    NoLocks { path: PathBuf },
    #[error("'{}' changed while it was being rewritten", .0.display())]
    KeepsChanging(PathBuf),
    #[error("cannot {verb} '{}'", .path.display())]
    Io {
        verb: &'static str,
        path: PathBuf,
        #[source]
        source: Errno,
    },
    #[error("cannot read '{}': it is not a regular file", .0.display())]
    NotAFile(PathBuf),
    #[error("cannot use '{}', a link to '{}': {reason}", .path.display(), .target.display().to_string().escape_debug())]
    Link {
        path: PathBuf,
        target: PathBuf,
        reason: String,
    },
    #[error("store '{}' can't be trusted: {reason}", .path.display())]
    Store { path: PathBuf, reason: &'static str },
    #[error("'{}' can't be trusted with homes: not root alone may write to it", .0.display())]
    OpenHomes(PathBuf),
    #[error("'{}' is not JSON of ours", .0.display())]
    NotOurs(PathBuf),
    #[error("processes of uid {0} are still running")]
    StillRunning(Uid),
    #[error("cannot hash the password")]
    Hashing,
    #[error("the change is recorded and takes effect at the next restore, but not now")]
    Recorded(#[source] Box<Error>),
}

pub(crate) fn usage(what: &str) -> Error {
    Error::Usage(what.to_owned())
}

/// `map_err` for a system call on a path.
pub(crate) fn io(verb: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(Errno) -> Error {
    let path = path.into();
    move |source| Error::Io { verb, path, source }
}

/// The same for a call of std's.
pub(crate) fn std_io(
    verb: &'static str,
    path: impl Into<PathBuf>,
) -> impl FnOnce(std::io::Error) -> Error {
    let failed = io(verb, path);
    move |error| failed(Errno::try_from(error).unwrap_or(Errno::EIO))
}

impl Error {
    pub(crate) fn refused(name: &Username, refusal: Refusal) -> Self {
        Self::Refused {
            name: name.clone(),
            refusal,
        }
    }

    pub(crate) fn bad_record(name: &Username, reason: impl Into<String>) -> Self {
        Self::BadRecord {
            name: name.to_string(),
            reason: reason.into(),
        }
    }

    /// Which kind programs see; decides the exit code.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Usage(_) => ErrorKind::Usage,
            Self::Name(_)
            | Self::Uid(InvalidUid::OutOfRange { .. })
            | Self::NoNumber(_)
            | Self::Text(_)
            | Self::HomeElsewhere(_)
            | Self::Hash(_)
            | Self::Password(_)
            | Self::PasswordsDiffer
            | Self::Request(_)
            | Self::SshKeys(_)
            | Self::Date(_)
            | Self::Line(_)
            | Self::Backup(_)
            | Self::RecordTooLarge(_) => ErrorKind::Invalid,
            Self::NoSuchAccount(_)
            | Self::NotRemoved(_)
            | Self::NoSuchKey { .. }
            | Self::NoSuchPasskey { .. } => ErrorKind::NotFound,
            Self::Exists(_)
            | Self::Removed { .. }
            | Self::UidTaken { .. }
            | Self::HomeTaken { .. }
            | Self::OldHome { .. }
            | Self::NotAdoptable { .. }
            | Self::Clash(_)
            | Self::Stays { .. }
            | Self::PasskeyTwice(_)
            | Self::Repeated { .. } => ErrorKind::Conflict,
            Self::Refused { refusal, .. } => kind_of_refusal(refusal),
            Self::GroupNotAllowed { .. }
            | Self::ForeignHome { .. }
            | Self::LastAccount
            | Self::NotEmpty { .. }
            | Self::NothingToChange(_)
            | Self::TooManyPasskeys(_)
            | Self::NotRoot => ErrorKind::Refused,
            Self::Stalled | Self::Busy { .. } | Self::KeepsChanging(_) => ErrorKind::Busy,
            Self::Uid(InvalidUid::Exhausted { .. })
            | Self::BadRecord { .. }
            | Self::ShutOutHere { .. }
            | Self::NoLedger(_)
            | Self::NoLocks { .. }
            | Self::Io { .. }
            | Self::Store { .. }
            | Self::OpenHomes(_)
            | Self::Link { .. }
            | Self::NotAFile(_)
            | Self::NotOurs(_)
            | Self::Input(_)
            | Self::StillRunning(_)
            | Self::Hashing
            | Self::Recorded(_) => ErrorKind::Failed,
        }
    }

    /// Which error it is, and whom it is about, where a program reacts to it.
    pub(crate) fn code(&self) -> Option<(ErrorCode, String)> {
        match self {
            Self::NoSuchAccount(name) => Some((ErrorCode::NoSuchAccount, name.clone())),
            _ => None,
        }
    }
}

fn by(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another program".to_owned(), ToString::to_string)
}

fn kind_of_refusal(refusal: &Refusal) -> ErrorKind {
    match refusal {
        Refusal::Reserved
        | Refusal::ImageUser
        | Refusal::ImageGroup
        | Refusal::SudoersGroup
        | Refusal::SudoersGid(_) => ErrorKind::Refused,
        Refusal::Unmapped(_) | Refusal::HomeElsewhere => ErrorKind::Invalid,
        Refusal::ImageId(..)
        | Refusal::UidTaken(..)
        | Refusal::CaseTwin(_)
        | Refusal::HomeTaken(..)
        | Refusal::Foreign { .. } => ErrorKind::Conflict,
    }
}

/// The error and its causes, one after the other: `cannot write 'x': no space left`.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let errno = inner.downcast_ref::<Errno>().copied();
        let inner_text = errno.map_or_else(|| inner.to_string(), errno_text);
        text = format!("{text}: {inner_text}");
        cause = inner.source();
    }
    text
}
