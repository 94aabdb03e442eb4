//! The terminal whose foreground we hold, if there is one.
#![allow(unsafe_code)]

use std::fs::OpenOptions;
use std::os::fd::{AsFd as _, BorrowedFd, IntoRawFd as _};
use std::os::unix::fs::OpenOptionsExt as _;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::STDERR;

/// The terminal whose foreground group is ours: among fds 0 to 2, or else the controlling one,
/// which a program that is given files for all three still finds at /dev/tty.
///
/// None where our group has no number in this pid namespace: what we could not give back we
/// don't take.
pub(crate) fn held_terminal() -> Option<Terminal> {
    let own = nix::unistd::getpgrp();
    if own.as_raw() == 0 {
        return None;
    }
    let among_ours = standard_fds().find(|fd| is_front(*fd, own));
    let fd = among_ours.or_else(|| controlling(own))?;
    Some(Terminal { fd, own })
}

/// Returns true if the terminal's foreground is our process group and that is of another pid
/// namespace, as under `unshare --pid --fork`: without a number here it could not be given the
/// foreground back.
pub(crate) fn is_front_without_number() -> bool {
    nix::unistd::getpgrp().as_raw() == 0 && standard_fds().any(|fd| is_front(fd, Pid::from_raw(0)))
}

fn standard_fds() -> impl Iterator<Item = BorrowedFd<'static>> {
    // SAFETY: 0 to 2 are open for the whole life (fill_closed_stdio).
    (0..=STDERR).map(|fd| unsafe { BorrowedFd::borrow_raw(fd) })
}

fn is_front(terminal: BorrowedFd<'_>, group: Pid) -> bool {
    nix::unistd::tcgetpgrp(terminal) == Ok(group)
}

/// Opens the controlling terminal, for good, if it is ours.
fn controlling(own: Pid) -> Option<BorrowedFd<'static>> {
    let flags = nix::libc::O_CLOEXEC | nix::libc::O_NOCTTY;
    let mut options = OpenOptions::new();
    let tty = options.read(true).write(true).custom_flags(flags);
    let tty = tty.open("/dev/tty").ok()?;
    is_front(tty.as_fd(), own).then(|| {
        // SAFETY: nobody closes it any more.
        unsafe { BorrowedFd::borrow_raw(tty.into_raw_fd()) }
    })
}

/// A terminal of which we held the foreground.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) fd: BorrowedFd<'static>,
    own: Pid,
}

impl Terminal {
    /// Returns true if the foreground is our group's now.
    pub(crate) fn is_held(self) -> bool {
        is_front(self.fd, self.own)
    }

    /// Moves the foreground from our group to that of `pid`, or back, if it is
    /// still where we left it. SIGTTOU is blocked, so it can't stop us. True: it
    /// was moved.
    pub(crate) fn give(self, pid: i32) -> bool {
        self.shift(self.own, Pid::from_raw(pid))
    }

    pub(crate) fn take_back(self, pid: i32) {
        self.shift(Pid::from_raw(pid), self.own);
    }

    /// Takes it back from a group of which nobody is left, whoever's it was: the
    /// last job of a shell that is gone too.
    pub(crate) fn inherit(self) {
        let front = nix::unistd::tcgetpgrp(self.fd);
        if let Ok(front) = front
            && super::kill(-front.as_raw(), 0) == Err(Errno::ESRCH)
        {
            self.shift(front, self.own);
        }
    }

    /// Never fatal: without a foreground the program still runs.
    fn shift(self, from: Pid, to: Pid) -> bool {
        is_front(self.fd, from) && nix::unistd::tcsetpgrp(self.fd, to).is_ok()
    }
}
