//! Changes of shadow(5) that no record takes: why, and the command for what was wanted.

use crate::account::{InvalidHash, Username};
use std::fmt;

/// A line of shadow(5) that the next restore makes as recorded again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reverted {
    /// The login name.
    pub name: Username,
    /// Why it is not taken.
    pub why: Why,
}

/// Why a change is not taken. Prints nothing of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// Nothing of a disabled account is.
    #[error("the account is disabled")]
    Disabled,
    /// There is no telling which is the later change.
    #[error("its record was changed since")]
    RecordIsNewer,
    /// A new password that does not pass the gate.
    #[error(transparent)]
    Hash(InvalidHash),
    /// Would let anybody in.
    #[error("an empty password lets everybody in")]
    NoPassword,
    /// `!`, and then something else than the recorded password.
    #[error("what stands behind the '!' is not the recorded password")]
    OtherLock,
    /// No password at all.
    #[error("'*' is no password")]
    Star,
}

impl Reverted {
    /// The next step, to be typed as it stands.
    pub fn hint(&self) -> String {
        let verb = match self.why {
            Why::Disabled => "enable",
            Why::RecordIsNewer | Why::Hash(_) | Why::NoPassword => "passwd",
            Why::OtherLock | Why::Star => "disable",
        };
        format!("'occ-init user {verb} {}'", self.name)
    }
}

impl fmt::Display for Reverted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, why } = self;
        write!(
            f,
            "'{name}' was changed in /etc/shadow; its record wins: {why}"
        )
    }
}
