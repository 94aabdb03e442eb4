//! Writing into a present file: for an account file that is a mount point, over
//! which nothing can be renamed.
//!
//! A kill can tear such a write, even inside one system call. So the new content
//! is on the disk first, under a name of its own, and whoever takes the locks
//! next finishes what it finds torn; and what is longer than the new content is
//! blank lines, until it is cut off, never the end of some old line.

#[cfg(test)]
mod tests;

use crate::error::{Error, io};
use crate::fs::dir::{Directory, read_all};
use crate::fs::replace::{Access, Staged, TEMPORARY};
use crate::fs::retry::{fstat, fsync, ftruncate, openat, pwrite, renameat};
use crate::log::say;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode};

/// A whole new content that may have been written in part.
fn redo_name(name: &str) -> String {
    format!("{TEMPORARY}redo-{name}")
}

/// The content before, as shadow's own tools keep it.
fn backup_name(name: &str) -> String {
    format!("{name}-")
}

/// Writes the staged content into the file; the old content stays beside it as `NAME-`.
/// Returns the file's state, or `None` if somebody else wrote there at the same time.
/// After an error the file is as before, or the next run repairs it.
pub(super) fn write(
    directory: &Directory,
    name: &str,
    staged: &Staged<'_>,
) -> Result<Option<FileStat>, Error> {
    let failed = |errno| io("write", directory.join(name))(errno);
    let temporary = staged.temporary().ok_or_else(|| failed(Errno::ENOENT))?;
    let old = content(directory, name).map_err(failed)?;
    let new = content(directory, temporary).map_err(failed)?;
    directory
        .stage(&backup_name(name), &old, Access::PRIVATE, None)?
        .commit()?;
    let redo = redo_name(name);
    renameat(directory, temporary, directory, redo.as_str()).map_err(failed)?;
    directory.sync()?;
    if let Err(errno) = overwrite(directory, name, &old, &new) {
        // A disk that is full for the new content had room for the old one.
        overwrite(directory, name, &new, &old).map_err(failed)?;
        directory.remove(&redo)?;
        return Err(failed(errno));
    }
    directory.remove(&redo)?;
    let file = directory.open_file(name).map_err(failed)?;
    let state = fstat(&file).map_err(failed)?;
    let now = read_all(&file, usize::MAX).map_err(failed)?;
    Ok((now == new).then_some(state))
}

/// Finishes a write that a kill has torn. For whoever holds the lock of /etc.
pub(super) fn finish(directory: &Directory, name: &str) -> Result<(), Error> {
    let redo = redo_name(name);
    let failed = |errno| io("write", directory.join(name))(errno);
    let new = match content(directory, &redo) {
        Ok(new) => new,
        Err(Errno::ENOENT) => return Ok(()),
        Err(errno) => return Err(io("read", directory.join(redo))(errno)),
    };
    let now = content(directory, name).map_err(failed)?;
    let old = content(directory, &backup_name(name)).unwrap_or_default();
    if is_torn(&old, &new, &now) {
        overwrite(directory, name, &now, &new).map_err(failed)?;
        say(&format!(
            "finished writing '{}', which was interrupted",
            directory.join(name).display()
        ));
    }
    directory.remove(&redo)
}

/// Returns true if `now` is what a write of `new` over `old` leaves when it is cut short.
/// Any other content was repaired by somebody since.
fn is_torn(old: &[u8], new: &[u8], now: &[u8]) -> bool {
    let whole = padded(new, old.len());
    let done = common(&whole, now);
    now != new && now[done..] == *old.get(done..).unwrap_or_default()
}

/// The content, and blank lines where the file was longer.
fn padded(new: &[u8], len: usize) -> Vec<u8> {
    let mut whole = new.to_vec();
    whole.resize(len.max(new.len()), b'\n');
    whole
}

/// How many bytes are the same at the beginning.
fn common(one: &[u8], other: &[u8]) -> usize {
    let pairs = one.iter().zip(other);
    pairs.take_while(|(one, other)| one == other).count()
}

fn overwrite(directory: &Directory, name: &str, now: &[u8], new: &[u8]) -> Result<(), Errno> {
    let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = openat(directory, name, flags, Mode::empty())?;
    let whole = padded(new, now.len());
    let mut at = common(now, &whole);
    while at < whole.len() {
        at += pwrite(&file, &whole[at..], length(at)?)?;
    }
    ftruncate(&file, length(new.len())?)?;
    fsync(&file)
}

fn length(len: usize) -> Result<i64, Errno> {
    i64::try_from(len).map_err(|_| Errno::EFBIG)
}

fn content(directory: &Directory, name: &str) -> Result<Vec<u8>, Errno> {
    read_all(&directory.open_file(name)?, usize::MAX)
}
