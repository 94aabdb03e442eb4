//! Texts with a bound.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::log::is_plain;

/// UTF-8 of at most `MAX` bytes. A longer one is refused on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct Text<const MAX: usize>(Box<str>);

impl<const MAX: usize> Text<MAX> {
    /// The text, unless it is too long.
    pub fn new(text: &str) -> Option<Self> {
        Self::try_from(Box::from(text)).ok()
    }

    /// Keeps as much of a text as fits, without characters that are obeyed instead of shown.
    pub fn cut(text: &str) -> Self {
        let mut kept: String = text.chars().filter(|char| is_plain(*char)).collect();
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

impl<const MAX: usize> TryFrom<Box<str>> for Text<MAX> {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        if text.len() > MAX {
            return Err("a text is too long");
        }
        Ok(Self(text))
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
