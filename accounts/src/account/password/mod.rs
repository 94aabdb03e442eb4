//! Hashes of crypt(5) and the gate that every one of them passes, whether it
//! comes from a person, a record or shadow(5).
//!
//! Plaintext never comes near this crate.

use std::fmt;

/// Longest hash; every scheme of crypt(5) stays below.
const MAX_LEN: usize = 128;
/// Most rounds of `$5$` and `$6$`: above, one login attempt costs
/// seconds of CPU.
const MAX_SHA_ROUNDS: u32 = 2_000_000;
/// Highest bcrypt cost, as a power of two.
const MAX_BCRYPT_COST: u32 = 14;
/// Highest yescrypt N, as a power of two.
const MAX_YESCRYPT_LOG_N: u32 = 17;

/// A crypt(5) hash that may be written into shadow(5).
///
/// Never prints: `Debug` shows the scheme alone, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a hash is refused. Holds nothing of the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHash {
    /// Empty.
    #[error("the password hash is empty")]
    Empty,
    /// Longer than 128 bytes.
    #[error("the password hash has {0} bytes, at most 128 are allowed")]
    TooLong(usize),
    /// Bytes that have a meaning of their own in shadow(5).
    #[error(
        "the password hash holds characters other than printable ASCII without ':', ';', '*', '!' and '\\'"
    )]
    Characters,
    /// Unknown prefix, or a part of the scheme is missing.
    #[error(
        "the password hash has no known scheme: $y$, $gy$, $7$, $2a$, $2b$, $2y$, $6$ and $5$ are accepted"
    )]
    Scheme,
    /// Costs so much that checking it once would be an attack.
    #[error(
        "the password hash is too costly: at most 2000000 rounds ($5$, $6$), N of 2^17 ($y$), cost 14 ($2b$)"
    )]
    Cost,
}

/// Returns whether a byte may stand in a hash: printable ASCII without those that
/// shadow(5) and its readers give a meaning.
fn is_hash_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b':' | b';' | b'*' | b'!' | b'\\')
}

impl PasswordHash {
    /// Checks characters, length, scheme and cost (crypt(5)).
    pub fn parse(hash: &str) -> Result<Self, InvalidHash> {
        if hash.is_empty() {
            return Err(InvalidHash::Empty);
        }
        if hash.len() > MAX_LEN {
            return Err(InvalidHash::TooLong(hash.len()));
        }
        if !hash.bytes().all(is_hash_byte) {
            return Err(InvalidHash::Characters);
        }
        check_scheme(hash)?;
        Ok(Self(hash.to_owned()))
    }

    /// The hash itself, for the shadow line and the record alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split('$').nth(1).unwrap_or("?");
        write!(f, "PasswordHash(${scheme}$…)")
    }
}

/// The scheme is known, its parts are there, and its cost is bearable.
fn check_scheme(hash: &str) -> Result<(), InvalidHash> {
    let rest = hash.strip_prefix('$').ok_or(InvalidHash::Scheme)?;
    let (scheme, rest) = rest.split_once('$').ok_or(InvalidHash::Scheme)?;
    // No scheme has more than three; a fourth makes the number wrong.
    let mut parts = [""; 4];
    let mut count = 0;
    for (place, part) in parts.iter_mut().zip(rest.split('$')) {
        *place = part;
        count += 1;
    }
    let rest = &parts[..count];
    match scheme {
        "5" => check_sha(rest, 43),
        "6" => check_sha(rest, 86),
        "2a" | "2b" | "2y" => check_bcrypt(rest),
        "y" | "gy" => check_yescrypt(rest),
        "7" => check_scrypt(rest),
        _ => Err(InvalidHash::Scheme),
    }
}

