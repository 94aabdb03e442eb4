//! The clock, as the wire counts. The only reader of it.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::wire::Time;

/// Seconds since 1970.
pub(crate) fn now() -> Time {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}
