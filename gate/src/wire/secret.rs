//! Secrets: passwords, answers, tokens. None prints itself, all are wiped.

use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::SECRET_LIMIT;

/// Room for the base64 of the longest secret.
const ENCODED: usize = SECRET_LIMIT.div_ceil(3) * 4;

/// A password or an answer: at most [`SECRET_LIMIT`] bytes, without NUL.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over, unless they are too many or hold a NUL, which no
    /// C library would read past.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() <= SECRET_LIMIT && !bytes.contains(&0)).then_some(Self(bytes))
    }

    /// A copy of a text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::new(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// These bytes as text.
    pub(crate) fn base64_of(bytes: &[u8; 32]) -> Self {
        let text = Base64UrlUnpadded::encode_string(bytes);
        Self(Zeroizing::new(text.into_bytes()))
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut room = Zeroizing::new([0; ENCODED]);
        let text = Base64UrlUnpadded::encode(&self.0, room.as_mut_slice())
            .map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Read in place: of a text with escapes a copy would stay behind.
        let text = <&str>::deserialize(deserializer)?;
        let mut bytes = Zeroizing::new(vec![0; SECRET_LIMIT]);
        let length = Base64UrlUnpadded::decode(text, &mut bytes)
            .map_err(|_| D::Error::custom("a secret is no base64 or too long"))?
            .len();
        bytes.truncate(length);
        Self::new(bytes).ok_or_else(|| D::Error::custom("a secret holds a NUL"))
    }
}

/// Names a session: 256 random bits, in base64 in the cookie.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<[u8; 32]>);

impl Token {
    /// From the operating system's generator, or what a test wants.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Reads what stands in the cookie: 43 characters.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        let length = Base64UrlUnpadded::decode(text, bytes.as_mut_slice())
            .ok()?
            .len();
        (length == bytes.len()).then_some(Self(bytes))
    }

    /// The text for the cookie.
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(self.0.as_slice()))
    }

    /// The digest, which may be kept and compared.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_slice()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.expose())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        Self::parse(text).ok_or_else(|| D::Error::custom("a token is malformed"))
    }
}

/// SHA-256 of a token: finds a session, makes none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The name of its session in the log: a part of it.
    pub(crate) fn name(&self) -> String {
        let [a, b, c, d, ..] = self.0;
        format!("{:08x}", u32::from_be_bytes([a, b, c, d]))
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Base64UrlUnpadded::encode_string(&self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As long as a token, and written as one.
        let digest = Token::deserialize(deserializer)?;
        Ok(Self(*digest.0))
    }
}
