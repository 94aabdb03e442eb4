//! The calls of the kernel that nix has no types for. The only file with
//! `unsafe` in it.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::io;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

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

/// Makes a process that ends at once, to see whether one can be made. For a process with
/// one thread.
pub(crate) fn try_to_fork() -> io::Result<()> {
    use nix::sys::wait::waitpid;
    use nix::unistd::{ForkResult, fork};
    // SAFETY: the child does nothing but end, without any code of this process's.
    match unsafe { fork() }? {
        // SAFETY: no pointers, and it does not return.
        ForkResult::Child => unsafe { libc::_exit(0) },
        ForkResult::Parent { child } => waitpid(child, None).map(drop).map_err(io::Error::from),
    }
}

/// Waits for an fd, which does not block, to be readable or writable. Needs a runtime.
pub(crate) fn when_ready(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd keeps its fd open, and the same, until it is dropped.
    let registered = unsafe { AsyncFd::register(fd) };
    registered.map_err(io::Error::from)
}

mod libcrypt {
    use super::c_char;

    #[link(name = "crypt")]
    unsafe extern "C" {
        pub(super) fn crypt(phrase: *const c_char, setting: *const c_char) -> *mut c_char;
    }
}

/// crypt(3), with the hash or its beginning as the setting. `None` for a setting that it
/// does not know. For a process with one thread.
pub(crate) fn crypt(phrase: &[u8], setting: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let text = |bytes: &[u8]| {
        let text = CString::new(bytes).ok()?;
        Some(Zeroizing::new(text.into_bytes_with_nul()))
    };
    let (phrase, setting) = (text(phrase)?, text(setting)?);
    // SAFETY: both end with a NUL; the answer is crypt's own buffer, which nothing changes
    // before it is copied: there is one thread.
    let hash = unsafe {
        let hash = libcrypt::crypt(phrase.as_ptr().cast(), setting.as_ptr().cast());
        (!hash.is_null()).then(|| CStr::from_ptr(hash).to_bytes().to_vec())
    };
    // Failures begin with an asterisk, so that they are nobody's hash.
    hash.filter(|hash| !hash.starts_with(b"*"))
        .map(Zeroizing::new)
}
