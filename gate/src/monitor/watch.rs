//! inotify(7) on the directories in which files arrive that say who may log in, and
//! which tokens administrators revoke. What changed is found by reading them again.

use std::io;
use std::os::fd::AsFd as _;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

use super::access::file::REVOKE;
use crate::sys;

/// The account files, and occ-init's list of whom it manages. The second comes
/// with the first restore, before this program is started.
const DIRECTORIES: [&str; 2] = ["/etc", "/var/lib/occ-init"];
const NAMES: [&[u8]; 3] = [b"passwd", b"shadow", b"applied.json"];

pub(crate) struct Watch {
    ready: AsyncFd<std::os::fd::OwnedFd>,
    inotify: Inotify,
    /// The files that matter; all of them if empty.
    names: &'static [&'static [u8]],
}

impl Watch {
    /// Needs a runtime. An error if /etc can't be watched.
    pub(crate) fn of_accounts() -> io::Result<Self> {
        Self::begin(&DIRECTORIES, &NAMES)
    }

    /// Needs a runtime.
    pub(crate) fn of_requests() -> io::Result<Self> {
        Self::begin(&[REVOKE], &[])
    }

    /// An error if the first directory can't be watched.
    fn begin(directories: &[&'static str], names: &'static [&'static [u8]]) -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let arrivals =
            AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_ONLYDIR;
        for (at, directory) in directories.iter().enumerate() {
            match inotify.add_watch(*directory, arrivals) {
                Err(errno) if at == 0 => return Err(errno.into()),
                _ => (),
            }
        }
        let ready = sys::when_readable(inotify.as_fd().try_clone_to_owned()?)?;
        Ok(Self {
            ready,
            inotify,
            names,
        })
    }

    /// Waits until something changed that matters.
    pub(crate) async fn changed(&self) -> io::Result<()> {
        loop {
            let mut ready = self.ready.readable().await?;
            let mut matters = false;
            while let Ok(events) = self.inotify.read_events() {
                matters |= events.iter().any(|event| {
                    let is_named = |name: &std::ffi::OsString| {
                        self.names.is_empty() || self.names.contains(&name.as_encoded_bytes())
                    };
                    // A queue that ran over lost something.
                    event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW)
                        || event.name.as_ref().is_some_and(is_named)
                });
            }
            ready.clear_ready();
            if matters {
                return Ok(());
            }
        }
    }
}
