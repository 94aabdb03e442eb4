//! The order in which attempts are asked of PAM: few at once, at most one per
//! source and one per account, so that a flood from one place starves nobody
//! elsewhere.

use std::collections::VecDeque;
use std::time::Duration;

use crate::monitor::login::rate_limit::{Account, Source};

/// PAM helpers at once.
pub(crate) const SLOTS: usize = 4;
/// Attempts that wait, of one source and in all.
const WAITING_PER_SOURCE: usize = 64;
const WAITING: usize = 256;

/// Attempts that run and wait; `T` is what an attempt carries.
pub(crate) struct LoginQueue<T> {
    running: Vec<(Source, Account)>,
    /// Sources that wait after a failure, and until when.
    held: Vec<(Source, Duration)>,
    waiting: VecDeque<Waiting<T>>,
}

struct Waiting<T> {
    source: Source,
    account: Account,
    attempt: T,
}

impl<T> Default for LoginQueue<T> {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            held: Vec::new(),
            waiting: VecDeque::new(),
        }
    }
}

impl<T> LoginQueue<T> {
    /// Lets an attempt wait; gives it back if too many do.
    pub(crate) fn push(&mut self, source: Source, account: Account, attempt: T) -> Result<(), T> {
        let same = self
            .waiting
            .iter()
            .filter(|waiting| waiting.source == source);
        if self.waiting.len() >= WAITING || same.count() >= WAITING_PER_SOURCE {
            return Err(attempt);
        }
        self.waiting.push_back(Waiting {
            source,
            account,
            attempt,
        });
        Ok(())
    }

    /// The next attempt that may run; it counts as running from now on.
    pub(crate) fn start_next(&mut self, now: Duration) -> Option<T> {
        if self.running.len() >= SLOTS {
            return None;
        }
        self.held.retain(|(_, until)| *until > now);
        let may_run = |waiting: &Waiting<T>| {
            let clashes = |(source, account): &(Source, Account)| {
                *source == waiting.source || *account == waiting.account
            };
            !self.running.iter().any(clashes)
                && !self
                    .held
                    .iter()
                    .any(|(source, _)| *source == waiting.source)
        };
        let at = self.waiting.iter().position(may_run)?;
        let next = self.waiting.remove(at)?;
        self.running.push((next.source, next.account));
        Some(next.attempt)
    }

    /// A running attempt is over; its source waits until then.
    pub(crate) fn ended(&mut self, source: Source, account: Account, held_until: Duration) {
        let at = self
            .running
            .iter()
            .position(|running| *running == (source, account));
        if let Some(at) = at {
            self.running.swap_remove(at);
            self.held.push((source, held_until));
        }
    }

    /// When a held source may go on, if anything waits.
    pub(crate) fn next_release(&self) -> Option<Duration> {
        (!self.waiting.is_empty()).then(|| self.held.iter().map(|(_, until)| *until).min())?
    }

    /// Drops what waits.
    pub(crate) fn clear_waiting(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests;
