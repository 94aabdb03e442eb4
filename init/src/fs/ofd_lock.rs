//! Open-file-description locks: the kernel drops them when their holder dies, so a
//! crashed holder never blocks the next one.

use crate::fs::dir::Directory;
use crate::fs::retry::openat;
use crate::proc::Process;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::stat::Mode;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Between two tries. There is no way to wait for an OFD lock with a deadline.
const RETRY: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) started: Instant,
    at: Instant,
}

impl Deadline {
    pub(crate) fn after(wait: Duration) -> Self {
        let started = Instant::now();
        Self {
            started,
            at: started + wait,
        }
    }

    /// Waits a moment; false when there is no time left.
    pub(crate) fn wait(&self) -> bool {
        let has_time = Instant::now() < self.at;
        if has_time {
            std::thread::sleep(RETRY);
        }
        has_time
    }
}

pub(crate) fn open_lock(directory: &Directory, name: &str) -> Result<OwnedFd, Errno> {
    let flags =
        OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    openat(directory, name, flags, Mode::from_bits_truncate(0o600))
}

fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: i16::try_from(kind).unwrap_or_default(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// The process that holds the lock, if it is a POSIX lock of this PID namespace: an OFD lock
/// (occ-init's own) has no pid.
pub(crate) fn holder(file: &OwnedFd) -> Option<Process> {
    let mut lock = whole_file(libc::F_WRLCK);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock))
        .or_else(|_| fcntl(file, FcntlArg::F_GETLK(&mut lock)))
        .ok()?;
    Process::read(lock.l_pid).filter(|_| lock.l_pid > 0)
}

/// The owner of a lock, fcntl_locking(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The file as it was opened. gVisor has no such locks: EINVAL.
    OpenFile,
    /// The process, as that of lckpwdf(3); gone when it closes any file of that name.
    Process,
}

/// Locks the file; EAGAIN if another process has it until the deadline. `while_held` is
/// called after each try.
pub(crate) fn lock_until(
    file: &OwnedFd,
    owner: Owner,
    deadline: Deadline,
    while_held: impl Fn(),
) -> Result<(), Errno> {
    let lock = whole_file(libc::F_WRLCK);
    let wanted = || match owner {
        Owner::OpenFile => FcntlArg::F_OFD_SETLK(&lock),
        Owner::Process => FcntlArg::F_SETLK(&lock),
    };
    loop {
        match fcntl(file, wanted()) {
            Err(Errno::EAGAIN | Errno::EACCES) => while_held(),
            answer => return answer.map(drop),
        }
        if !deadline.wait() {
            return Err(Errno::EAGAIN);
        }
    }
}
