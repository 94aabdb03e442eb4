//! inotify(7) on the directories in which files arrive that say who may log in.
//! What changed is found by reading them again.

use std::io;
use std::os::fd::AsFd as _;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use tokio::io::unix::AsyncFd;

use crate::sys;

/// The account files, and occ-init's list of whom it manages. The second comes
/// with the first restore, before this program is started.
const DIRECTORIES: [&str; 2] = ["/etc", "/var/lib/occ-init"];
const NAMES: [&[u8]; 3] = [b"passwd", b"shadow", b"applied.json"];

pub(crate) struct AccountWatch(AsyncFd<std::os::fd::OwnedFd>, Inotify);

impl AccountWatch {
    /// Needs a runtime. An error if /etc can't be watched.
    pub(crate) fn begin() -> io::Result<Self> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        let arrivals =
            AddWatchFlags::IN_MOVED_TO | AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_ONLYDIR;
        for directory in DIRECTORIES {
            match inotify.add_watch(directory, arrivals) {
                Err(errno) if directory == DIRECTORIES[0] => return Err(errno.into()),
                _ => (),
            }
        }
        let fd = sys::when_readable(inotify.as_fd().try_clone_to_owned()?)?;
        Ok(Self(fd, inotify))
    }

    /// Waits until something changed that matters.
    pub(crate) async fn changed(&self) -> io::Result<()> {
        loop {
            let mut ready = self.0.readable().await?;
            let mut matters = false;
            while let Ok(events) = self.1.read_events() {
                matters |= events.iter().any(|event| {
                    let is_named =
                        |name: &std::ffi::OsString| NAMES.contains(&name.as_encoded_bytes());
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
