//! How many opencodes come up at once. Twenty together would all be slow, and the last of
//! them too slow.

use std::cell::Cell;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// From the start, once it is its turn, to the line that tells the port. opencode needs 2 s
/// on an idle machine; killed on a busy one, it would begin again where time is scarcest.
const PATIENCE: Duration = Duration::from_secs(180);
/// The time that each other start under way adds.
const PATIENCE_FOR_EACH: Duration = Duration::from_secs(20);
/// The longest that a start keeps others from starting; it goes on after that.
const TURN: Duration = Duration::from_secs(15);

#[derive(Clone)]
pub(crate) struct StartLimit {
    turns: Arc<Semaphore>,
    /// Those that have begun and are not ready.
    coming_up: Rc<Cell<u32>>,
}

/// A start under way. Dropped, it is over.
pub(crate) struct Turn {
    _held: oneshot::Sender<()>,
    coming_up: Rc<Cell<u32>>,
}

impl StartLimit {
    /// Two for each processor, which keeps this machine busy.
    pub(crate) fn of_this_machine() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self {
            turns: Arc::new(Semaphore::new(2 * cores)),
            coming_up: Rc::default(),
        }
    }

    /// Waits for a turn: first come, first served. After [`TURN`] the next may start as
    /// well, so that those who hang hold nobody up.
    pub(crate) async fn take(&self) -> Option<Turn> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        let (held, dropped) = oneshot::channel();
        tokio::task::spawn_local(async move {
            let _turn = turn;
            let _ = timeout(TURN, dropped).await;
        });
        self.coming_up.update(|count| count + 1);
        Some(Turn {
            _held: held,
            coming_up: Rc::clone(&self.coming_up),
        })
    }

    /// How many more could start now.
    pub(crate) fn room(&self) -> u32 {
        u32::try_from(self.turns.available_permits()).unwrap_or(u32::MAX)
    }

    /// How long a start may take that begins now.
    pub(crate) fn patience(&self) -> Duration {
        let others = self.coming_up.get().saturating_sub(1);
        PATIENCE + PATIENCE_FOR_EACH * others
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.coming_up.update(|count| count - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_grows_with_those_who_come_up() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let limit = StartLimit::of_this_machine();
            let first = limit.take().await;
            assert_eq!(limit.patience(), PATIENCE);
            let second = limit.take().await;
            assert_eq!(limit.patience(), PATIENCE + PATIENCE_FOR_EACH);
            drop(first);
            assert_eq!(limit.patience(), PATIENCE);
            drop(second);
        });
    }
}
