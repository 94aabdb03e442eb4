//! The terminal whose foreground we hold, if there is one.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

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

/// A terminal of which we held the foreground when we started.
#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) fd: BorrowedFd<'static>,
    own: nix::unistd::Pid,
}

impl Terminal {
    /// Moves the foreground from our group to that of `pid`, or back, if it is
    /// still where we left it. SIGTTOU is blocked, so it can't stop us.
    pub(crate) fn give(self, pid: i32) {
        self.shift(self.own, nix::unistd::Pid::from_raw(pid));
    }

    pub(crate) fn take_back(self, pid: i32) {
        self.shift(nix::unistd::Pid::from_raw(pid), self.own);
    }

    fn shift(self, from: nix::unistd::Pid, to: nix::unistd::Pid) {
        if nix::unistd::tcgetpgrp(self.fd) == Ok(from) {
            // Never fatal: without a foreground the program still runs.
            let _ = nix::unistd::tcsetpgrp(self.fd, to);
        }
    }
}
