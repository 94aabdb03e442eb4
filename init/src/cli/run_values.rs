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
    pairs(bytes, |from, to| {
        let from = signals::parse(from)?;
        let to = if to == "0" {
            Some(0)
        } else {
            signals::parse(to)
        };
        Some((from, to?))
            .filter(|(from, _)| !matches!(*from, signals::KILL | signals::STOP | signals::CHLD))
    })
    .ok_or_else(|| {
        UsageError(format!(
            "'{}' is not FROM:TO of signals (TERM:QUIT; 0 drops; not from KILL, STOP, CHLD)",
            shown(bytes)
        ))
    })
}

pub(super) fn remaps(bytes: &[u8]) -> Result<Vec<(u8, u8)>, UsageError> {
    pairs(bytes, |from, to| {
        Some((signals::decimal(from)?, signals::decimal(to)?))
    })
    .ok_or_else(|| {
        UsageError(format!(
            "'{}' is not FROM:TO of exit statuses (143:0)",
            shown(bytes)
        ))
    })
}

/// `A:B,C:D`; None when one of them is not a pair that `read` takes.
fn pairs(bytes: &[u8], read: impl Fn(&str, &str) -> Option<(u8, u8)>) -> Option<Vec<(u8, u8)>> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.split(',')
        .map(|pair| {
            pair.split_once(':')
                .and_then(|(from, to)| read(from.trim(), to.trim()))
        })
        .collect()
}
