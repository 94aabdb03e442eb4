//! Processes: waiting for children with their raw wait statuses, kill(2) for any signal.
#![allow(unsafe_code)]

use std::ffi::c_int;

use nix::errno::Errno;

/// The answer of waitpid(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// A child changed; its raw status.
    Child(i32, i32),
    /// There are children, and none has changed.
    Busy,
    NoChildren,
}

/// waitpid(2) without blocking: `pid` -1 for any child; stops are reported too.
/// The status stays raw: nix refuses those of real-time signals.
pub(crate) fn wait_child(pid: i32) -> Waited {
    let mut status: c_int = 0;
    // SAFETY: status is an int that outlives the call.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG | libc::WUNTRACED) } {
        0 => Waited::Busy,
        -1 => Waited::NoChildren,
        pid => Waited::Child(pid, status),
    }
}

/// Waits until child `pid`, known to be about to exit, is gone.
pub(crate) fn wait_exited(pid: i32) {
    // SAFETY: a null status is allowed.
    while unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) } == -1
        && Errno::last() == Errno::EINTR
    {}
}

/// kill(2) for any signal number: nix's takes none above 31.
pub(crate) fn kill(pid: i32, signal: u8) -> Result<(), Errno> {
    // SAFETY: no pointers.
    Errno::result(unsafe { libc::kill(pid, c_int::from(signal)) }).map(drop)
}

pub(crate) fn own_pid() -> i32 {
    // SAFETY: no pointers, can't fail.
    unsafe { libc::getpid() }
}
