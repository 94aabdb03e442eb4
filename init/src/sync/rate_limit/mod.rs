//! When the next restore starts: at most one at a time, one a second, and everything that
//! happens meanwhile becomes one further restore. Pure: the time is an argument.

use std::time::{Duration, Instant};

/// From one start to the next.
const BETWEEN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct RateLimit {
    is_requested: bool,
    is_running: bool,
    started: Option<Instant>,
}

impl RateLimit {
    /// Something changed that no restore has seen.
    pub(crate) fn request(&mut self) {
        self.is_requested = true;
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.is_requested
    }

    pub(crate) fn is_running(&self) -> bool {
        self.is_running
    }

    /// A requested restore no longer waits for its second.
    pub(crate) fn skip_delay(&mut self) {
        self.started = None;
    }

    /// The time until a restore is to start. `None`: none is, and no timer is needed.
    pub(crate) fn next_start(&self, now: Instant) -> Option<Duration> {
        if !self.is_requested || self.is_running {
            return None;
        }
        let at = self.started.map_or(now, |started| started + BETWEEN);
        Some(at.saturating_duration_since(now))
    }

    /// A restore starts, which sees all that changed until now.
    pub(crate) fn start(&mut self, now: Instant) {
        *self = Self {
            is_requested: false,
            is_running: true,
            started: Some(now),
        };
    }

    pub(crate) fn end(&mut self) {
        self.is_running = false;
    }
}

#[cfg(test)]
mod tests;
