//! The terminal whose foreground we hold, if there is one.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::STDERR;

/// The terminal among fds 0 to 2 whose foreground group is ours.
pub(crate) fn held_terminal() -> Option<Terminal> {
    let own = nix::unistd::getpgrp();
    (0..=STDERR)
        // SAFETY: 0 to 2 are open for the whole life (fill_closed_stdio).
        .map(|fd| unsafe { BorrowedFd::borrow_raw(fd) })
        .find(|fd| nix::unistd::tcgetpgrp(fd) == Ok(own))
        .map(|fd| Terminal { fd, own })
}

/// A terminal of which we held the foreground.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) fd: BorrowedFd<'static>,
    own: Pid,
}

impl Terminal {
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
        nix::unistd::tcgetpgrp(self.fd) == Ok(from) && nix::unistd::tcsetpgrp(self.fd, to).is_ok()
    }
}
