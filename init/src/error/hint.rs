//! The next step that each error names, typed as it stands. Tells nothing of what went wrong.

use super::Error;
use crate::proc::lacking_capabilities;
use accounts::account::Username;
use accounts::admin::adopt::NotAdoptable;
use accounts::admin::backup::Unusable;
use accounts::record::Refusal;
use nix::errno::Errno;

impl Error {
    /// The next step for the administrator; may be empty.
    pub(crate) fn hint(&self) -> String {
        self.hint_about_account()
            .unwrap_or_else(|| self.other_hint())
    }

    /// The next step where the error is about one account, or one that could be made.
    fn hint_about_account(&self) -> Option<String> {
        Some(match self {
            Self::Removed { name, .. } => format!(
                "'occ-init user add {name} --restore' gives the same uid and home back, 'occ-init user add {name} --new-uid' makes a new account"
            ),
            Self::NotRemoved(name) => format!("'occ-init user add {name}' makes a new account"),
            Self::Exists(name) => format!("'occ-init user passwd {name}' sets a new password"),
            Self::NoSuchAccount(_) => "'occ-init user list' shows the accounts".into(),
            Self::GroupNotAllowed { group, name } => {
                format!("add the line '{group}: {name}' to /etc/occ/groups.allow in the image")
            }
            Self::HomeElsewhere(home) => format!(
                "add the line '{}' to /etc/occ/homes.allow in the image",
                home.base()
            ),
            Self::OldHome { owner, .. } => format!(
                "--uid {owner} gives the account the uid of its home, --force makes it all the same; nothing was changed"
            ),
            Self::ForeignHome { .. } => "leave --purge-home out; nothing was changed".into(),
            Self::NoSuchKey { name, .. } => {
                format!("`occ-init user keys {name} | ssh-keygen -lf -` prints the fingerprints")
            }
            Self::NoSuchPasskey { name, .. } | Self::TooManyPasskeys(name) => {
                format!("'occ-init user passkey list {name}' shows them")
            }
            Self::Stays {
                name,
                what: "locked",
            } => {
                format!(
                    "'occ-init user disable {name}' and 'occ-init user enable {name}' shut and open"
                )
            }
            Self::NotAdoptable {
                name,
                reason: NotAdoptable::NoPrivateGroup(uid),
            } => format!(
                "make it one: 'groupmod -g {uid} {name}' where a group '{name}' is there, else 'groupadd -g {uid} {name}'; then 'usermod -g {uid} {name}', and adopt again"
            ),
            Self::NotAdoptable {
                name,
                reason: NotAdoptable::UidTaken(..),
            } => format!(
                "'userdel {name}' and then 'occ-init user add {name}' give it a uid of its own"
            ),
            Self::Refused {
                name,
                refusal:
                    Refusal::Foreign {
                        file, name: line, ..
                    },
            } => hint_of_foreign(name, file, line),
            Self::NothingToChange(name) => format!("'occ-init user passwd {name}' sets one"),
            Self::BadRecord { name, .. } => format!(
                "mend or delete the file, it was left as it is; until then 'occ-init user disable {name}' alone shuts the account out"
            ),
            Self::ShutOutHere { name, .. } => format!(
                "mend or delete the file, then 'occ-init user disable {name}' again: a record that can be read again decides"
            ),
            _ => return None,
        })
    }

    fn other_hint(&self) -> String {
        match self {
            Self::NotRoot => "run it as root, or through 'docker exec'".into(),
            Self::Backup(Unusable::NoHomes) => "leave --homes out; nothing was changed".into(),
            Self::Backup(Unusable::Newer(_)) => {
                "update the image; nothing was changed".into()
            }
            Self::Backup(_) => "nothing was changed; use another copy of the backup".into(),
            Self::Clash(_) => {
                "nothing was changed; restore it where the volumes are empty".into()
            }
            Self::NotEmpty { .. } => {
                "--force lets the accounts of the backup replace theirs here; others stay".into()
            }
            Self::Stalled => "nothing was changed; try again".into(),
            Self::Busy {
                holder: Some(holder),
                ..
            } => format!(
                "try again; if it hangs, 'kill {}' in the container ends it",
                holder.pid
            ),
            Self::Busy { holder: None, .. } | Self::KeepsChanging(_) => "try again".into(),
            Self::NoLocks { .. } => {
                "use a volume with locks; or, while nobody else changes accounts on it, --no-store-lock".into()
            }
            Self::Password(_) => "a password has 1 to 255 bytes in one line, without control characters".into(),
            Self::Hash(_) => {
                "`openssl passwd -6` prints one; in a compose file each '$' of it is written '$$'".into()
            }
            Self::Request(_) => "nothing was changed; send one whole JSON document".into(),
            Self::UidTaken { .. } => "leave the uid out, and the next free one is taken".into(),
            Self::NoLedger(_) => "make it a directory of root's that can be read".into(),
            Self::Store { .. } => "make it a directory of root with mode 0700".into(),
            Self::OpenHomes(_) => "make it a directory of root with mode 0755".into(),
            Self::NotAFile(_) => {
                "put the image's file there again; nothing was changed".into()
            }
            Self::Link { .. } => {
                "let it be a file, or link to a regular file of root in directories that only root can write".into()
            }
            Self::Io {
                source: Errno::ENOSPC,
                ..
            } => "make room and run 'occ-init restore'".into(),
            Self::Io {
                source: Errno::EROFS,
                ..
            } => WRITABLE.into(),
            Self::Io {
                source: Errno::EPERM | Errno::EACCES,
                ..
            }
            | Self::StillRunning(_) => hint_of_capabilities(&lacking_capabilities()),
            Self::Recorded(cause) if cause.hint().is_empty() => {
                "mend the cause and run 'occ-init restore'".into()
            }
            Self::Recorded(cause) => cause.hint(),
            _ => String::new(),
        }
    }
}

/// The way out where a file system is read-only.
const WRITABLE: &str =
    "run the container without '--read-only', and mount its volumes without ':ro'";

/// The way out where root may not do what root does; empty if it lacks no capability.
fn hint_of_capabilities(lacking: &[&str]) -> String {
    if lacking.is_empty() {
        return String::new();
    }
    let options: Vec<String> = lacking
        .iter()
        .map(|name| format!("--cap-add {name}"))
        .collect();
    format!(
        "run the container with '{}': accounts need {}",
        options.join(" "),
        if lacking.len() == 1 { "it" } else { "them" }
    )
}

/// The way out where a line that is not ours is in an account's place.
fn hint_of_foreign(name: &Username, file: &str, line: &str) -> String {
    match file {
        "passwd" if line == name.as_str() => {
            format!("'occ-init user adopt {name}' makes it an account that outlives the container")
        }
        "passwd" => format!("'userdel {line}' in the container deletes it"),
        _ => format!("'groupdel {line}' in the container deletes it"),
    }
}
