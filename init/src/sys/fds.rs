//! Descriptors: those that we were started with, those that we leave, and
//! those that signal.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::os::fd::{AsFd, AsRawFd as _, RawFd};

use nix::errno::Errno;

use super::own_pid;

/// One write(2) when poll(2) says that it will not block; else nothing.
/// A broken pipe is left alone: writing there would raise SIGPIPE.
pub(crate) fn write_if_ready(fd: RawFd, bytes: &[u8]) {
    let mut wanted = libc::pollfd {
        fd,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one pollfd; bytes is a slice of the length given.
    unsafe {
        if libc::poll(&raw mut wanted, 1, 0) == 1 && wanted.revents == libc::POLLOUT {
            libc::write(fd, bytes.as_ptr().cast::<c_void>(), bytes.len());
        }
    }
}

/// Opens something harmless on each of the fds 0 to 2 that is closed. Else the
/// next file that we open becomes stderr, and our lines go into it. CLOEXEC:
/// COMMAND finds them closed, as they were.
pub(crate) fn fill_closed_stdio() {
    let mut fds = [0, 1, 2].map(|fd| libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    });
    // SAFETY: three pollfds and two constant paths. open(2) gives the lowest
    // free number, which is the closed one; O_PATH on / always works and can
    // neither be read nor written.
    unsafe {
        if libc::poll(fds.as_mut_ptr(), 3, 0) < 1 {
            return;
        }
        for _ in fds.iter().filter(|fd| fd.revents & libc::POLLNVAL != 0) {
            if libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) < 0 {
                libc::open(c"/".as_ptr(), libc::O_PATH | libc::O_CLOEXEC);
            }
        }
    }
}

/// Gives the user those of fds 0 to 2 that are pipes or terminals, as docker does: they were
/// opened by root, and /dev/stdout is opened anew. Files and /dev/null stay whose they are.
pub(crate) fn give_stdio(uid: u32) {
    for fd in 0..=super::STDERR {
        // SAFETY: a zeroed stat is one, and the call fills it; 0 to 2 are open.
        unsafe {
            let mut stat: libc::stat = std::mem::zeroed();
            let kind = (libc::fstat(fd, &raw mut stat) == 0).then_some(stat.st_mode & libc::S_IFMT);
            if kind == Some(libc::S_IFIFO) || libc::isatty(fd) == 1 {
                // Fails on a read-only /dev, which docker ignores too.
                libc::fchown(fd, uid, libc::gid_t::MAX);
            }
        }
    }
}

/// Has the kernel send `signal`, with a positive si_code, when `fd` can be
/// read. With too many queued it sends SIGIO instead, with a positive one too.
pub(crate) fn signal_when_readable(fd: impl AsFd, signal: u8) -> Result<(), Errno> {
    /// fcntl(2) has it on every architecture, libc not for every libc.
    const F_SETSIG: c_int = 10;
    let fd = fd.as_fd().as_raw_fd();
    // SAFETY: no pointers.
    unsafe {
        Errno::result(libc::fcntl(fd, libc::F_SETOWN, own_pid()))?;
        Errno::result(libc::fcntl(fd, F_SETSIG, c_int::from(signal)))?;
        let flags = Errno::result(libc::fcntl(fd, libc::F_GETFL))?;
        Errno::result(libc::fcntl(fd, libc::F_SETFL, flags | libc::O_ASYNC)).map(drop)
    }
}

/// Closes every fd from 3 on, but those in `keep`.
pub(crate) fn close_inherited(keep: &[RawFd]) {
    const FIRST: u32 = 3;
    let mut keep: Vec<u32> = keep
        .iter()
        .filter_map(|fd| u32::try_from(*fd).ok())
        .filter(|fd| *fd >= FIRST)
        .collect();
    keep.sort_unstable();
    let mut from = FIRST;
    let mut whole = true;
    for fd in &keep {
        whole = whole && (from >= *fd || close_range(from, fd - 1));
        from = fd + 1;
    }
    if !(whole && close_range(from, u32::MAX)) {
        close_listed(FIRST, &keep);
    }
}

fn close_range(first: u32, last: u32) -> bool {
    // SAFETY: no pointers; whoever owns one of these fds is not used any more.
    unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
}

/// For kernels before 5.9, which have no close_range(2).
fn close_listed(first: u32, keep: &[u32]) {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return;
    };
    let open: Vec<u32> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|fd| *fd >= first && !keep.contains(fd))
        .collect();
    for fd in open {
        // SAFETY: as in close_range; the directory's own fd is closed by now.
        unsafe { libc::close(fd.cast_signed()) };
    }
}
