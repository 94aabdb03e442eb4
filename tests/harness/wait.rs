//! Waiting for a condition, never for a time; and how long at most. These are the
//! only time limits of the tests: a busy machine meets them all.

use std::time::{Duration, Instant};

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);
/// Only a failure waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);
/// For builds, and for images of 400 MB that move between engines.
pub(crate) const BUILD: Duration = Duration::from_secs(1800);
/// A busy machine takes so many times as long as a quiet one.
const BUSY: u32 = 10;

/// The limit for what takes `quiet` at most on a quiet machine.
pub(crate) const fn bar(quiet: Duration) -> Duration {
    quiet.saturating_mul(BUSY)
}

/// How long a change may take to arrive wherever it is to be seen; 2 s when it is quiet.
const SOON: Duration = bar(Duration::from_secs(2));

/// The first `Some`; panics with `what` when [`PATIENCE`] is over.
#[track_caller]
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// The first `Some` of something that has to come soon.
#[track_caller]
pub(crate) fn soon<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(SOON, what, look)
}

#[track_caller]
fn within<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < limit,
            "waited {limit:?} in vain: {what}"
        );
        std::thread::sleep(LOOK);
    }
}
