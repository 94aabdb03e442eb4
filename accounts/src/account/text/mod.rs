//! Free text in passwd(5): gecos, home, shell.
//!
//! A colon or a newline in any of them is a line of the attacker's choice in
//! /etc/passwd (CVE-2015-3245, CVE-2022-4318); a bidi override makes a listing
//! show another name (CVE-2023-29383).

use smol_str::SmolStr;
use std::fmt;

/// Longest gecos, in bytes.
const MAX_REAL_NAME: usize = 256;
/// Longest shell path, in bytes.
const MAX_SHELL: usize = 128;
/// The directory of homes, unless the image allows others.
pub const HOME_BASE: &str = "/home";
/// Longest home path, in bytes.
const MAX_HOME: usize = 256;
/// The shell of a new account.
pub(super) const DEFAULT_SHELL: &str = "/bin/bash";

/// Why a text field is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// A byte that would end the field or the line, or mislead its reader.
    #[error("invalid {field} '{}': no ':', control characters or text direction overrides", .value.escape_debug())]
    Characters {
        /// Which field.
        field: &'static str,
        /// The value given.
        value: String,
    },
    /// Too many bytes.
    #[error("invalid {field}: {len} bytes, at most {max}")]
    TooLong {
        /// Which field.
        field: &'static str,
        /// Bytes given.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// Not a home that we may make.
    #[error("invalid home '{}': must be /home/ and one name", .0.escape_debug())]
    Home(String),
    /// Not a shell path.
    #[error("invalid shell '{}': must be an absolute path without '..' or '//'", .0.escape_debug())]
    Shell(String),
}

impl InvalidText {
    /// The message without the value: for a log that many can read.
    pub fn without_value(&self) -> String {
        match self {
            Self::Characters { field, .. } => {
                format!("invalid {field}: no ':', control characters or text direction overrides")
            }
            Self::TooLong { .. } => self.to_string(),
            Self::Home(_) => "invalid home: must be /home/ and one name".to_owned(),
            Self::Shell(_) => {
                "invalid shell: must be an absolute path without '..' or '//'".to_owned()
            }
        }
    }
}

/// The gecos field; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RealName(SmolStr);

/// A home directory: one component in a directory that is not the root. The image
/// decides which directories may hold homes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Home {
    path: SmolStr,
    /// Bytes of the directory.
    base: usize,
}

/// An absolute path of a login shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell(SmolStr);

impl RealName {
    /// Checks characters and length.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        check("comment", text, MAX_REAL_NAME)?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Home {
    /// Checks that it is a plain absolute path of at least two names.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        check("home", text, MAX_HOME)?;
        let parts = text.rsplit_once('/');
        match parts
            .filter(|(base, name)| is_plain(base) && !name.is_empty() && !name.starts_with('.'))
        {
            Some((base, _)) => Ok(Self {
                base: base.len(),
                path: text.into(),
            }),
            None => Err(InvalidText::Home(text.to_owned())),
        }
    }

    /// The absolute path.
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// The directory that it is in: `/home`.
    pub fn base(&self) -> &str {
        &self.path[..self.base]
    }

    /// The name in there.
    pub fn component(&self) -> &str {
        &self.path[self.base + 1..]
    }
}

impl Shell {
    /// Checks that it is a plain absolute path.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        check("shell", text, MAX_SHELL)?;
        if is_plain(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidText::Shell(text.to_owned()))
        }
    }

    /// The one that lets nobody in, where Debian has it.
    pub fn nologin() -> Self {
        Self(SmolStr::new_static("/usr/sbin/nologin"))
    }

    /// The absolute path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Shell {
    fn default() -> Self {
        Self(SmolStr::new_static(DEFAULT_SHELL))
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}

/// Returns whether it is an absolute path without `.`, `..` and empty parts, and not
/// the root.
pub(crate) fn is_plain(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")))
}

/// Returns whether the text can stand between two colons of a line.
pub(crate) fn is_field(text: &str) -> bool {
    // Nearly all text is ASCII, and that needs no decoding.
    let is_plain = |b: u8| matches!(b, b' '..=b'~') && b != b':';
    text.bytes().all(is_plain)
        || text
            .chars()
            .all(|c| c != ':' && !c.is_control() && !is_bidi_override(c))
}

fn check(field: &'static str, text: &str, max: usize) -> Result<(), InvalidText> {
    if text.len() > max {
        return Err(InvalidText::TooLong {
            field,
            len: text.len(),
            max,
        });
    }
    if !is_field(text) {
        return Err(InvalidText::Characters {
            field,
            value: text.to_owned(),
        });
    }
    Ok(())
}

/// Characters that turn the direction of the text around them, and the line
/// and paragraph separators that some terminals break at.
const fn is_bidi_override(c: char) -> bool {
    matches!(
        c,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests;
