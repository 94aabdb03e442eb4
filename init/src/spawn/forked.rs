//! A start without a process on our memory: qemu's user mode, in which containers of
//! another architecture run, has none. A copy of us becomes the program instead, and
//! what it notes on the way comes through a pipe that its exec closes.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Read as _, Write as _};

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::{Failure, Plan, child};

/// What a failure may be of; its place here is how it is told.
const KINDS: [fn(Errno) -> Failure; 4] = [
    Failure::Clone,
    Failure::Stdout,
    Failure::Identity,
    Failure::Exec,
];

/// A kind and an errno.
const NOTE: usize = 1 + size_of::<i32>();

/// The program's process id.
pub(super) fn start(plan: &Plan<'_>) -> Result<i32, Failure> {
    let (told, tell) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(Failure::Clone)?;
    // SAFETY: we have one thread, and the copy only makes system calls.
    let pid = unsafe { libc::fork() };
    match pid {
        ..0 => return Err(Failure::Clone(Errno::last())),
        0 => {
            child(plan);
            let _ = File::from(tell).write_all(&note(plan.failure.get()));
            // SAFETY: ends the copy; nothing of libc's is run at its end.
            unsafe { libc::_exit(127) }
        }
        1.. => drop(tell),
    }
    let mut note = Vec::new();
    let _ = File::from(told).read_to_end(&mut note);
    match failure(&note) {
        None => Ok(pid),
        Some(failure) => {
            plan.program.bury(pid);
            Err(failure)
        }
    }
}

fn note(failure: Option<Failure>) -> [u8; NOTE] {
    let (kind, errno) = match failure {
        Some(Failure::Clone(errno)) => (0, errno),
        Some(Failure::Stdout(errno)) => (1, errno),
        Some(Failure::Identity(errno)) => (2, errno),
        Some(Failure::Exec(errno)) => (3, errno),
        None => (3, Errno::UnknownErrno),
    };
    let [a, b, c, d] = (errno as i32).to_ne_bytes();
    [kind, a, b, c, d]
}

/// None: there was no note, so it is the program by now.
fn failure(note: &[u8]) -> Option<Failure> {
    let (kind, errno) = note.split_first()?;
    let errno = errno.try_into().map_or(0, i32::from_ne_bytes);
    let kind = KINDS.get(usize::from(*kind)).unwrap_or(&KINDS[3]);
    Some(kind(Errno::from_raw(errno)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_told() {
        for (kind, errno) in
            KINDS
                .iter()
                .zip([Errno::EAGAIN, Errno::EBADF, Errno::EPERM, Errno::ENOENT])
        {
            assert_eq!(failure(&note(Some(kind(errno)))), Some(kind(errno)));
        }
        assert_eq!(failure(b""), None);
        assert!(failure(&note(None)).is_some());
        assert!(failure(b"\x09").is_some(), "half a note is one");
    }
}
