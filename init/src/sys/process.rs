//! Processes: waiting for children with their raw wait statuses, kill(2) for any signal.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout};

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

/// The answer of a child that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChildAnswer {
    Answer(bool),
    /// No child could be made, or it ended without an answer.
    Failed,
    /// No answer in time; the child is killed.
    TimeOut,
}

/// Calls `question` in a copy of this process, which must have one thread.
pub(crate) fn ask_child(timeout: Duration, question: impl FnOnce() -> bool) -> ChildAnswer {
    let Ok((from_child, to_parent)) = nix::unistd::pipe2(OFlag::O_CLOEXEC) else {
        return ChildAnswer::Failed;
    };
    // SAFETY: there is one thread, so no lock is held in the copy, and it may do anything.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let _ = nix::unistd::write(&to_parent, &[u8::from(question())]);
        // SAFETY: ends the child. Nothing of the parent's is run at its end.
        unsafe { libc::_exit(0) }
    }
    drop(to_parent);
    if pid < 0 {
        return ChildAnswer::Failed;
    }
    let limit = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
    let mut wanted = [PollFd::new(from_child.as_fd(), PollFlags::POLLIN)];
    if retry_poll(&mut wanted, limit) == Ok(0) {
        // It is reaped when it dies: a process that hangs in the kernel may take its time.
        let _ = kill(pid, SIGKILL);
        return ChildAnswer::TimeOut;
    }
    let mut answer = [0];
    let read = nix::unistd::read(&from_child, &mut answer);
    wait_exited(pid);
    if read == Ok(1) {
        ChildAnswer::Answer(answer == [1])
    } else {
        ChildAnswer::Failed
    }
}

fn retry_poll(wanted: &mut [PollFd<'_>], limit: PollTimeout) -> Result<i32, Errno> {
    loop {
        match nix::poll::poll(wanted, limit) {
            Err(Errno::EINTR) => {}
            answer => return answer,
        }
    }
}

const SIGKILL: u8 = 9;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn child_answers_or_is_killed() {
        let long = Duration::from_secs(60);
        for answer in [false, true] {
            assert_eq!(ask_child(long, || answer), ChildAnswer::Answer(answer));
        }
        let dies = || kill(own_pid(), SIGKILL).is_ok();
        assert_eq!(ask_child(long, dies), ChildAnswer::Failed);
        let hangs = || {
            nix::unistd::pause();
            true
        };
        let short = Duration::from_millis(20);
        assert_eq!(ask_child(short, hangs), ChildAnswer::TimeOut);
    }
}
