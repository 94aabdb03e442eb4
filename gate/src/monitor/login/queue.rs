//! Whose attempt is asked of PAM next: few at once, at most one per source and
//! one per account, so that a flood from one place starves nobody elsewhere.

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
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::monitor::login::rate_limit::AddressBlock;

    const NOW: Duration = Duration::from_secs(1);

    fn source(number: u8) -> Source {
        Source::Address(AddressBlock::of(IpAddr::from([192, 0, 2, number])))
    }

    fn account(name: &str) -> Account {
        Account::named(name)
    }

    #[test]
    fn one_per_source_and_account_four_in_all() {
        let mut lanes = LoginQueue::default();
        for (number, (from, name)) in [
            (1, "a"),
            (1, "b"),
            (2, "a"),
            (2, "c"),
            (3, "d"),
            (4, "e"),
            (5, "f"),
        ]
        .into_iter()
        .enumerate()
        {
            lanes.push(source(from), account(name), number).unwrap();
        }
        let started: Vec<usize> = std::iter::from_fn(|| lanes.start_next(NOW)).collect();
        assert_eq!(started, [0, 3, 4, 5]);
        lanes.ended(source(1), account("a"), NOW);
        assert_eq!(lanes.start_next(NOW), Some(1));
        lanes.ended(source(2), account("c"), NOW);
        assert_eq!(
            lanes.start_next(NOW),
            Some(2),
            "alice's account is free again"
        );
    }

    #[test]
    fn a_flood_from_one_source_starves_nobody_elsewhere() {
        let mut lanes = LoginQueue::default();
        let mut taken = 0;
        while lanes
            .push(source(1), account(&taken.to_string()), 0)
            .is_ok()
        {
            taken += 1;
        }
        assert_eq!(taken, WAITING_PER_SOURCE);
        lanes.push(source(2), account("bob"), 7).unwrap();
        assert_eq!(lanes.start_next(NOW), Some(0));
        assert_eq!(lanes.start_next(NOW), Some(7));
        assert_eq!(lanes.start_next(NOW), None);
    }

    #[test]
    fn a_held_source_waits_and_others_do_not() {
        let mut lanes = LoginQueue::default();
        for (from, name) in [(1, "a"), (1, "b"), (2, "c")] {
            lanes.push(source(from), account(name), name).unwrap();
        }
        assert_eq!(lanes.start_next(NOW), Some("a"));
        lanes.ended(source(1), account("a"), NOW * 5);
        assert_eq!(lanes.start_next(NOW), Some("c"));
        assert_eq!(lanes.start_next(NOW), None);
        assert_eq!(lanes.next_release(), Some(NOW * 5));
        assert_eq!(lanes.start_next(NOW * 5), Some("b"));
        assert_eq!(lanes.next_release(), None);
    }

    #[test]
    fn never_more_wait_than_fit() {
        let mut lanes = LoginQueue::default();
        let pushed = (0..=255).flat_map(|from| (0..4).map(move |n| (from, n)));
        let taken = pushed.filter(|(from, n)| {
            lanes
                .push(source(*from), account(&n.to_string()), ())
                .is_ok()
        });
        assert_eq!(taken.count(), WAITING);
    }
}
