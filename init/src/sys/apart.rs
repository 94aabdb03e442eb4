//! A few system calls in a process apart, on our own memory: one that may never
//! come back from a dead disk is then not us.
//!
//! clone(VM) without VFORK: nothing is copied, so it costs a tenth of what a
//! process of its own does, and we can stop waiting for it.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::time::{Duration, Instant};

use super::{Waited, kill, wait_child, wait_sigchld};
use crate::phase::Change;
use crate::signals;

/// Words of 16 bytes, to which both architectures align a stack. Unoptimised
/// builds use a quarter of it.
const STACK: usize = 1024;

/// How it went. What was noted counts only if it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    Done,
    /// No process could be made, or it died.
    Failed,
    /// Not within the time; what is left of it is killed.
    Hung,
}

/// Does `work`, for at most `patience`.
///
/// `work` makes system calls on what was laid out before and notes what they
/// said, nothing else: no allocation, no lock. All signals are blocked.
pub(crate) fn run(patience: Duration, work: &mut dyn FnMut()) -> Apart {
    let mut stack: Vec<u128> = Vec::with_capacity(STACK);
    let mut work = work;
    let flags = libc::CLONE_VM | libc::SIGCHLD;
    // SAFETY: the stack is ours, aligned, and outlives the child: below either
    // the child is gone or the stack stays for ever. `work` is used by nobody
    // else until then. errno is the one thing that both share, and nobody here
    // reads it meanwhile.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK).cast::<c_void>();
        libc::clone(child, top, flags, (&raw mut work).cast::<c_void>())
    };
    if pid < 0 {
        return Apart::Failed;
    }
    let deadline = Instant::now() + patience;
    loop {
        match wait_child(pid) {
            Waited::Child(_, 0) => return Apart::Done,
            Waited::Child(_, status) if Change::of(status).exit_status().is_some() => {
                return Apart::Failed;
            }
            Waited::NoChildren => return Apart::Failed,
            Waited::Child(..) | Waited::Busy => {}
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            // It hangs in the kernel, so the signal ends it before it touches
            // our memory again.
            let _ = kill(pid, signals::KILL);
            std::mem::forget(stack);
            return Apart::Hung;
        }
        wait_sigchld(left);
    }
}

extern "C" fn child(work: *mut c_void) -> c_int {
    // SAFETY: `run` passes a `&mut dyn FnMut()` that outlives this process.
    let work = unsafe { &mut *work.cast::<&mut dyn FnMut()>() };
    work();
    // SAFETY: the raw call: nothing of libc's runs, its state is the parent's.
    unsafe { libc::syscall(libc::SYS_exit_group, 0) };
    0
}

#[cfg(test)]
mod tests {
    use super::super::own_pid;
    use super::*;

    #[test]
    fn what_is_done_in_time_is_there() {
        let mut noted = 0;
        let work = &mut || noted = own_pid();
        assert_eq!(run(Duration::from_secs(60), work), Apart::Done);
        assert!(noted > 0 && noted != own_pid());
    }

    #[test]
    fn who_hangs_is_left_behind() {
        let fds = nix::unistd::pipe().unwrap();
        let mut byte = [0];
        let hangs = &mut || {
            let _ = nix::unistd::read(&fds.0, &mut byte);
        };
        assert_eq!(run(Duration::from_millis(20), hangs), Apart::Hung);
    }

    #[test]
    fn who_crashes_crashes_alone() {
        let crashes = &mut || {
            let _ = kill(own_pid(), signals::KILL);
        };
        assert_eq!(run(Duration::from_secs(60), crashes), Apart::Failed);
    }
}
