//! The first look of a boot: is there anything to restore? Most containers of an image with
//! occ-init in it have no account yet, and are not to wait for a restore that finds that out.
//! Answers "not needed" only where a restore would do nothing; whatever is odd is "needed",
//! for the restore has the words for it.
//!
//! A store that is a volume may be on a disk that does not answer, and no system call tells
//! beforehand: there the look runs in a thread, and PID 1 waits with a time-out and goes on.
//! The answer is not followed by a join: the thread ends by itself. A store on the file
//! system of the root, where COMMAND is read from as well, needs none. A thread takes a start
//! from 0.76 of catatonit's to 0.83, and on a busy machine, where it waits for a processor once
//! more, from 0.87 to above 1 (bar in docs/benchmarks.md: at most 0.9).

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use crate::cli::globals::Paths;
use crate::layout::{APPLIED, IMAGE_ACCOUNTS, LOCKED_FILES, SNAPSHOT, STATE};
use crate::sys;

/// Enough for system calls and the buffer of a directory.
const STACK: usize = 128 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precheck {
    NotNeeded,
    /// There are accounts, or anything that a restore should look at.
    Needed,
    /// The disk did not answer in time.
    NoAnswer,
}

pub(crate) fn run(paths: &Paths, timeout: Duration) -> Precheck {
    if is_within_the_root(paths) {
        return look(paths);
    }
    let paths = paths.clone();
    within(timeout, move || look(&paths))
}

fn look(paths: &Paths) -> Precheck {
    if is_needed(paths) {
        Precheck::Needed
    } else {
        Precheck::NotNeeded
    }
}

/// Returns true if no mount lies between the root and what the look reads. Asks no disk but
/// the root's: the kernel refuses to enter a mount before it looks into it.
fn is_within_the_root(paths: &Paths) -> bool {
    let Ok(root) = File::open(&paths.root) else {
        return false;
    };
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_NO_XDEV);
    let crosses_no_mount = |path: &Path| match openat2(&root, path, how) {
        Ok(_) | Err(Errno::ENOENT) => true,
        // EXDEV is a mount. ENOSYS and EPERM: an old kernel, or a filter of one.
        Err(_) => false,
    };
    let store = paths.store.strip_prefix(&paths.root);
    store.is_ok_and(crosses_no_mount) && crosses_no_mount(Path::new(STATE))
}

/// Calls `look` in a thread. All signals are blocked, and stay so.
fn within(timeout: Duration, look: impl FnOnce() -> Precheck + Send + 'static) -> Precheck {
    let (sender, receiver) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().stack_size(STACK);
    let started = thread.spawn(move || {
        let _ = sender.send(look());
    });
    sys::block_all_signals();
    match started.map(|_| receiver.recv_timeout(timeout)) {
        Ok(Ok(answer)) => answer,
        Ok(Err(RecvTimeoutError::Timeout)) => Precheck::NoAnswer,
        Ok(Err(RecvTimeoutError::Disconnected)) | Err(_) => Precheck::Needed,
    }
}

/// Returns false where a restore would do nothing: an empty store, and all else as a boot
/// that found one leaves it.
pub(crate) fn is_needed(paths: &Paths) -> bool {
    !is_quiet(paths).unwrap_or(false)
}

fn is_quiet(paths: &Paths) -> Result<bool> {
    let (root, state) = (&paths.root, paths.root.join(STATE));
    let store = fs::symlink_metadata(&paths.store)?;
    if !store.is_dir() || store.uid() != 0 || store.mode() & 0o077 != 0 {
        return Ok(false);
    }
    if !is_empty(&paths.store)? || is_locked(&paths.etc())? {
        return Ok(false);
    }
    let is_image_known = is_there(&root.join(IMAGE_ACCOUNTS))? || is_there(&state.join(SNAPSHOT))?;
    Ok(is_image_known && !is_there(&state.join(APPLIED))?)
}

/// Returns true if a store holds nothing but what one without accounts does.
fn is_empty(store: &Path) -> Result<bool> {
    for entry in fs::read_dir(store)? {
        if !matches!(entry?.file_name().as_bytes(), b".lock" | b"lost+found") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns true if tools that were killed have left locks.
fn is_locked(etc: &Path) -> Result<bool> {
    if !etc.is_dir() {
        return Err(Error::from(ErrorKind::NotFound));
    }
    for name in LOCKED_FILES {
        if is_there(&etc.join(format!("{name}.lock")))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_there(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
