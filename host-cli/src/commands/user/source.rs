//! A new password: its source, and the request to occ-init that carries it.

use zeroize::Zeroizing;

use crate::cli::PasswordSource;
use crate::error::Result;
use crate::ui::secret::{self, Secret};

/// A new password, or the decision to have none.
pub(super) enum New {
    /// Given by a person.
    Password(Secret),
    /// Made here.
    Generated(Secret),
    /// A crypt(5) hash.
    Hash(Secret),
    /// No password (`--no-password`).
    Nothing,
}

impl New {
    /// The password the flags give; `None` if a person has to be asked.
    pub(super) fn from_flags(source: PasswordSource, no_password: bool) -> Result<Option<Self>> {
        Ok(Some(if source.generate {
            Self::Generated(Secret::generate()?)
        } else if source.password_stdin {
            Self::Password(Secret::password(&secret::from_stdin()?)?)
        } else if source.password_hash_stdin {
            Self::Hash(Secret::hash(&secret::from_stdin()?)?)
        } else if no_password {
            Self::Nothing
        } else {
            return Ok(None);
        }))
    }

    /// The document for `--request-stdin`; `None` if it would be empty.
    pub(super) fn request(&self, keys: Option<Vec<String>>) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let (password, hash) = match self {
            Self::Password(secret) | Self::Generated(secret) => (Some(secret), None),
            Self::Hash(secret) => (None, Some(secret)),
            Self::Nothing if keys.is_none() => return Ok(None),
            Self::Nothing => (None, None),
        };
        secret::request(password, hash, keys).map(Some)
    }

    /// The password that was made here, to be shown once.
    pub(super) fn generated(&self) -> Option<&Secret> {
        match self {
            Self::Generated(secret) => Some(secret),
            _ => None,
        }
    }
}