/// `[rounds=N$]salt$hash`
fn check_sha(rest: &[&str], hash_len: usize) -> Result<(), InvalidHash> {
    let rest = match rest.first().and_then(|first| first.strip_prefix("rounds=")) {
        None => rest,
        Some(rounds) => {
            // Below 1000, or with a leading zero, libxcrypt refuses what musl clamps.
            let canonical = decimal(rounds).filter(|_| !rounds.starts_with('0'));
            if !canonical.is_some_and(|rounds| (1000..=MAX_SHA_ROUNDS).contains(&rounds)) {
                return Err(InvalidHash::Cost);
            }
            &rest[1..]
        }
    };
    match rest {
        [salt, hash] if salt.len() <= 16 && hash.len() == hash_len => Ok(()),
        _ => Err(InvalidHash::Scheme),
    }
}

/// Digits alone: `parse` would take a sign.
fn decimal(digits: &str) -> Option<u32> {
    let only_digits = digits.bytes().all(|b| b.is_ascii_digit());
    only_digits.then(|| digits.parse().ok()).flatten()
}

/// `NN$` and 53 characters.
fn check_bcrypt(rest: &[&str]) -> Result<(), InvalidHash> {
    match rest {
        [cost, tail] if cost.len() == 2 && tail.len() == 53 => match decimal(cost) {
            Some(cost) if (4..=MAX_BCRYPT_COST).contains(&cost) => Ok(()),
            _ => Err(InvalidHash::Cost),
        },
        _ => Err(InvalidHash::Scheme),
    }
}

/// `params$salt$hash`; the second character of params is N (crypt(5): `j9T`
/// is the default, N = 2¹², r = 32).
fn check_yescrypt(rest: &[&str]) -> Result<(), InvalidHash> {
    let [params, _salt, hash] = rest else {
        return Err(InvalidHash::Scheme);
    };
    if hash.len() != 43 {
        return Err(InvalidHash::Scheme);
    }
    // flavour 'j' = worm | rw with all modes; then N, then r, one character each
    // as long as they are small, which is all we accept.
    let bytes = params.as_bytes();
    let (Some(b'j' | b'/' | b'.'), Some(&log_n), Some(&r)) =
        (bytes.first(), bytes.get(1), bytes.get(2))
    else {
        return Err(InvalidHash::Cost);
    };
    let (Some(n), Some(r)) = (itoa64(log_n), itoa64(r)) else {
        return Err(InvalidHash::Cost);
    };
    // libxcrypt stores log2(N) − 1 and r − 1; more parameters (p, t, g, NROM)
    // multiply the cost and no tool writes them.
    if bytes.len() == 3 && n < MAX_YESCRYPT_LOG_N && r < 32 {
        Ok(())
    } else {
        Err(InvalidHash::Cost)
    }
}

/// `$7$` + N, r (5), p (5), salt `$` hash, all in one alphabet.
fn check_scrypt(rest: &[&str]) -> Result<(), InvalidHash> {
    let [params, hash] = rest else {
        return Err(InvalidHash::Scheme);
    };
    let bytes = params.as_bytes();
    if hash.len() != 43 || bytes.len() < 11 {
        return Err(InvalidHash::Scheme);
    }
    let number = |bytes: &[u8]| -> Option<u32> {
        bytes
            .iter()
            .rev()
            .try_fold(0_u32, |sum, &b| Some((sum << 6) | itoa64(b)?))
    };
    match (
        itoa64(bytes[0]),
        number(&bytes[1..6]),
        number(&bytes[6..11]),
    ) {
        (Some(log_n), Some(1..=32), Some(1)) if log_n <= MAX_YESCRYPT_LOG_N => Ok(()),
        _ => Err(InvalidHash::Cost),
    }
}

/// The value of a character of crypt's alphabet `./0-9A-Za-z`.
const fn itoa64(byte: u8) -> Option<u32> {
    Some(match byte {
        b'.' => 0,
        b'/' => 1,
        b'0'..=b'9' => byte as u32 - b'0' as u32 + 2,
        b'A'..=b'Z' => byte as u32 - b'A' as u32 + 12,
        b'a'..=b'z' => byte as u32 - b'a' as u32 + 38,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
