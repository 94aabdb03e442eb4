//! Orphans that end one after the other. Each wakes us, which costs several times
//! what reaping it does; so where many come in a row, the next ones are left to wait
//! for each other a moment. Knows times and nobody.

use std::time::{Duration, Instant};

/// What comes within this time of the last one comes in a row with it.
const CLOSE: Duration = Duration::from_millis(1);
/// So many in a row are a crowd.
const MANY: u32 = 16;
/// How long the next ones may wait, and COMMAND's own end among them.
const PAUSE: Duration = Duration::from_millis(4);

/// How close together they come.
#[derive(Default)]
pub(crate) struct Crowd {
    /// When we began to wait for the next one.
    last: Option<Instant>,
    in_a_row: u32,
}

impl Crowd {
    /// Somebody was reaped. Returns how long to let others come.
    pub(crate) fn came(&mut self, now: Instant) -> Option<Duration> {
        let waited = self.last.map(|last| now.saturating_duration_since(last));
        let is_close = waited.is_some_and(|waited| waited <= CLOSE);
        self.in_a_row = if is_close {
            self.in_a_row.saturating_add(1)
        } else {
            0
        };
        let pause = (self.in_a_row >= MANY).then_some(PAUSE);
        self.last = now.checked_add(pause.unwrap_or_default());
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_reaped_at_once() {
        let (mut crowd, mut now) = (Crowd::default(), Instant::now());
        for _ in 0..MANY {
            assert_eq!(crowd.came(now), None);
            now += CLOSE;
        }
    }

    #[test]
    fn who_comes_now_and_then_is_no_crowd() {
        let (mut crowd, mut now) = (Crowd::default(), Instant::now());
        for _ in 0..10 * MANY {
            assert_eq!(crowd.came(now), None);
            now += CLOSE * 2;
        }
    }

    #[test]
    fn a_crowd_is_let_come_until_it_ends() {
        let (mut crowd, mut now) = (Crowd::default(), Instant::now());
        let mut pauses = 0;
        for _ in 0..3 * MANY {
            let pause = crowd.came(now).unwrap_or_default();
            pauses += u32::from(!pause.is_zero());
            now += pause + CLOSE / 2;
        }
        assert_eq!(pauses, 2 * MANY);
        now += CLOSE;
        assert_eq!(crowd.came(now), None, "it has ended");
    }
}
