//! How what a person runs is to end.

use tokio::sync::watch;

/// The way in which a process is told to end; it only ever gets harder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    No,
    Gently,
    AtOnce,
}

impl Stop {
    /// Tells a process to end in this way, unless it was told to end harder.
    pub(crate) fn tell(self, process: &watch::Sender<Self>) {
        process.send_if_modified(|told| {
            let is_harder = self > *told;
            *told = self.max(*told);
            is_harder
        });
    }
}
