//! Secrets that were made a moment ago (access tokens, keys of second steps, scratch codes),
//! until the page that follows has shown them.
//! They wait here, not in a cookie: a cookie goes to every port of this host.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::lock::lock;
use crate::wire::TokenHash;

/// A browser follows a redirect at once.
const TIME: Duration = Duration::from_secs(120);
/// Most that wait; beyond that the oldest goes, and its person makes another one.
const MOST: usize = 64;

/// New secrets by the session in which they were made.
pub(crate) struct Issued<T>(Mutex<VecDeque<(Instant, TokenHash, T)>>);

impl<T> Default for Issued<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Issued<T> {
    pub(super) fn put(&self, session: TokenHash, secret: T, now: Instant) {
        let mut all = lock(&self.0);
        all.retain(|(made, ..)| now.saturating_duration_since(*made) < TIME);
        if all.len() >= MOST {
            all.pop_front();
        }
        all.push_back((now, session, secret));
    }

    /// Takes the latest of a session; nobody gets it again.
    pub(super) fn take(&self, session: TokenHash, now: Instant) -> Option<T> {
        let mut all = lock(&self.0);
        all.retain(|(made, ..)| now.saturating_duration_since(*made) < TIME);
        let at = all.iter().rposition(|(_, whose, _)| *whose == session)?;
        all.remove(at).map(|(_, _, secret)| secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{AccessToken, Token};

    #[test]
    fn one_is_taken_once_by_its_session_and_soon() {
        let issued = Issued::default();
        let session = |number: u8| Token::new([number; 32]).hash();
        let start = Instant::now();
        issued.put(session(1), AccessToken::new([1; 32]), start);
        issued.put(session(1), AccessToken::new([2; 32]), start);
        assert!(issued.take(session(2), start).is_none());
        let taken = issued.take(session(1), start);
        assert_eq!(taken, Some(AccessToken::new([2; 32])));
        let late = start + TIME;
        assert!(issued.take(session(1), late).is_none());
        for number in 0..=100 {
            issued.put(session(number), AccessToken::new([number; 32]), start);
        }
        assert!(issued.take(session(0), start).is_none(), "there is an end");
        assert!(issued.take(session(100), start).is_some());
        assert!(issued.take(session(100), start).is_none(), "once");
    }
}
