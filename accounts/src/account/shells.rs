//! Which shell stands in passwd(5).

use super::Account;
use super::text::{DEFAULT_SHELL, Shell};

/// The shells of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shells {
    /// Of a disabled account.
    pub nologin: Shell,
    /// In place of [`DEFAULT_SHELL`]: an image without bash must not shut out
    /// those who never chose a shell. One that was chosen stays, there or not: it
    /// may be what keeps a person in bounds.
    pub default: Shell,
}

/// Those of Debian.
impl Default for Shells {
    fn default() -> Self {
        Self {
            nologin: Shell::nologin(),
            default: Shell::default(),
        }
    }
}

impl Shells {
    /// What the account's line in passwd names. A disabled account gets
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
