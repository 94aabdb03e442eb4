//! What restore remembers of this container's files: read early, beside the records,
//! and written last. Decides nothing about what that is.

use super::{Paths, Session};
use crate::error::{Error, io};
use crate::fs::replace::Access;
use crate::fs::version::FileVersion;
use crate::image;
use crate::layout::{APPLIED, STATE};
use accounts::applied::Applied;
use nix::errno::Errno;
use nix::sys::stat::lstat;
use std::path::PathBuf;

/// What was remembered when it was read. That is before /etc is locked, and whoever
/// has that lock may write it.
pub(super) struct Memory {
    applied: Applied,
    version: Option<FileVersion>,
}

impl Memory {
    /// Reads it. A file that can't be read as ours is no base for anything: the
    /// records win.
    pub(super) fn read(paths: &Paths) -> Result<Self, Error> {
        let version = version(paths)?;
        let bytes = image::read_optional(&path(paths))?;
        let applied = bytes.and_then(|bytes| Applied::parse(&bytes));
        Ok(Self {
            applied: applied.unwrap_or_default(),
            version,
        })
    }

    /// Under the lock of /etc: what is remembered by now.
    pub(super) fn into_current(self, paths: &Paths) -> Result<Applied, Error> {
        if version(paths)? == self.version {
            Ok(self.applied)
        } else {
            Ok(Self::read(paths)?.applied)
        }
    }

    /// What is remembered, for who takes no lock.
    pub(super) fn into_applied(self) -> Applied {
        self.applied
    }
}

/// It is replaced as a whole, so each version is another file.
fn version(paths: &Paths) -> Result<Option<FileVersion>, Error> {
    let path = path(paths);
    match lstat(&path) {
        Ok(state) => Ok(Some(FileVersion::of(&state))),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(io("read", path)(errno)),
    }
}

fn path(paths: &Paths) -> PathBuf {
    paths.root.join(STATE).join(APPLIED)
}

impl Session {
    /// Writes down what is remembered, and goes on from it.
    pub(super) fn remember(&mut self, applied: Applied) -> Result<(), Error> {
        if applied == self.applied {
            return Ok(());
        }
        let json = applied.to_json().map_err(|_| self.not_remembered())?;
        self.write_memory(&json)?;
        self.applied = applied;
        Ok(())
    }

    pub(super) fn not_remembered(&self) -> Error {
        Error::NotOurs(path(&self.paths))
    }

    pub(super) fn write_memory(&self, json: &[u8]) -> Result<(), Error> {
        let directory = image::state_directory(&self.paths.root)?;
        directory.replace(APPLIED, json, Access::PRIVATE)
    }
}
