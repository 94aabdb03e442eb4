//! Access tokens: passwords for a person's programs, made on the account page.

use std::fmt;
use std::net::IpAddr;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{Handle, Session, Time, Token};
use crate::log::is_plain;

/// The first characters of every access token, so that people and scanners for leaked
/// secrets recognize one.
pub const ACCESS_PREFIX: &str = "occ_";
/// Most access tokens of one person.
pub const ACCESS_LIMIT: usize = 20;
/// Longest name of an access token, in bytes.
pub const ACCESS_NAME_LIMIT: usize = 60;
/// Characters behind the prefix.
const ENCODED: usize = 43;

/// An access token: 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(Zeroizing<[u8; 32]>);

impl AccessToken {
    /// From the operating system's generator, or what a test wants.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Reads what a program shows: `occ_` and 43 characters.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let encoded = text.strip_prefix(ACCESS_PREFIX.as_bytes())?;
        let mut bytes = Zeroizing::new([0; 32]);
        let decoded = Base64UrlUnpadded::decode(encoded, bytes.as_mut_slice()).ok()?;
        let is_whole = decoded.len() == 32;
        is_whole.then_some(Self(bytes))
    }

    /// The text that the person gets, once.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(ACCESS_PREFIX.len() + ENCODED));
        text.push_str(ACCESS_PREFIX);
        text.push_str(&Zeroizing::new(Base64UrlUnpadded::encode_string(
            self.0.as_slice(),
        )));
        text
    }

    /// The digest, which may be kept and compared. It is that of the whole text, so
    /// that no bytes are a session's token and an access token at once.
    pub fn hash(&self) -> AccessHash {
        AccessHash(Sha256::digest(self.expose().as_bytes()).into())
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken")
    }
}

impl Serialize for AccessToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl<'de> Deserialize<'de> for AccessToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        Self::parse(text.as_bytes()).ok_or_else(|| D::Error::custom("no access token"))
    }
}

/// SHA-256 of an access token: finds one, makes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccessHash([u8; 32]);

impl Serialize for AccessHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for AccessHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        match Base64UrlUnpadded::decode(&text, &mut bytes) {
            Ok(decoded) if decoded.len() == 32 => Ok(Self(bytes)),
            _ => Err(D::Error::custom("no SHA-256 in base64")),
        }
    }
}

/// The name that a person gives an access token: 1 to [`ACCESS_NAME_LIMIT`] bytes of
/// characters that are shown and not obeyed, no blank at either end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct AccessName(Box<str>);

impl AccessName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for AccessName {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        if text.trim().is_empty() {
            Err("Give the token a name: where you will use it, for example")
        } else if text.len() > ACCESS_NAME_LIMIT {
            Err("The token's name is too long")
        } else if !text.chars().all(is_plain) || text.trim().len() != text.len() {
            Err("The token's name has characters that cannot be shown")
        } else {
            Ok(Self(text))
        }
    }
}

/// The days that an access token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16")]
pub struct Lifetime(u16);

impl Lifetime {
    /// The choices on the page.
    pub const CHOICES: [u16; 4] = [7, 30, 90, 365];
    /// The choice unless another one is made.
    pub const DEFAULT: u16 = 90;

    /// Seconds.
    pub fn seconds(self) -> Time {
        Time::from(self.0) * 24 * 60 * 60
    }
}

impl TryFrom<u16> for Lifetime {
    type Error = &'static str;

    fn try_from(days: u16) -> Result<Self, Self::Error> {
        let is_choice = Self::CHOICES.contains(&days);
        is_choice.then_some(Self(days)).ok_or("no such lifetime")
    }
}

/// An access token in the list. Nothing of it is a way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessEntry {
    /// For [`super::ask::RevokeAccess`].
    pub handle: Handle,
    /// The person's name for it.
    pub name: AccessName,
    /// When it was made.
    pub made: Time,
    /// When it ends.
    pub ends: Time,
    /// The last use, if there was one.
    pub last_use: Option<LastUse>,
}

/// A use of an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastUse {
    /// When.
    pub at: Time,
    /// The program's address, by the socket or a trusted proxy.
    pub address: IpAddr,
}

/// The reply to a program that showed an access token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum UseAccessReply {
    /// It is somebody's.
    Session {
        /// Opens what a program may do: reach the person's opencode, and nothing of
        /// their account. Always the same one for an access token while the monitor runs.
        token: Token,
        /// Whose it is, and when it ends.
        session: Session,
    },
    /// It is nobody's; the reason stays with the monitor.
    Refused,
    /// It is nobody's, and there were too many such: try again after that time.
    SlowDown {
        /// At least 1.
        seconds: u32,
    },
}

/// The reply to a person who makes an access token.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MakeAccessReply {
    /// Made, and on disk.
    Made {
        /// Shown once.
        access: AccessToken,
    },
    /// The person has [`ACCESS_LIMIT`], or all people together have too many.
    Full,
    /// The person made many within the last hour.
    TooOften,
    /// The monitor can't keep it: its log says why.
    Unavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_tokens_are_read_as_written_and_nothing_else_is() {
        let access = AccessToken::new([7; 32]);
        let text = access.expose();
        assert_eq!((text.len(), &text[..4]), (47, "occ_"));
        assert!(AccessToken::parse(text.as_bytes()) == Some(access.clone()));
        let others = [
            "",
            "occ_",
            &text[..46],
            &format!("{}A", *text),
            &text[4..],
            &text.replace("occ_", "OCC_"),
            &format!("{} ", *text),
            &format!("{}=", *text),
        ];
        for other in others {
            assert!(AccessToken::parse(other.as_bytes()).is_none(), "{other}");
        }
        assert_eq!(format!("{access:?}"), "AccessToken");
    }

    /// The same bytes in a session's cookie are another token.
    #[test]
    fn no_session_has_the_digest_of_an_access_token() {
        let access = serde_json::to_string(&AccessToken::new([7; 32]).hash()).unwrap();
        let session = serde_json::to_string(&Token::new([7; 32]).hash()).unwrap();
        assert_ne!(access, session);
        assert_eq!(access.len(), session.len());
    }

    #[test]
    fn names_are_short_and_can_be_shown() {
        let name = |text: &str| AccessName::try_from(Box::from(text));
        assert!(name("laptop").is_ok() && name("Büro, 2. Stock").is_ok());
        assert!(name(&"x".repeat(ACCESS_NAME_LIMIT)).is_ok());
        for bad in [
            "",
            " ",
            " x",
            "a\nb",
            "a\u{1b}[2J",
            "a\u{202e}b",
            &"x".repeat(61),
        ] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<AccessName>(r#""a\u0007""#).is_err());
    }

    #[test]
    fn lifetimes_are_the_choices() {
        for days in 0..=400 {
            let is_choice = [7, 30, 90, 365].contains(&days);
            assert_eq!(Lifetime::try_from(days).is_ok(), is_choice, "{days}");
        }
        assert!(serde_json::from_str::<Lifetime>("36500").is_err());
        assert!(Lifetime::CHOICES.contains(&Lifetime::DEFAULT));
    }
}
