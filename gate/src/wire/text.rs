//! Texts with a bound.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};

/// UTF-8 of at most `MAX` bytes. A longer one is refused on the wire.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<const MAX: usize>(Box<str>);

impl<const MAX: usize> Text<MAX> {
    /// The text, unless it is too long.
    pub fn new(text: &str) -> Option<Self> {
        (text.len() <= MAX).then(|| Self(text.into()))
    }

    /// Keeps as much of a text as fits, without control characters.
    pub fn cut(text: &str) -> Self {
        let mut kept: String = text.chars().filter(|char| !char.is_control()).collect();
        while kept.len() > MAX {
            kept.pop();
        }
        Self(kept.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MAX: usize> Serialize for Text<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        if text.len() > MAX {
            return Err(D::Error::custom("a text is too long"));
        }
        Ok(Self(text))
    }
}
