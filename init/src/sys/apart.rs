//! A few system calls in a process apart, on our own memory: one that may never
//! come back from a dead disk is then not us.
//!
//! clone(VM) without VFORK: nothing is copied, so it costs a tenth of what a
//! process of its own does, and we can stop waiting for it.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{Waited, kill, wait_child, wait_sigchld};
use crate::phase::Change;
use crate::signals;

/// Words of 16 bytes, to which both architectures align a stack. Unoptimised
/// builds use a quarter of it.
const STACK: usize = 512;

/// How it went. What was noted counts only if it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    Done,
    /// No process could be made, or it died.
    Failed,
    /// Not within the time; what is left of it is killed.
    Hung,
}

/// What both sides know of.
struct Task<'a> {
    work: UnsafeCell<&'a mut dyn FnMut()>,
    is_done: AtomicBool,
}

/// Between looks at whether it has ended, should its SIGCHLD be another's.
const LOOK: Duration = Duration::from_millis(100);
/// Looks before we sleep: being woken takes longer than most work here.
const LOOKS: usize = 100;

/// Does `work`, for at most `patience`.
///
/// `work` makes system calls on what was laid out before and notes what they
/// said, nothing else: no allocation, no lock. All signals are blocked. The
/// process may still be about to exit when this returns; whoever reaps finds it.
pub(crate) fn run(patience: Duration, work: &mut dyn FnMut()) -> Apart {
    // Neither is given back: what hangs in the kernel holds on to both.
    let mut stack = ManuallyDrop::new(Vec::<u128>::with_capacity(STACK));
    let task = Task {
        work: UnsafeCell::new(work),
        is_done: AtomicBool::new(false),
    };
    let shared = libc::CLONE_VM | libc::CLONE_FILES | libc::CLONE_FS | libc::CLONE_SIGHAND;
    // SAFETY: the stack is ours, aligned, and stays for ever. Until the child is
    // done or dead nobody else uses `task`. errno is the one thing that both
    // write; nobody here reads it meanwhile.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(STACK).cast::<c_void>();
        let task = (&raw const task).cast_mut().cast::<c_void>();
        libc::clone(child, top, shared | libc::SIGCHLD, task)
    };
    if pid < 0 {
        return Apart::Failed;
    }
    for _ in 0..LOOKS {
        if task.is_done.load(Ordering::Acquire) {
            return Apart::Done;
        }
        // SAFETY: no pointers; always succeeds.
        unsafe { libc::sched_yield() };
    }
    outlast(pid, patience)
}

/// Sleeps until the child has exited or the time is over.
fn outlast(pid: i32, patience: Duration) -> Apart {
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
            return Apart::Hung;
        }
        wait_sigchld(left.min(LOOK));
    }
}

extern "C" fn child(task: *mut c_void) -> c_int {
    // SAFETY: `run` passes a `Task` and waits, or kills us before it goes on.
    unsafe {
        let task = &*task.cast::<Task<'_>>();
        (*task.work.get())();
        task.is_done.store(true, Ordering::Release);
        // The raw call: nothing of libc's runs, its state is the parent's.
        libc::syscall(libc::SYS_exit, 0);
    }
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
