//! A few system calls in a process apart, on our own memory: one that may never
//! come back from a dead disk is then not us, and one that becomes another program
//! takes our memory along up to its exec.
//!
//! clone(VM): nothing is copied, so it costs a tenth of what a process of its own
//! does. Not VFORK, whose wait has no end.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::kill;
use crate::signals;

/// Words of 16 bytes, to which both architectures align a stack. Unoptimised
/// builds use a third of it.
const STACK: usize = 768;

/// The stack begins at the edge of one: most need no second one then, and each that is
/// needed has to be made.
const PAGE: usize = 4096;

/// Most are over by then, and their end wakes us. One that has become another program
/// is not to wake us when it does: that would make its start longer.
const MOMENT: Duration = Duration::from_millis(2);

/// Between looks at whether it has died.
const LOOK: Duration = Duration::from_millis(100);

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Apart {
    /// It has exited or died, or is another program by now.
    Gone(i32),
    /// No process could be made.
    Failed(Errno),
    /// Not within the time; what is left of it is killed.
    Hung,
}

/// What both sides know of.
struct Task<'a> {
    work: UnsafeCell<&'a mut dyn FnMut()>,
    /// The kernel clears it when the process leaves our memory, set_tid_address(2).
    is_here: AtomicI32,
}

/// Does `work`, for at most `patience`; none: as long as it takes.
///
/// `work` makes system calls on what was laid out before and notes what they
/// said, nothing else: no allocation, no lock. What the kernel writes must be on
/// its own stack. It may end in an exec. All signals are blocked. A process that
/// exits is still to be reaped.
pub(crate) fn run(patience: Option<Duration>, work: &mut dyn FnMut()) -> Apart {
    // Neither is given back if it hangs: the kernel holds on to both.
    let task = ManuallyDrop::new(Box::new(Task {
        work: UnsafeCell::new(work),
        is_here: AtomicI32::new(1),
    }));
    let mut stack = ManuallyDrop::new(Vec::<u128>::with_capacity(STACK));
    // SAFETY: the stack is ours and aligned, and stays, as `task` does, until the
    // kernel has cleared `is_here`; nobody else uses them meanwhile. errno is the
    // one thing that both write; nobody here reads it while the child runs.
    let pid = unsafe {
        let end = stack.as_mut_ptr().add(STACK).cast::<c_void>();
        libc::clone(
            child,
            end.byte_sub(end.addr() % PAGE),
            libc::CLONE_VM | libc::SIGCHLD,
            (&raw const **task).cast_mut().cast::<c_void>(),
        )
    };
    if pid > 0 && !outlast(pid, &task.is_here, patience) {
        // It hangs in the kernel, so the signal ends it before it touches our
        // memory again.
        let _ = kill(pid, signals::KILL);
        return Apart::Hung;
    }
    let outcome = if pid > 0 {
        Apart::Gone(pid)
    } else {
        Apart::Failed(Errno::last())
    };
    drop((
        ManuallyDrop::into_inner(stack),
        ManuallyDrop::into_inner(task),
    ));
    outcome
}

/// Sleeps until the child has left our memory; false: the time is over.
fn outlast(pid: i32, is_here: &AtomicI32, patience: Option<Duration>) -> bool {
    // One that is pending already is of a child before: a look, or a restore.
    let was_pending = super::wait_sigchld(Duration::ZERO);
    if super::wait_sigchld(MOMENT) || was_pending {
        // Whoever waits for another child hears of it all the same.
        let _ = kill(super::own_pid(), signals::CHLD);
    }
    // Without a look at the clock, whose pages would have to be mapped.
    if is_here.load(Ordering::Acquire) == 0 {
        return true;
    }
    let deadline = patience.map(|patience| Instant::now() + patience);
    while is_here.load(Ordering::Acquire) != 0 {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return false;
        }
        let limit = super::timespec(left.unwrap_or(LOOK).min(LOOK));
        // SAFETY: a word and a timespec that outlive the call. Not
        // FUTEX_PRIVATE_FLAG: the kernel's wake is not private.
        let woken = unsafe {
            let word = is_here.as_ptr();
            libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, 1, &raw const limit)
        };
        // Killed before it had told the kernel of the word.
        if woken < 0 && super::is_dead(pid) {
            return true;
        }
    }
    true
}

extern "C" fn child(task: *mut c_void) -> c_int {
    // SAFETY: `run` passes a `Task` and waits, or kills us before it goes on.
    unsafe {
        let task = &*task.cast::<Task<'_>>();
        libc::syscall(libc::SYS_set_tid_address, task.is_here.as_ptr());
        (*task.work.get())();
        // The raw call: nothing of libc's runs, its state is the parent's.
        libc::syscall(libc::SYS_exit_group, 127);
    }
    127
}

#[cfg(test)]
mod tests {
    use super::super::{own_pid, wait_exited};
    use super::*;

    const PATIENCE: Option<Duration> = Some(Duration::from_secs(60));

    /// Of a process that is gone, which is reaped.
    fn gone(apart: Apart) -> i32 {
        let Apart::Gone(pid) = apart else {
            panic!("{apart:?}")
        };
        wait_exited(pid);
        pid
    }

    #[test]
    fn what_is_done_is_there() {
        for patience in [PATIENCE, None] {
            let mut noted = 0;
            let work = &mut || noted = own_pid();
            assert_eq!(gone(run(patience, work)), noted);
            assert!(noted > 0 && noted != own_pid());
        }
    }

    #[test]
    fn who_hangs_is_left_behind() {
        let fds = nix::unistd::pipe().unwrap();
        let hangs = &mut || {
            let mut byte = [0];
            let _ = nix::unistd::read(&fds.0, &mut byte);
        };
        assert_eq!(run(Some(Duration::from_millis(20)), hangs), Apart::Hung);
    }

    #[test]
    fn who_crashes_crashes_alone() {
        let mut is_done = false;
        let crashes = &mut || {
            let _ = kill(own_pid(), signals::KILL);
            is_done = true;
        };
        gone(run(PATIENCE, crashes));
        assert!(!is_done);
    }
}
