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

/// Whoever is exec'ed next gets stdin, stdout and stderr, nothing else. Before
/// that nothing changes.
pub(crate) fn close_rest_on_exec() -> io::Result<()> {
    close_range(libc::CLOSE_RANGE_CLOEXEC)
}

fn close_range(flags: libc::c_uint) -> io::Result<()> {
    // SAFETY: no pointers; with CLOEXEC alone no fd is closed under its owner.
    let done = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, flags) };
    Errno::result(done).map(drop).map_err(io::Error::from)
}

/// The capability sets of capset(2), version 3: two words of 32 bits.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapabilityWord {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Drops every capability: effective, permitted, inheritable and ambient ones.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let header = CapabilityHeader {
        version: 0x2008_0522,
        pid: 0,
    };
    let none = [CapabilityWord {
        effective: 0,
        permitted: 0,
        inheritable: 0,
    }; 2];
    // SAFETY: a header of version 3 and the two words that it needs; both
    // outlive the call.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    Errno::result(done)?;
    // SAFETY: no pointers.
    let done = unsafe {
        libc::prctl(
            libc::PR_CAP_AMBIENT,
            libc::PR_CAP_AMBIENT_CLEAR_ALL,
            0,
            0,
            0,
        )
    };
    Errno::result(done).map(drop).map_err(io::Error::from)
}

/// Empties the bounding set, as far as this process may: without CAP_SETPCAP the
/// kernel says no, and no_new_privs has to do.
pub(crate) fn drop_bounding_set() {
    for capability in 0..64 {
        // SAFETY: no pointers; a number that the kernel doesn't know is an error.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } != 0 {
            return;
        }
    }
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
