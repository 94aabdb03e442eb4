//! The rules for passwords in plain text, the same in all programs. Keeps no password.

#[cfg(test)]
mod tests;

use std::fmt;

/// Longest password, in bytes: musl's crypt(3) refuses more than 256.
pub const MAX_PASSWORD: usize = 255;

/// The mark that editors of Windows put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a password is refused. Holds nothing of it but the name of one character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// No byte at all.
    #[error("it is empty")]
    Empty,
    /// More than [`MAX_PASSWORD`] bytes.
    #[error("it has more than 255 bytes")]
    TooLong,
    /// A character that no keyboard types at a login.
    #[error("it holds {0}")]
    Control(Control),
}

/// A control character, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control(char);

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            '\0' => f.write_str("a NUL"),
            '\t' => f.write_str("a tab"),
            '\n' => f.write_str("a newline; it must be one line"),
            '\r' => f.write_str("a carriage return"),
            '\x1b' => f.write_str("an escape character"),
            other => write!(f, "the control character U+{:04X}", u32::from(other)),
        }
    }
}

/// Checks a password that somebody gives to an account. It need not be UTF-8.
pub fn check_password(password: &[u8]) -> Result<(), InvalidPassword> {
    match password.len() {
        0 => return Err(InvalidPassword::Empty),
        1..=MAX_PASSWORD => (),
        _ => return Err(InvalidPassword::TooLong),
    }
    let texts = password.utf8_chunks().map(|chunk| chunk.valid());
    let control = texts.flat_map(str::chars).find(|char| char.is_control());
    control.map_or(Ok(()), |char| Err(InvalidPassword::Control(Control(char))))
}

/// Why a password is easy to guess: a warning, never a refusal.
pub fn weakness(password: &[u8]) -> Option<&'static str> {
    (password.len() < 8).then_some("the password is short; 12 characters or more are hard to guess")
}

/// The secret in the content of a file or pipe: without a mark that it is UTF-8, and without
/// one newline at its end, of Unix or Windows.
pub fn secret_of(content: &[u8]) -> &[u8] {
    let content = content.strip_prefix(BYTE_ORDER_MARK).unwrap_or(content);
    let Some(line) = content.strip_suffix(b"\n") else {
        return content;
    };
    line.strip_suffix(b"\r").unwrap_or(line)
}
