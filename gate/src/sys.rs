//! The calls of the kernel that nix has no types for. The only file with
//! `unsafe` in it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The first fd that is neither stdin, stdout nor stderr.
const FIRST: u32 = 3;

/// Lets the next exec inherit stdin, stdout and stderr, nothing else. Until then
/// nothing changes.
pub(crate) fn close_rest_on_exec() -> io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: no pointers; with CLOEXEC alone no fd is closed under its owner.
    let done = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, flags) };
    Errno::result(done).map(drop).map_err(io::Error::from)
}

/// Large buffers go back to the system as soon as they are free. Left alone, glibc
/// keeps those of the first large asset for good, once per thread.
pub(crate) fn give_large_buffers_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: no pointers; a value that is refused changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 128 * 1024);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Waits for an fd to be readable. Needs a runtime.
pub(crate) fn when_readable(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd keeps its fd open, and the same, until it is dropped.
    let registered = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) };
    registered.map_err(io::Error::from)
}
