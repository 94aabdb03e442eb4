//! The store's lock, `.lock`: the first of all locks.

use crate::error::{Error, io};
use crate::fs::dir::Directory;
use crate::fs::ofd_lock::{Deadline, Owner, holder, lock_until, open_lock};
use crate::proc::Holder;
use nix::errno::Errno;
use std::os::fd::OwnedFd;

/// The store is ours to write while this lives.
#[derive(Debug)]
pub(crate) struct StoreLock(
    #[expect(dead_code, reason = "held, not used; none: nothing to hold")] Option<OwnedFd>,
);

impl StoreLock {
    /// For an administrator who says that nobody else writes at this time.
    pub(crate) const fn waived() -> Self {
        Self(None)
    }

    pub(crate) fn acquire(store: &Directory, deadline: Deadline) -> Result<Self, Error> {
        let path = store.join(".lock");
        let file = open_lock(store, ".lock").map_err(io("open", &path))?;
        match lock_until(&file, Owner::OpenFile, deadline, || ()) {
            Ok(()) => Ok(Self(Some(file))),
            Err(Errno::EAGAIN) => Err(Error::Busy {
                path,
                holder: holder(&file).map(Holder::from),
            }),
            // NFS without its lock daemon, network file systems that know no locks at all, and
            // gVisor, whose other kind of lock its next container on the store would not see.
            Err(Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS | Errno::EINVAL) => {
                Err(Error::NoLocks { path })
            }
            Err(errno) => Err(io("lock", path)(errno)),
        }
    }
}
