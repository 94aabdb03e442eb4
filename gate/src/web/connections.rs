//! The places that open connections take, websockets included. When all are taken, the
//! connection that has been at rest for longest is cut. At rest is one with an unfinished
//! head, form or login, or with no request since its last answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::lock::lock;

/// Places besides, for connections from this container: health checks come from there.
const RESERVE: usize = 8;
/// Connections that wait for a place; one more is closed.
const WAITING: usize = 128;

/// All connections.
pub(super) struct Connections {
    most: usize,
    open: Mutex<Open>,
    /// One has ended, or may be cut.
    changed: Notify,
    waiting: Semaphore,
}

#[derive(Default)]
struct Open {
    next: u64,
    all: HashMap<u64, Entry>,
}

struct Entry {
    /// How many requests and answers are under way.
    busy: usize,
    rests_since: Instant,
    cut: CancellationToken,
}

/// A connection's place, until its last clone is dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    number: u64,
    /// Cancelled when somebody else gets the place.
    pub(super) cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            open: Mutex::default(),
            changed: Notify::new(),
            waiting: Semaphore::new(WAITING),
        })
    }

    /// Returns a place if one is free, or if a connection at rest can be cut for it.
    pub(super) fn enter(self: &Arc<Self>, is_own: impl FnOnce() -> bool) -> Option<Arc<Place>> {
        let mut open = lock(&self.open);
        if open.all.len() >= self.most && !open.cut_longest_at_rest() {
            let has_reserve = open.all.len() < self.most + RESERVE;
            (has_reserve && is_own()).then_some(())?;
        }
        let (number, cut) = (open.next, CancellationToken::new());
        open.next += 1;
        let entry = Entry {
            busy: 0,
            rests_since: Instant::now(),
            cut: cut.clone(),
        };
        open.all.insert(number, entry);
        Some(Arc::new(Place {
            connections: Arc::clone(self),
            number,
            cut,
        }))
    }

    /// Waits for a place. Returns `None` if too many do.
    pub(super) async fn wait(self: &Arc<Self>) -> Option<Arc<Place>> {
        let _turn = self.waiting.try_acquire().ok()?;
        loop {
            let changed = self.changed.notified();
            if let Some(place) = self.enter(|| false) {
                return Some(place);
            }
            changed.await;
        }
    }

    /// Waits until none is open.
    pub(super) async fn all_ended(&self) {
        loop {
            let changed = self.changed.notified();
            if lock(&self.open).all.is_empty() {
                return;
            }
            changed.await;
        }
    }
}

impl Open {
    fn cut_longest_at_rest(&mut self) -> bool {
        let resting = self.all.iter().filter(|(_, entry)| entry.busy == 0);
        let longest = resting.min_by_key(|(_, entry)| entry.rests_since);
        let number = longest.map(|(number, _)| *number);
        let cut = number.and_then(|number| self.all.remove(&number));
        cut.map(|entry| entry.cut.cancel()).is_some()
    }
}

impl Place {
    /// A request or an answer is under way until the value is dropped.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.change(|busy| busy + 1);
        Busy(Arc::clone(self))
    }

    /// The request under way is unfinished, or a stranger's login, until the value is
    /// dropped: it counts as at rest.
    pub(crate) fn unfinished(self: &Arc<Self>) -> Unfinished {
        self.change(|busy| busy.saturating_sub(1));
        Unfinished(Arc::clone(self))
    }

    fn change(&self, count: impl FnOnce(usize) -> usize) {
        if let Some(entry) = self.open().all.get_mut(&self.number) {
            entry.busy = count(entry.busy);
            if entry.busy == 0 {
                entry.rests_since = Instant::now();
                self.connections.changed.notify_waiters();
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        lock(&self.connections.open)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open().all.remove(&self.number);
        self.connections.changed.notify_waiters();
    }
}

/// See [`Place::busy`].
pub(crate) struct Busy(Arc<Place>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.change(|busy| busy.saturating_sub(1));
    }
}

/// See [`Place::unfinished`].
pub(crate) struct Unfinished(Arc<Place>);

impl Drop for Unfinished {
    fn drop(&mut self) {
        self.0.change(|busy| busy + 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn never() -> bool {
        false
    }

    #[test]
    fn the_longest_at_rest_makes_room() {
        let connections = Connections::new(3);
        let [first, second, third] = std::array::from_fn(|_| connections.enter(never).unwrap());
        let answers = first.busy();
        drop(second.busy());
        let fourth = connections.enter(never).unwrap();
        let cut = [&first, &second, &third].map(|place| place.cut.is_cancelled());
        assert_eq!(cut, [false, false, true], "the second was used since");
        let (_second, _fourth) = (second.busy(), fourth.busy());
        assert!(connections.enter(never).is_none(), "all are at work");
        // A form of which the end is missing.
        let unfinished = first.unfinished();
        assert!(connections.enter(never).is_some());
        assert!(first.cut.is_cancelled());
        drop((unfinished, answers, first, third));
        assert!(connections.enter(never).is_some());
    }

    #[test]
    fn an_unfinished_thing_makes_room_for_one_that_waits() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let connections = Connections::new(1);
            let first = connections.enter(never).unwrap();
            let _busy = first.busy();
            let unfinished = async {
                // The other one waits by now: it was polled first.
                let _unfinished = first.unfinished();
                first.cut.cancelled().await;
            };
            let both = async { tokio::join!(biased; connections.wait(), unfinished) };
            let (place, ()) = timeout(Duration::from_secs(60), both).await.unwrap();
            assert!(place.is_some());
        });
    }

    #[test]
    fn a_few_places_are_this_containers() {
        let connections = Connections::new(2);
        let mut busy: Vec<_> = (0..2)
            .map(|_| connections.enter(never).unwrap().busy())
            .collect();
        assert!(connections.enter(never).is_none());
        for _ in 0..RESERVE {
            busy.push(connections.enter(|| true).unwrap().busy());
        }
        assert!(connections.enter(|| true).is_none());
        busy.truncate(2 + RESERVE - 1);
        assert!(connections.enter(|| true).is_some());
    }
}
