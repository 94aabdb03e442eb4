//! Which init of a container keeps the status file, and the accounts in sync: the first one.
//! It locks the directory of the status file for as long as it lives, for one in a PID
//! namespace below cannot see who else is there.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use super::file;
use crate::cli::globals::Paths;

pub(crate) enum Claim {
    /// Ours, until it is dropped.
    Held(Flock<File>),
    /// No init that runs has it, nor do we.
    Free,
    Anothers,
}

impl Claim {
    /// Takes the claim where nobody has it.
    pub(crate) fn take(paths: &Paths) -> Self {
        let directory = file::directory(paths);
        let take = || lock(&directory, FlockArg::LockExclusiveNonblock);
        let taken = take().or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => file::make(&directory).and_then(|()| take()),
            _ => Err(error),
        });
        taken.map_or_else(|_| Self::look(paths), Self::Held)
    }

    /// Looks who has it. That locks the directory for a moment too, which is no claim: locks
    /// of looks are shared.
    pub(crate) fn look(paths: &Paths) -> Self {
        match lock(&file::directory(paths), FlockArg::LockSharedNonblock) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Self::Anothers,
            _ => Self::Free,
        }
    }

    /// The descriptor that has to stay open.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        match self {
            Self::Held(lock) => Some(lock.as_raw_fd()),
            Self::Free | Self::Anothers => None,
        }
    }
}

/// flock(2): it ends with its holder, and is seen from any namespace.
fn lock(directory: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    Flock::lock(File::open(directory)?, how).map_err(|(_, errno)| errno.into())
}
