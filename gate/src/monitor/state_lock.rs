//! One monitor at a time has /var/lib/occ-gate. Two would overwrite each other's sessions and
//! bring back tokens that were revoked, so the second one waits: Kubernetes starts a pod while
//! the last one is still stopping. Decides nothing about what is in the directory.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::interval;

use super::cause;
use super::event::Event;
use crate::log;

const LOCK: &str = "/var/lib/occ-gate/.lock";
/// How often is looked whether the other one has ended.
const RETRY: Duration = Duration::from_millis(100);

/// The directory is this monitor's until this is dropped.
#[must_use]
pub(super) struct StateLock(#[expect(dead_code, reason = "held, not used")] Option<File>);

/// Waits until no other monitor has the directory, which is then this one's for as long as this
/// lives. `None`: told to stop meanwhile. A volume that can't be locked, because it is read-only
/// or full, shuts nobody out.
pub(super) async fn wait(events: &mut mpsc::Receiver<Event>) -> Option<StateLock> {
    let file = match open() {
        Ok(file) => file,
        Err(error) => return Some(unlocked(&error)),
    };
    let mut retry = interval(RETRY);
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(StateLock(Some(file))),
            Err(TryLockError::Error(error)) => return Some(unlocked(&error)),
            Err(TryLockError::WouldBlock) if is_told => {}
            Err(TryLockError::WouldBlock) => {
                is_told = true;
                log::line("another login has '/var/lib/occ-gate': waiting until it ends");
            }
        }
        tokio::select! {
            _ = retry.tick() => {}
            // Any other event is about what is read once this ends.
            event = events.recv() => if let Some(Event::Stop) | None = event { return None },
        }
    }
}

fn open() -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(LOCK)
}

fn unlocked(error: &io::Error) -> StateLock {
    log::line(&format!(
        "cannot lock '{LOCK}': {}; let no other container use that volume",
        cause(error)
    ));
    StateLock(None)
}
