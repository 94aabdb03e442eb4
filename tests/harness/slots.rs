//! How many tests have a container at a time, and that one that measures time
//! is alone.

use std::sync::{Condvar, Mutex, PoisonError};

/// Tests at a time, whatever `--test-threads` says.
const MOST: usize = 4;

#[derive(Default)]
struct State {
    running: usize,
    alone: bool,
    waiting_alone: usize,
}

static STATE: Mutex<State> = Mutex::new(State {
    running: 0,
    alone: false,
    waiting_alone: 0,
});
static CHANGED: Condvar = Condvar::new();

/// The right to run, until it is dropped.
pub(crate) struct Slot(());

impl Slot {
    /// Beside others.
    pub(crate) fn shared() -> Self {
        let state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        let busy =
            |state: &mut State| state.alone || state.waiting_alone > 0 || state.running >= MOST;
        let mut state = CHANGED
            .wait_while(state, busy)
            .unwrap_or_else(PoisonError::into_inner);
        state.running += 1;
        Self(())
    }

    /// With nobody else at work.
    pub(crate) fn alone() -> Self {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        state.waiting_alone += 1;
        let mut state = CHANGED
            .wait_while(state, |state| state.running > 0)
            .unwrap_or_else(PoisonError::into_inner);
        state.waiting_alone -= 1;
        state.alone = true;
        state.running = 1;
        Self(())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        state.running -= 1;
        state.alone = false;
        CHANGED.notify_all();
    }
}
