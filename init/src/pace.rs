//! When the next run of the watch starts: at most one at a time, one a second,
//! and whatever happens meanwhile becomes one further run. Pure: it is told the
//! time, and has none of its own.

use std::time::{Duration, Instant};

/// From one start to the next.
const BETWEEN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Pace {
    is_wanted: bool,
    is_running: bool,
    started: Option<Instant>,
}

impl Pace {
    /// Something changed that no run has seen.
    pub(crate) fn want(&mut self) {
        self.is_wanted = true;
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted
    }

    pub(crate) fn is_running(&self) -> bool {
        self.is_running
    }

    /// What is wanted must not wait for its second: we are told to end.
    pub(crate) fn hurry(&mut self) {
        self.started = None;
    }

    /// How long until a run is to start; None: none is, and no timer is needed.
    pub(crate) fn due(&self, now: Instant) -> Option<Duration> {
        if !self.is_wanted || self.is_running {
            return None;
        }
        let at = self.started.map_or(now, |started| started + BETWEEN);
        Some(at.saturating_duration_since(now))
    }

    /// A run starts, which sees all that changed until now.
    pub(crate) fn start(&mut self, now: Instant) {
        *self = Self {
            is_wanted: false,
            is_running: true,
            started: Some(now),
        };
    }

    pub(crate) fn end(&mut self) {
        self.is_running = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOMENT: Duration = Duration::from_millis(200);

    #[test]
    fn at_rest_nothing_is_due() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.due(now), None);
        pace.want();
        assert_eq!(pace.due(now), Some(Duration::ZERO));
        pace.start(now);
        pace.end();
        assert_eq!(pace.due(now + BETWEEN), None);
    }

    #[test]
    fn many_changes_are_one_further_run_a_second_after_the_last() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.want();
        pace.start(now);
        for _ in 0..200 {
            pace.want();
        }
        assert_eq!(pace.due(now + MOMENT), None, "one at a time");
        pace.end();
        assert_eq!(pace.due(now + MOMENT), Some(BETWEEN.saturating_sub(MOMENT)));
        assert_eq!(pace.due(now + BETWEEN), Some(Duration::ZERO));
        pace.start(now + BETWEEN);
        pace.end();
        assert_eq!(pace.due(now + BETWEEN * 2), None);
    }

    #[test]
    fn who_must_hurry_waits_for_the_run_but_not_for_the_second() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.start(now);
        pace.want();
        pace.hurry();
        assert_eq!(pace.due(now), None);
        pace.end();
        assert_eq!(pace.due(now), Some(Duration::ZERO));
        assert!(pace.is_wanted());
    }
}
