//! Public keys of ssh, as people have them: files of `ssh-keygen` and lines of
//! authorized_keys (sshd(8)). What is given by mistake instead is refused by name, a private
//! key above all.

#[cfg(test)]
mod tests;

use base64ct::{Base64Unpadded, Encoding as _};
use sha2::{Digest as _, Sha256};
use ssh_key::PublicKey;

/// Most bytes of an account's keys in its record: a larger record could not be read back.
const MAX_BYTES: usize = 48 * 1024;
/// Quotes, comma, newline and indentation of one key in a record.
const OVERHEAD: usize = 10;

/// A line of authorized_keys with a public key: perhaps options, type, key, perhaps a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshKey {
    line: String,
    fingerprint: String,
}

/// Why a text is no list of public keys. Repeats nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeys {
    /// OpenSSH's, or of PEM.
    #[error("line {0} begins a private key, which nobody else may ever see; give the file .pub")]
    Private(usize),
    /// PuTTY's .ppk, which holds a private key too.
    #[error(
        "line {0} begins a private key of PuTTY; give what `puttygen FILE -O public-openssh` prints"
    )]
    Putty(usize),
    /// RFC 4716, which PuTTY and others save public keys as.
    #[error("line {0} begins a key of RFC 4716; give what `ssh-keygen -i -f FILE` prints")]
    Rfc4716(usize),
    /// A public key in PEM, by the name that `ssh-keygen -m` has for it.
    #[error("line {0} begins a key in PEM; give what `ssh-keygen -i -m {1} -f FILE` prints")]
    Pem(usize, &'static str),
    /// Anything else.
    #[error("line {0} is no ssh public key")]
    Line(usize),
    /// More than a record has room for.
    #[error("the ssh keys are too long: at most 48 KiB in all")]
    TooLong,
}

impl SshKey {
    /// Reads one line.
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.chars().any(|c| c.is_control() && c != '\t') {
            return None;
        }
        let key = public_key(line).or_else(|| public_key(after_options(line)?))?;
        Some(Self {
            line: line.to_owned(),
            fingerprint: fingerprint(&key)?,
        })
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.line
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The keys of a file; comments and blank lines are left out.
    pub fn parse_file(text: &[u8]) -> Result<Vec<Self>, InvalidKeys> {
        Self::parse_lines(text.split(|&byte| byte == b'\n'))
    }

    /// The same for lines, none of which may hold another.
    pub fn parse_lines<'a>(
        lines: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Vec<Self>, InvalidKeys> {
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(lines) {
            let line = std::str::from_utf8(line).map_err(|_| InvalidKeys::Line(number))?;
            let line = line.trim_start_matches('\u{feff}').trim();
            if !line.is_empty() && !line.starts_with('#') {
                let key = Self::parse(line);
                keys.push(key.ok_or_else(|| mistaken(line, number))?);
            }
        }
        Ok(keys)
    }
}

/// The fingerprint that `ssh-keygen -l` prints. By the sha2 that the rest uses: ssh-key's own is
/// of another version, and would be in the program a second time (12 KB).
fn fingerprint(key: &PublicKey) -> Option<String> {
    let digest = Sha256::digest(key.to_bytes().ok()?);
    Some(format!("SHA256:{}", Base64Unpadded::encode_string(&digest)))
}

/// Fails if a record has no room for so many keys.
pub fn check_room<'a>(keys: impl Iterator<Item = &'a str>) -> Result<(), InvalidKeys> {
    let in_record = |key: &str| key.len() + OVERHEAD + key.matches(['"', '\\', '\t']).count();
    if keys.map(in_record).sum::<usize>() > MAX_BYTES {
        return Err(InvalidKeys::TooLong);
    }
    Ok(())
}

/// Type and key at the beginning of a text.
fn public_key(text: &str) -> Option<PublicKey> {
    let mut words = text.split_ascii_whitespace();
    let (kind, key) = (words.next()?, words.next()?);
    PublicKey::from_openssh(&format!("{kind} {key}")).ok()
}

/// The text behind the options, which hold blanks between quotes alone.
fn after_options(line: &str) -> Option<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let end = line.find(|c: char| {
        let is_quote = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_quoted ^= is_quote;
        c.is_ascii_whitespace() && !is_quoted
    })?;
    line.get(end..).map(str::trim_start)
}

/// The name of what is there instead of a key.
fn mistaken(line: &str, number: usize) -> InvalidKeys {
    let dashed = line.trim_start_matches('-').trim_start();
    match dashed.strip_prefix("BEGIN ") {
        Some(what) if what.contains("PRIVATE KEY") => InvalidKeys::Private(number),
        Some(what) if what.starts_with("SSH2 PUBLIC KEY") => InvalidKeys::Rfc4716(number),
        Some(what) if what.starts_with("RSA PUBLIC KEY") => InvalidKeys::Pem(number, "PEM"),
        Some(what) if what.starts_with("PUBLIC KEY") => InvalidKeys::Pem(number, "PKCS8"),
        None if line.starts_with("PuTTY-User-Key-File") => InvalidKeys::Putty(number),
        _ => InvalidKeys::Line(number),
    }
}
