//! Passkeys: what browser and authenticator say on the way to the monitor and back.
//!
//! A browser gets a challenge and, in a cookie, the token that names it: whoever has the
//! challenge alone has nothing. The answer of an authenticator passes as text; only a
//! process without privileges reads it.

use serde::{Deserialize, Serialize};

use super::{Handle, Text, Time, Token};
use crate::log::is_plain;

/// Most passkeys of one person.
pub const PASSKEYS_LIMIT: usize = accounts::record::MAX_PASSKEYS;
/// Longest name of a passkey, in bytes.
pub const PASSKEY_NAME_LIMIT: usize = accounts::record::PASSKEY_NAME_LIMIT;
/// Seconds for which a challenge is good.
pub const CHALLENGE_SECONDS: u64 = 120;

/// Our own origin as the browser sees it.
pub type Origin = Text<300>;
/// The authenticator's name for a passkey, in base64url.
pub type CredentialId = Text<1364>;
/// The answer of an authenticator: the JSON of a PublicKeyCredential.
pub type Proof = Text<6144>;
/// The options for `navigator.credentials`, JSON.
pub type Options = Text<8192>;

/// The name that a person gives a passkey: as for an access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct PasskeyName(Box<str>);

impl PasskeyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for PasskeyName {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            Err("Give the passkey a name: the device that it is on, for example")
        } else if text.len() > PASSKEY_NAME_LIMIT {
            Err("The passkey's name is too long")
        } else if !text.chars().all(is_plain) || text.trim().len() != text.len() {
            Err("The passkey's name has characters that cannot be shown")
        } else {
            Ok(Self(text))
        }
    }
}

/// The reply to [`super::ask::BeginPasskeyLogin`] and [`super::ask::BeginPasskey`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChallengeReply {
    /// Good once, for [`CHALLENGE_SECONDS`].
    Ready {
        /// For the cookie.
        challenge: Token,
        /// For the script.
        options: Options,
    },
    /// The person has [`PASSKEYS_LIMIT`].
    Full,
    /// There are none here: the administrator wants none, or browsers know none for this
    /// origin.
    Off,
    /// The password or the code of a person who adds one is wrong.
    Wrong,
    /// The same, too often: nothing was checked; try again after that time.
    SlowDown {
        /// At least 1.
        seconds: u32,
    },
    /// PAM fails.
    Unavailable,
}

/// The reply to [`super::ask::AddPasskey`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AddPasskeyReply {
    /// It is in the record.
    Added,
    /// The challenge is used or too old, or what came back is no proof.
    Refused,
    /// The authenticator can't keep it, so that the login page would not find it.
    NotKept,
    /// It is there already, with this person or another.
    Twice,
    /// The person has [`PASSKEYS_LIMIT`].
    Full,
    /// The person changed many within the last hour.
    TooOften,
    /// The record can't be written, or too many are being written: the log says more.
    Unavailable,
}

/// A passkey in the list. Nothing of it is a way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasskeyEntry {
    /// For [`super::ask::RemovePasskey`].
    pub handle: Handle,
    /// The person's name for it.
    pub name: PasskeyName,
    /// When it was made.
    pub made: Time,
    /// The last login with it, if there was one.
    pub last_use: Option<Time>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_can_be_shown() {
        let name = |text: &str| PasskeyName::try_from(Box::from(text));
        assert!(name("laptop").is_ok() && name("Büro: Schlüssel").is_ok());
        assert!(name(&"x".repeat(PASSKEY_NAME_LIMIT)).is_ok());
        let long = "x".repeat(PASSKEY_NAME_LIMIT + 1);
        for bad in ["", " ", " x", "a\nb", "a\u{1b}[2J", "a\u{202e}b", &long] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
