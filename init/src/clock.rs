//! The time of day.

use std::time::{SystemTime, UNIX_EPOCH};

use accounts::account::whole_days;

/// Days since 1970, as shadow(5) counts them.
pub(crate) fn today() -> u32 {
    whole_days(now_usec())
}

/// Microseconds since 1970.
pub(crate) fn now_usec() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}
