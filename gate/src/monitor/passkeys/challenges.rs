//! The challenges that are open: each is good once, for two minutes, for whoever shows the
//! token of its name. There are at most so many, of one address and of all; the oldest goes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::wire::{CHALLENGE_SECONDS, TokenHash};

const GOOD_FOR: Duration = Duration::from_secs(CHALLENGE_SECONDS);
/// Challenges of one address, which is everybody's behind a published port.
const PER_SOURCE: usize = 512;
const ALL: usize = 2048;

/// Open challenges, the oldest first; `S` is who asked, `T` what a challenge carries.
pub(super) struct Challenges<S, T>(VecDeque<Open<S, T>>);

struct Open<S, T> {
    name: TokenHash,
    source: S,
    what: T,
    since: Duration,
}

impl<S, T> Default for Challenges<S, T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<S: Eq, T> Challenges<S, T> {
    /// Opens one; `now` is the time since the start.
    pub(super) fn open(&mut self, name: TokenHash, source: S, what: T, now: Duration) {
        self.0.retain(|open| !open.is_old(now));
        let is_own = |open: &Open<S, T>| open.source == source;
        let own = self.0.iter().filter(|open| is_own(open)).count();
        let oldest = if own >= PER_SOURCE {
            self.0.iter().position(is_own)
        } else {
            (self.0.len() >= ALL).then_some(0)
        };
        if let Some(oldest) = oldest {
            self.0.remove(oldest);
        }
        self.0.push_back(Open {
            name,
            source,
            what,
            since: now,
        });
    }

    /// Takes one: whatever comes of it, it is used.
    pub(super) fn take(&mut self, name: TokenHash, now: Duration) -> Option<T> {
        let at = self.0.iter().position(|open| open.name == name)?;
        let open = self.0.remove(at)?;
        (!open.is_old(now)).then_some(open.what)
    }
}

impl<S, T> Open<S, T> {
    fn is_old(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) >= GOOD_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Token;

    fn name(number: usize) -> TokenHash {
        Token::new(std::array::from_fn(|at| number.to_le_bytes()[at % 8])).hash()
    }

    #[test]
    fn each_is_good_once_and_for_two_minutes() {
        let mut challenges = Challenges::default();
        let at = Duration::from_secs;
        challenges.open(name(1), 'a', "one", at(10));
        challenges.open(name(2), 'a', "two", at(10));
        assert_eq!(challenges.take(name(3), at(11)), None);
        assert_eq!(challenges.take(name(1), at(129)), Some("one"));
        assert_eq!(challenges.take(name(1), at(129)), None, "used");
        assert_eq!(challenges.take(name(2), at(130)), None, "too old");
        assert_eq!(challenges.take(name(2), at(11)), None, "that was its use");
    }

    #[test]
    fn a_flood_pushes_out_its_own_first() {
        let mut challenges = Challenges::default();
        let now = Duration::from_secs(1);
        challenges.open(name(0), 'a', 0, now);
        for number in 1..=10_000 {
            challenges.open(name(number), 'b', number, now);
        }
        assert_eq!(challenges.0.len(), PER_SOURCE + 1);
        assert_eq!(challenges.take(name(0), now), Some(0));
        assert_eq!(challenges.take(name(9_000), now), None);
        assert_eq!(challenges.take(name(10_000), now), Some(10_000));
    }

    #[test]
    fn there_are_never_more_than_all() {
        let mut challenges = Challenges::default();
        for number in 0..10_000 {
            challenges.open(name(number), number, number, Duration::ZERO);
        }
        assert_eq!(challenges.0.len(), ALL);
        let later = Duration::from_secs(CHALLENGE_SECONDS);
        challenges.open(name(0), 0, 0, later);
        assert_eq!(challenges.0.len(), 1, "those of the past are gone");
    }
}
