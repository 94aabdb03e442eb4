//! `applied.json`: the accounts that the last restore wrote in this container. Read early,
//! beside the records, and written last. Decides nothing about its content.

use super::Paths;
use super::session::Session;
use crate::error::{Error, io};
use crate::fs::replace::Access;
use crate::fs::version::FileVersion;
use crate::image;
use crate::layout::{APPLIED, STATE};
use accounts::reconcile::Applied;
use nix::errno::Errno;
use nix::sys::stat::lstat;
use std::path::PathBuf;

/// applied.json as read before /etc was locked; read again if its version changed.
pub(super) struct AppliedFile {
    applied: Applied,
    version: Option<FileVersion>,
}

/// A content that is not in the file yet.
pub(super) struct NextApplied {
    applied: Applied,
    json: Vec<u8>,
}

impl AppliedFile {
    /// Reads the file. One that can't be parsed counts as missing: the records win.
    pub(super) fn read(paths: &Paths) -> Result<Self, Error> {
        let version = version(paths)?;
        let bytes = image::read_optional(&path(paths))?;
        let applied = bytes.and_then(|bytes| Applied::parse(&bytes));
        Ok(Self {
            applied: applied.unwrap_or_default(),
            version,
        })
    }

    /// Returns true if nothing was restored in this container yet.
    pub(super) fn is_missing(&self) -> bool {
        self.version.is_none()
    }

    /// The current content, under the lock of /etc.
    pub(super) fn into_current(self, paths: &Paths) -> Result<Applied, Error> {
        if version(paths)? == self.version {
            Ok(self.applied)
        } else {
            Ok(Self::read(paths)?.applied)
        }
    }

    /// The content as it was read, for a session that takes no lock.
    pub(super) fn into_applied(self) -> Applied {
        self.applied
    }
}

/// The version of the file, which is always replaced as a whole.
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
    /// Writes the file and keeps the session in step with it.
    pub(super) fn remember(&mut self, applied: Applied) -> Result<(), Error> {
        let next = self.next_applied(applied)?;
        self.write_applied(next)
    }

    /// The next content of the file. Returns `None` if it is there.
    pub(super) fn next_applied(&self, applied: Applied) -> Result<Option<NextApplied>, Error> {
        if applied == self.applied {
            return Ok(None);
        }
        let json = applied.to_json();
        let json = json.map_err(|_| Error::NotOurs(path(&self.paths)))?;
        Ok(Some(NextApplied { applied, json }))
    }

    pub(super) fn write_applied(&mut self, next: Option<NextApplied>) -> Result<(), Error> {
        if let Some(NextApplied { applied, json }) = next {
            let directory = image::state_directory(&self.paths.root)?;
            directory.replace(APPLIED, &json, Access::PRIVATE)?;
            self.applied = applied;
        }
        Ok(())
    }
}
