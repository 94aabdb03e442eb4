//! Tests side by side, and those alone that measure time: a login's password hash takes a
//! processor for a while, and so would those of other tests.

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURNS: RwLock<()> = RwLock::new(());

thread_local! {
    /// Of the test that this thread runs, to its end.
    static TURN: RefCell<Option<Turn>> = const { RefCell::new(None) };
}

/// Held, never read.
#[expect(dead_code, reason = "it is its drop that counts")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// This test runs beside others, unless it is [`alone`] already.
pub fn shared() {
    take(|| Turn::Shared(TURNS.read().unwrap_or_else(PoisonError::into_inner)));
}

/// No other test of this program runs until this one has ended: for one that measures time.
/// Comes first in it, and panics where it does not.
pub fn alone() {
    let is_shared = TURN.with_borrow(|mine| matches!(mine, Some(Turn::Shared(_))));
    assert!(!is_shared, "this test runs beside others already");
    take(|| Turn::Alone(TURNS.write().unwrap_or_else(PoisonError::into_inner)));
}

fn take(turn: impl FnOnce() -> Turn) {
    TURN.with_borrow_mut(|mine| {
        mine.get_or_insert_with(turn);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn whoever_is_alone_has_nobody_beside_them() {
        let running = AtomicUsize::new(0);
        thread::scope(|scope| {
            for number in 0..40 {
                let running = &running;
                scope.spawn(move || {
                    let is_alone = number % 4 == 0;
                    if is_alone {
                        alone();
                    } else {
                        shared();
                    }
                    let before = running.fetch_add(1, Ordering::SeqCst);
                    assert!(!is_alone || before == 0, "{before} others run");
                    thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
    }

    #[test]
    fn alone_comes_first() {
        let ended = thread::spawn(|| {
            shared();
            alone();
        });
        assert!(ended.join().is_err());
    }

    #[test]
    fn a_second_turn_of_one_test_waits_for_nothing() {
        thread::scope(|scope| {
            scope.spawn(|| {
                alone();
                shared();
                alone();
            });
        });
    }
}
