//! Second steps that people began to turn on: each is its session's, for ten minutes, for a
//! few codes.

use std::collections::HashMap;
use std::time::Duration;

use super::key::Key;
use crate::wire::{Time, TokenHash};

/// From the key to the first code.
const TIME: Duration = Duration::from_secs(10 * 60);
/// Wrong codes for one key.
const MOST_CODES: u32 = 10;

struct Enrolment {
    session: TokenHash,
    key: Key,
    began: Duration,
    wrong: u32,
}

/// One of a person at most: another session that begins ends the first.
#[derive(Default)]
pub(crate) struct Enrolments(HashMap<String, Enrolment>);

/// The verdict on a code.
pub(super) enum Verdict {
    /// The key, and the step that its code is of.
    Right(Key, u64),
    Wrong,
    Over,
}

impl Enrolments {
    /// Begins one; `now` is the time since the start.
    pub(super) fn begin(&mut self, user: &str, session: TokenHash, key: Key, now: Duration) {
        self.expire(now);
        let enrolment = Enrolment {
            session,
            key,
            began: now,
            wrong: 0,
        };
        self.0.insert(user.to_owned(), enrolment);
    }

    /// Returns whether this session has begun one.
    pub(super) fn has(&self, user: &str, session: TokenHash, now: Duration) -> bool {
        let enrolment = self.0.get(user);
        enrolment.is_some_and(|begun| begun.is_of(session, now))
    }

    /// Takes a code; a right one ends it.
    pub(super) fn confirm(
        &mut self,
        user: &str,
        session: TokenHash,
        code: &[u8],
        now: Duration,
        time: Time,
    ) -> Verdict {
        let Some(begun) = self.0.get_mut(user) else {
            return Verdict::Over;
        };
        if !begun.is_of(session, now) {
            return Verdict::Over;
        }
        let right = begun.key.step_of(code, time);
        begun.wrong += u32::from(right.is_none());
        if right.is_none() && begun.wrong < MOST_CODES {
            return Verdict::Wrong;
        }
        match (self.0.remove(user), right) {
            (Some(begun), Some(step)) => Verdict::Right(begun.key, step),
            _ => Verdict::Over,
        }
    }

    /// Drops those that are too old.
    pub(crate) fn expire(&mut self, now: Duration) {
        self.0.retain(|_, begun| !begun.is_old(now));
    }
}

impl Enrolment {
    fn is_of(&self, session: TokenHash, now: Duration) -> bool {
        self.session == session && !self.is_old(now)
    }

    fn is_old(&self, now: Duration) -> bool {
        now.saturating_sub(self.began) >= TIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Token;

    fn session(number: u8) -> TokenHash {
        Token::new([number; 32]).hash()
    }

    #[test]
    fn one_is_of_its_session_and_ends() {
        let mut all = Enrolments::default();
        let at = Duration::from_secs;
        let over = |verdict| matches!(verdict, Verdict::Over);
        assert!(over(all.confirm("alice", session(1), b"", at(0), 0)));
        all.begin("alice", session(1), Key::make(), at(0));
        assert!(all.has("alice", session(1), at(599)));
        assert!(!all.has("alice", session(1), at(600)));
        assert!(over(all.confirm("alice", session(2), b"", at(0), 0)));
        assert!(over(all.confirm("bob", session(1), b"", at(0), 0)));
        assert!(over(all.confirm("alice", session(1), b"", at(600), 0)));
        // The second to begin has it.
        all.begin("alice", session(2), Key::make(), at(1));
        assert!(!all.has("alice", session(1), at(2)) && all.has("alice", session(2), at(2)));
        all.expire(at(601));
        assert!(all.0.is_empty());
    }

    #[test]
    fn few_codes_are_taken() {
        let mut all = Enrolments::default();
        let now = Duration::ZERO;
        all.begin("alice", session(1), Key::make(), now);
        for _ in 1..MOST_CODES {
            let verdict = all.confirm("alice", session(1), b"", now, 0);
            assert!(matches!(verdict, Verdict::Wrong));
        }
        let last = all.confirm("alice", session(1), b"", now, 0);
        assert!(matches!(last, Verdict::Over) && !all.has("alice", session(1), now));
    }
}
