//! Login names: what may stand in the first field of passwd(5).
//!
//! Records outlive rules, so there are two ways in: [`Username::parse`] takes every
//! name that a record may hold, [`Username::new_account`] only those for new accounts.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::borrow::{Borrow, Cow};
use std::fmt;

/// Longest login name: utmp and LOGIN_NAME_MAX of older systems hold 32.
const MAX_LEN: usize = 32;
/// Shortest name of a new account.
const MIN_NEW_LEN: usize = 3;

/// Names that are never a person's in any image.
const RESERVED: &[&str] = &[
    "root", "sudo", "wheel", "admin", "adm", "docker", "shadow", "disk", "lxd", "libvirt",
    "nobody", "nogroup",
];
/// Prefixes of service accounts, ours and systemd's.
const RESERVED_PREFIXES: &[&str] = &["occ-", "systemd-"];

/// A login name that can stand in the four files.
///
/// ASCII letters, digits, `_` and `-`, 1 to 32 bytes, starting with a letter
/// or `_`: a name starting with a digit is read as a uid by too many programs
/// (CVE-2016-3697, CVE-2017-1000082).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "SmolStr")]
pub struct Username(SmolStr);

/// Why a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Empty, too long, or with bytes that no name may have.
    #[error(
        "invalid name '{}': 1 to 32 of ASCII letters, digits, '_' and '-', not starting with a digit or '-'",
        .0.escape_debug()
    )]
    Malformed(String),
    /// Fit for a record, but not for a new account.
    #[error(
        "invalid name '{}': a new name has 3 to 32 of ASCII letters, digits and '_', not starting with a digit",
        .0.escape_debug()
    )]
    NotForNew(String),
}

impl Username {
    /// A name as a record may hold it.
    pub fn parse(name: &str) -> Result<Self, InvalidName> {
        let bytes = name.as_bytes();
        let well_formed = (1..=MAX_LEN).contains(&bytes.len())
            && (bytes[0].is_ascii_alphabetic() || bytes[0] == b'_')
            && bytes
                .iter()
                .all(|&b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if well_formed {
            Ok(Self(name.into()))
        } else {
            Err(InvalidName::Malformed(shortened(name)))
        }
    }

    /// A name for a new account: 3 to 32, without `-`.
    pub fn new_account(name: &str) -> Result<Self, InvalidName> {
        match Self::parse(name) {
            Ok(valid) if name.len() >= MIN_NEW_LEN && !name.contains('-') => Ok(valid),
            _ => Err(InvalidName::NotForNew(shortened(name))),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as it stands in a file.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Returns whether the name belongs to the system in every image.
    pub fn is_reserved(&self) -> bool {
        let folded = self.folded();
        RESERVED.contains(&folded.as_ref())
            || RESERVED_PREFIXES
                .iter()
                .any(|prefix| folded.starts_with(prefix))
    }

    /// The form in which names are compared: two names that differ only in
    /// case collide, because file systems and mail systems fold case.
    pub fn folded(&self) -> Cow<'_, str> {
        if self.0.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(self.0.to_ascii_lowercase())
        } else {
            Cow::Borrowed(&self.0)
        }
    }
}

/// At most 64 characters of a name, for a message.
fn shortened(name: &str) -> String {
    if name.chars().count() <= 64 {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(64).collect();
    short.push('…');
    short
}

impl TryFrom<SmolStr> for Username {
    type Error = InvalidName;

    fn try_from(name: SmolStr) -> Result<Self, InvalidName> {
        Self::parse(&name)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Username {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
