//! Shared by the tests of both halves: the fake opencode, and waiting. Part of no
//! program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a failed expectation is what tests are for"
)]

pub mod authenticator;
pub mod damage;
pub mod hostile;
pub mod opencode;
pub mod turns;

use std::thread;
use std::time::{Duration, Instant};

/// Far longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a condition; panics when it does not come true.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
