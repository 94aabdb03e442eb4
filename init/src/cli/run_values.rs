//! Values of `run`'s options: bytes in, a value or a usage error out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use super::usage::{UsageError, wrong};
use crate::supervise::signals;

/// A year: more is a typing error, and deadlines stay far from overflow.
const LONGEST_GRACE: f64 = 31_536_000.0;

pub(super) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}

pub(super) fn grace(bytes: &[u8]) -> Result<Duration, UsageError> {
    let text = shown(bytes);
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse::<f64>() {
        Ok(seconds) if plain && seconds <= LONGEST_GRACE => Ok(Duration::from_secs_f64(seconds)),
        _ => wrong(format!(
            "'{text}' is not a number of seconds up to a year (3, 0.5)"
        )),
    }
}

pub(super) fn user(bytes: &[u8]) -> Result<Vec<u8>, UsageError> {
    if bytes.is_empty() {
        wrong("an empty user name")
    } else {
        Ok(bytes.to_vec())
    }
}

pub(super) fn rewrites(bytes: &[u8]) -> Result<Vec<(u8, u8)>, UsageError> {
    let what = "signals (TERM:QUIT; 0 drops; not from KILL, STOP, CHLD)";
    pairs(bytes, what, |from, to| {
        let from = signals::parse(from)
            .filter(|from| !matches!(*from, signals::KILL | signals::STOP | signals::CHLD))?;
        let to = if to == "0" { 0 } else { signals::parse(to)? };
        Some((from, to))
    })
}

pub(super) fn remaps(bytes: &[u8]) -> Result<Vec<(u8, u8)>, UsageError> {
    pairs(bytes, "exit statuses (143:0)", |from, to| {
        Some((signals::decimal(from)?, signals::decimal(to)?))
    })
}

/// `A:B,C:D`; an error if one of them is not a pair that `read` takes.
fn pairs(
    bytes: &[u8],
    what: &str,
    read: impl Fn(&str, &str) -> Option<(u8, u8)>,
) -> Result<Vec<(u8, u8)>, UsageError> {
    let text = shown(bytes);
    let pair = |pair: &str| {
        let (from, to) = pair.split_once(':')?;
        read(from.trim(), to.trim())
    };
    let pairs: Option<Vec<_>> = text.split(',').map(pair).collect();
    pairs.ok_or_else(|| UsageError(format!("'{text}' is not FROM:TO of {what}")))
}
