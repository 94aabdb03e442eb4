//! A pty: its two ends, with size and owner. Knows no shell.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Group, Uid, fchown};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::wire::TerminalSize;

/// The two ends. The slave is opened through the master, not by a name: nothing can be
/// put in its place.
pub(super) struct Pty {
    pub(super) master: OwnedFd,
    pub(super) slave: OwnedFd,
}

/// A new pty. The slave belongs to the person, and to the group tty for write(1).
pub(super) fn open(uid: u32, size: TerminalSize) -> io::Result<Pty> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    // Only the web half reads and writes it, and never waits in a call.
    let master = openpt(flags)?;
    fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
    unlockpt(&master)?;
    let slave = ioctl_tiocgptpeer(&master, flags)?;
    let tty = Group::from_name("tty").ok().flatten();
    let group = tty.map_or(Gid::from_raw(0), |tty| tty.gid);
    fchown(&slave, Some(Uid::from_raw(uid)), Some(group))?;
    fchmod(&slave, Mode::from_bits_truncate(0o620))?;
    set_size(&master, size)?;
    Ok(Pty { master, slave })
}

/// Programs in the terminal get SIGWINCH.
fn set_size(master: &OwnedFd, size: TerminalSize) -> io::Result<()> {
    let size = Winsize {
        ws_row: size.rows(),
        ws_col: size.cols(),
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    Ok(tcsetwinsize(master, size)?)
}
