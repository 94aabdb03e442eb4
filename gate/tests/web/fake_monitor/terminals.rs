//! Terminals without a shell: a test writes and reads there.

use std::os::fd::OwnedFd;

use occ_gate::wire::{TERMINALS_LIMIT, TerminalId, TerminalReply};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

#[derive(Default)]
pub(crate) struct Terminals {
    /// The other ends of open ones, where a shell would be.
    pub(crate) shells: Vec<OwnedFd>,
    /// The pid that the shell is said to have.
    pub(crate) pid: u32,
}

impl Terminals {
    pub(super) fn reply(&self) -> TerminalReply {
        if self.shells.len() >= TERMINALS_LIMIT {
            return TerminalReply::TooMany;
        }
        TerminalReply::Opened {
            id: TerminalId(7),
            shell: self.pid,
        }
    }

    /// One end is kept, the other is for the web half.
    pub(super) fn open(&mut self) -> OwnedFd {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags).unwrap();
        unlockpt(&master).unwrap();
        fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK).unwrap();
        self.shells.push(ioctl_tiocgptpeer(&master, flags).unwrap());
        master
    }
}
