//! Waiting for a condition, never for a time; and how long at most. These are the
//! only time limits of these tests: a busy machine meets them all.

use std::time::{Duration, Instant};

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(2);
/// Only a failure waits that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// A busy machine takes so many times as long as a quiet one.
pub(crate) const BUSY: u32 = 10;
/// How long a change may take to arrive wherever it belongs; 2 s when it is quiet.
pub(crate) const SOON: Duration = Duration::from_secs(2).saturating_mul(BUSY);

/// Waits for a condition, for [`PATIENCE`] at most.
#[track_caller]
pub(crate) fn until(what: &str, condition: impl FnMut() -> bool) {
    within(PATIENCE, what, String::new, condition);
}

/// Waits for a condition; how long it took. A failure shows `context` as well.
#[track_caller]
pub(crate) fn within(
    limit: Duration,
    what: &str,
    context: impl Fn() -> String,
    mut condition: impl FnMut() -> bool,
) -> Duration {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < limit,
            "waited {limit:?} in vain until {what}\n{}",
            context()
        );
        std::thread::sleep(LOOK);
    }
    start.elapsed()
}

/// Checks that a condition holds for all of a time.
#[track_caller]
pub(crate) fn stays(what: &str, long: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while start.elapsed() < long {
        assert!(condition(), "no longer after {:?}: {what}", start.elapsed());
        std::thread::sleep(LOOK);
    }
}
