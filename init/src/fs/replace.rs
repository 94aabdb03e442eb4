//! One file, replaced whole: a temporary in the same directory, written, synced,
//! renamed. Never writes into a file that is there.

use super::dir::{Directory, write_all};
use super::retry::{again_io, fchmod, fchown, fstat, fsync, linkat, renameat};
use crate::error::{Error, io};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, Uid};
use std::fs::File;
use xattr::FileExt;

/// Prefix of our temporaries; a leftover of a killed run is deleted by the next.
pub(crate) const TEMPORARY: &str = ".occ-";

/// Owner and mode of a new file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    pub(crate) owner: u32,
    pub(crate) group: u32,
    pub(crate) mode: u32,
}

impl Access {
    /// Root alone.
    pub(crate) const PRIVATE: Self = Self {
        owner: 0,
        group: 0,
        mode: 0o600,
    };

    /// Owner and mode of a present file, without write permission for group and others.
    pub(crate) fn of(stat: &FileStat) -> Self {
        Self {
            owner: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o7755,
        }
    }
}

/// A new content on the disk under a temporary name, which is deleted on drop. The file is
/// closed: to a watcher of the directory, a close after the rename is one more write.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    directory: &'a Directory,
    name: String,
    /// The temporary name, or `None` once it is renamed.
    temporary: Option<String>,
    state: Option<FileStat>,
}

impl Directory {
    /// Puts a content on the disk under a temporary name, with the extended attributes of `like`.
    pub(crate) fn stage(
        &self,
        name: &str,
        content: &[u8],
        access: Access,
        like: Option<&File>,
    ) -> Result<Staged<'_>, Error> {
        let temporary = format!("{TEMPORARY}{name}");
        let failed = |errno| io("write", self.join(name))(errno);
        let file = match self.create(temporary.as_str(), 0o600) {
            // A killed run's.
            Err(Errno::EEXIST) => {
                self.remove(&temporary)?;
                self.create(temporary.as_str(), 0o600)
            }
            made => made,
        }
        .map_err(failed)?;
        let mut staged = Staged {
            directory: self,
            name: name.to_owned(),
            temporary: Some(temporary),
            state: None,
        };
        staged.state = Some(fill(&file.into(), content, access, like).map_err(failed)?);
        Ok(staged)
    }

    /// Replaces a file and makes the change durable.
    pub(crate) fn replace(&self, name: &str, content: &[u8], access: Access) -> Result<(), Error> {
        self.stage(name, content, access, None)?.commit()?;
        self.sync()
    }
}

/// Writes a new file to the disk; returns its state.
fn fill(
    file: &File,
    content: &[u8],
    access: Access,
    like: Option<&File>,
) -> Result<FileStat, Errno> {
    if (access.owner, access.group) != (0, 0) {
        let (owner, group) = (Uid::from_raw(access.owner), Gid::from_raw(access.group));
        fchown(file, Some(owner), Some(group))?;
    }
    like.map_or(Ok(()), |like| copy_attributes(like, file))?;
    // After the access list, which sets permissions too: of an access list
    // this sets the mask, so others lose write permission there as well.
    if like.is_some() || access.mode != 0o600 {
        fchmod(file, Mode::from_bits_truncate(access.mode))?;
    }
    write_all(file, content)?;
    fsync(file)?;
    fstat(file)
}

impl Staged<'_> {
    /// Renames it over the file. The caller syncs the directory, once for all files.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        let path = self.directory.join(&self.name);
        self.rename().map(drop).map_err(io("replace", path))
    }

    /// The same; returns the state of the file then, and leaves the temporary after an error.
    pub(crate) fn rename(&mut self) -> Result<Option<FileStat>, Errno> {
        if let Some(temporary) = &self.temporary {
            let (directory, name) = (self.directory, self.name.as_str());
            renameat(directory, temporary.as_str(), directory, name)?;
            self.temporary = None;
        }
        Ok(self.state)
    }

    /// The name under which the content lies, or `None` once it is renamed.
    pub(crate) fn temporary(&self) -> Option<&str> {
        self.temporary.as_deref()
    }

    /// Gives the content a name that must be free, in another directory of the
    /// same file system; the temporary name goes when this is dropped.
    pub(crate) fn link(&self, directory: &Directory, name: &str) -> Result<(), Errno> {
        let temporary = self.temporary().ok_or(Errno::ENOENT)?;
        linkat(self.directory, temporary, directory, name, AtFlags::empty())
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            let _ = self.directory.remove(temporary);
        }
    }
}

/// Gives a file the extended attributes of another, access lists and security labels among
/// them: a shadow file without its label is one that login programs may not open. Leaves out
/// what this file system has no place for, or this process no right to.
fn copy_attributes(from: &File, to: &File) -> Result<(), Errno> {
    let errno = |error: std::io::Error| Errno::try_from(error).unwrap_or(Errno::EIO);
    let names = match again_io(|| from.list_xattr()).map_err(errno) {
        Err(Errno::ENOTSUP) => return Ok(()),
        names => names?,
    };
    for name in names {
        let copied = again_io(|| match from.get_xattr(&name)? {
            Some(value) => to.set_xattr(&name, &value),
            None => Ok(()),
        });
        match copied.map_err(errno) {
            Ok(()) | Err(Errno::ENOTSUP | Errno::EPERM) => (),
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
