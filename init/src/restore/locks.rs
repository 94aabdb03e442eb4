//! Takes both locks: how long each caller waits for them, and which callers go on without.

use super::Paths;
use super::session::Caller;
use crate::error::{Error, chain};
use crate::etc::EtcFiles;
use crate::etc::lock::{EtcLock, clean_stale};
use crate::fs::ofd_lock::Deadline;
use crate::log::say;
use crate::proc;
use crate::store::Store;
use crate::store::lock::StoreLock;
use accounts::record::Records;
use std::time::Duration;

pub(crate) fn deadline(caller: Caller) -> Deadline {
    Deadline::after(match caller {
        Caller::Boot => Duration::from_secs(2),
        Caller::Command | Caller::Follow => Duration::from_secs(15),
    })
}

/// Returns `None` if the store may only be read.
pub(super) fn lock_store(
    store: &Store,
    paths: &Paths,
    caller: Caller,
) -> Result<Option<StoreLock>, Error> {
    match StoreLock::acquire(&store.directory, deadline(caller)) {
        Ok(lock) => Ok(Some(lock)),
        Err(Error::NoLocks { .. }) if paths.without_lock => Ok(Some(StoreLock::waived())),
        // Said at boot; the same at every change since would be noise.
        Err(Error::NoLocks { .. }) if caller == Caller::Follow => Ok(None),
        Err(error) if caller == Caller::Boot => {
            say(&format!("{}; going on without the lock", chain(&error)));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn lock_etc(
    etc_files: &EtcFiles,
    records: &Records,
    caller: Caller,
) -> Result<EtcLock, Error> {
    let etc = &etc_files.directory;
    if caller == Caller::Boot && proc::is_alone_with_init() {
        clean_stale(etc)?;
    }
    // Asked for only when somebody else holds the lock.
    let is_managed = |uid| {
        let mut accounts = records.accounts.values();
        accounts.any(|account| account.uid.get() == uid)
    };
    match EtcLock::acquire(etc, deadline(caller), is_managed) {
        Err(error @ Error::Busy { .. }) if caller == Caller::Boot => {
            say(&format!("{}; going on without the lock", chain(&error)));
            EtcLock::missing(etc)
        }
        other => other,
    }
}
