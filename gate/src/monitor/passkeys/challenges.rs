//! The challenges that are open: each is good once, for two minutes, and names who may use
//! it by a digest. There are at most so many, of one address and of all; the oldest goes.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::wire::{CHALLENGE_SECONDS, TokenHash};

const GOOD_FOR: Duration = Duration::from_secs(CHALLENGE_SECONDS);
/// Challenges of one address, which is everybody's behind a published port.
const PER_SOURCE: usize = 512;
const ALL: usize = 2048;

/// Open challenges; `S` is who asked, `T` what a challenge carries.
pub(super) struct Challenges<S, T> {
    open: HashMap<TokenHash, Open<S, T>>,
    count: u64,
}

struct Open<S, T> {
    source: S,
    what: T,
    since: Duration,
    number: u64,
}

impl<S, T> Default for Challenges<S, T> {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
            count: 0,
        }
    }
}

impl<S: Copy + Eq + Hash, T> Challenges<S, T> {
    /// Opens one; `now` is the time since the start.
    pub(super) fn open(&mut self, name: TokenHash, source: S, what: T, now: Duration) {
        self.open
            .retain(|_, open| now.saturating_sub(open.since) < GOOD_FOR);
        let is_same = |open: &&Open<S, T>| open.source == source;
        if self.open.values().filter(is_same).count() >= PER_SOURCE {
            self.drop_oldest(|open| open.source == source);
        } else if self.open.len() >= ALL {
            self.drop_oldest(|_| true);
        }
        self.count += 1;
        let open = Open {
            source,
            what,
            since: now,
            number: self.count,
        };
        self.open.insert(name, open);
    }

    /// Takes one: whatever comes of it, it is used.
    pub(super) fn take(&mut self, name: TokenHash, now: Duration) -> Option<T> {
        let open = self.open.remove(&name)?;
        (now.saturating_sub(open.since) < GOOD_FOR).then_some(open.what)
    }

    fn drop_oldest(&mut self, is_meant: impl Fn(&Open<S, T>) -> bool) {
        let meant = self.open.iter().filter(|(_, open)| is_meant(open));
        let oldest = meant.min_by_key(|(_, open)| open.number);
        if let Some(name) = oldest.map(|(name, _)| *name) {
            self.open.remove(&name);
        }
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
        assert_eq!(challenges.open.len(), PER_SOURCE + 1);
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
        assert_eq!(challenges.open.len(), ALL);
        let later = Duration::from_secs(CHALLENGE_SECONDS);
        challenges.open(name(0), 0, 0, later);
        assert_eq!(challenges.open.len(), 1, "those of the past are gone");
    }
}
