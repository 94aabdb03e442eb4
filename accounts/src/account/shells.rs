//! Which shell stands in passwd(5).

use super::Account;
use super::text::{DEFAULT_SHELL, Shell};

/// The shells of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shells {
    /// The shell of a disabled account.
    pub nologin: Shell,
    /// The shell in place of /bin/bash: an image without bash must not lock
    /// out people who never chose a shell. A chosen shell stays even if the image
    /// lacks it: it may be a restricted one.
    pub default: Shell,
}

/// The paths of Debian.
impl Default for Shells {
    fn default() -> Self {
        Self {
            nologin: Shell::nologin(),
            default: Shell::default(),
        }
    }
}

impl Shells {
    /// The shell in the account's line of passwd(5). A disabled account gets
    /// `nologin`: a key login asks neither for the hash nor, in dropbear, for the
    /// expiry.
    pub fn of<'a>(&'a self, account: &'a Account) -> &'a Shell {
        if account.locked {
            &self.nologin
        } else if account.shell.as_str() == DEFAULT_SHELL {
            &self.default
        } else {
            &account.shell
        }
    }
}
