//! A new password: its source, and the request to occ-init that carries it.

use zeroize::Zeroizing;

use crate::cli::PasswordSource;
use crate::error::{Error, Result};
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

/// The lines of an authorized_keys file, without comments and blank lines.
pub(super) fn ssh_keys(bytes: &[u8]) -> Result<Vec<String>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::Invalid("the ssh key file is not UTF-8".into()))?;
    if text.contains("PRIVATE KEY") {
        return Err(Error::Invalid(
            "that is a private key; give the .pub file".into(),
        ));
    }
    let keys: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if keys.is_empty() {
        Err(Error::Invalid("the ssh key file holds no key".into()))
    } else {
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_lines_and_private_keys_stay_here() {
        let keys = ssh_keys(b"# mine\n\nssh-ed25519 AAAA me\r\n  ssh-rsa BBBB\n").unwrap();
        assert_eq!(keys, ["ssh-ed25519 AAAA me", "ssh-rsa BBBB"]);
        for refused in [
            &b"# only a comment\n"[..],
            b"-----BEGIN OPENSSH PRIVATE KEY-----\nx\n",
            b"\xff",
        ] {
            assert_eq!(ssh_keys(refused).unwrap_err().kind().exit_code(), 9);
        }
    }
}
