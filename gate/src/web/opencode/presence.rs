//! Counts what each person has open, and the time since they had nothing open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::lock::lock;
use crate::wire::User;

/// A fifth of all connections: nobody alone takes them all.
const MOST: usize = 200;

#[derive(Debug, Clone, Copy)]
struct OpenThings {
    open: usize,
    last: Instant,
}

/// Counts each person's requests, streams and terminals.
#[derive(Clone, Default)]
pub(crate) struct Presence {
    people: Arc<Mutex<HashMap<User, OpenThings>>>,
}

/// While it lives, its person is present.
pub(crate) struct Present {
    presence: Presence,
    user: User,
}

impl Presence {
    /// The person has one thing more open. Returns `None` if they have too many.
    pub(crate) fn enter(&self, user: &User) -> Option<Present> {
        let new = OpenThings {
            open: 0,
            last: Instant::now(),
        };
        let mut people = lock(&self.people);
        let traces = people.entry(user.clone()).or_insert(new);
        (traces.open < MOST).then_some(())?;
        traces.open += 1;
        Some(Present {
            presence: self.clone(),
            user: user.clone(),
        })
    }

    /// For how long the person has had nothing open; None while they have, or
    /// if they were never here.
    pub(crate) fn absent(&self, user: &User, now: Instant) -> Option<Duration> {
        let traces = *lock(&self.people).get(user)?;
        (traces.open == 0).then(|| now.saturating_duration_since(traces.last))
    }

    /// Forgets somebody who has nothing open.
    pub(crate) fn forget(&self, user: &User) {
        let mut people = lock(&self.people);
        if people.get(user).is_some_and(|traces| traces.open == 0) {
            people.remove(user);
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        if let Some(traces) = lock(&self.presence.people).get_mut(&self.user) {
            traces.open = traces.open.saturating_sub(1);
            traces.last = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_out_starts_the_clock() {
        let presence = Presence::default();
        let (alice, bob) = (User::cut("alice"), User::cut("bob"));
        let later = Instant::now() + Duration::from_secs(3600);
        assert_eq!(presence.absent(&alice, later), None, "never here");
        let one = presence.enter(&alice).unwrap();
        let two = presence.enter(&alice).unwrap();
        drop(one);
        presence.forget(&alice);
        assert_eq!(presence.absent(&alice, later), None, "still here");
        drop(two);
        let absent = presence.absent(&alice, later).unwrap();
        assert!(absent > Duration::from_secs(3590), "{absent:?}");
        assert_eq!(presence.absent(&bob, later), None);
        presence.forget(&alice);
        assert_eq!(presence.absent(&alice, later), None);
    }

    #[test]
    fn nobody_has_everything_open() {
        let presence = Presence::default();
        let alice = User::cut("alice");
        let mut open: Vec<_> = (0..MOST).map(|_| presence.enter(&alice)).collect();
        assert!(open.iter().all(Option::is_some) && presence.enter(&alice).is_none());
        assert!(presence.enter(&User::cut("bob")).is_some());
        open.pop();
        assert!(presence.enter(&alice).is_some());
    }
}
