//! One file, replaced whole: a temporary in the same directory, written, synced,
//! renamed. Never writes into a file that is there.

use super::dir::{Directory, write_all};
use super::retry::{again_io, fchmod, fchown, fstat, fsync, linkat, openat, renameat};
use crate::error::{Error, io};
use crate::sys;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, Uid};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::PathBuf;
use xattr::FileExt;

/// Who may do what with a new file.
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

    /// As the present file has it, without write permission for others.
    pub(crate) fn of(stat: &FileStat) -> Self {
        Self {
            owner: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o7755,
        }
    }
}

/// The temporary name of what is to replace a file; dropped, it goes.
#[derive(Debug)]
struct Temporary<'a> {
    directory: &'a Directory,
    name: String,
    /// None: it has become the file.
    at: Option<String>,
}

/// A content that is written, perhaps not yet to the disk.
#[derive(Debug)]
pub(crate) struct Written<'a> {
    temporary: Temporary<'a>,
    file: File,
}

/// One that is on the disk, and closed: to whoever watches the directory, a close
/// after the rename is one more write to the file.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    temporary: Temporary<'a>,
    state: FileStat,
}

/// Prefix of our temporaries; a leftover of a killed run is deleted by the next.
pub(crate) const TEMPORARY: &str = ".occ-";

impl Directory {
    /// Puts a content on the disk under a temporary name.
    pub(crate) fn stage(
        &self,
        name: &str,
        content: &[u8],
        access: Access,
    ) -> Result<Staged<'_>, Error> {
        self.write(name, content, access, None)?.staged()
    }

    /// The first half of it, with the extended attributes of `like`: whoever has
    /// several files writes all of them first, and waits for the disk once.
    pub(crate) fn write(
        &self,
        name: &str,
        content: &[u8],
        access: Access,
        like: Option<&File>,
    ) -> Result<Written<'_>, Error> {
        let temporary = format!("{TEMPORARY}{name}");
        self.remove(&temporary)?;
        let failed = |errno| io("write", self.join(name))(errno);
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(0o600);
        let file = openat(self.fd.as_fd(), temporary.as_str(), flags, mode).map_err(failed)?;
        let temporary = Temporary {
            directory: self,
            name: name.to_owned(),
            at: Some(temporary),
        };
        let file = File::from(file);
        let written = Written { temporary, file };
        written.fill(content, access, like).map_err(failed)?;
        Ok(written)
    }

    /// Replaces a file and makes the change durable.
    pub(crate) fn replace(&self, name: &str, content: &[u8], access: Access) -> Result<(), Error> {
        self.stage(name, content, access)?.commit()?;
        self.sync()
    }
}

impl<'a> Written<'a> {
    fn fill(&self, content: &[u8], access: Access, like: Option<&File>) -> Result<(), Errno> {
        let file = &self.file;
        if (access.owner, access.group) != (0, 0) {
            fchown(
                file.as_fd(),
                Some(Uid::from_raw(access.owner)),
                Some(Gid::from_raw(access.group)),
            )?;
        }
        like.map_or(Ok(()), |like| copy_attributes(like, file))?;
        // After the access list, which sets permissions too: of an access list
        // this sets the mask, so others lose write permission there as well.
        if like.is_some() || access.mode != 0o600 {
            fchmod(file.as_fd(), Mode::from_bits_truncate(access.mode))?;
        }
        write_all(file, content)
    }

    /// Has the kernel begin to write it to the disk.
    pub(crate) fn begin(&self) {
        sys::begin_to_write(&self.file);
    }

    /// Waits until it is on the disk.
    pub(crate) fn staged(self) -> Result<Staged<'a>, Error> {
        let Self { temporary, file } = self;
        let synced = fsync(file.as_fd()).and_then(|()| fstat(file.as_fd()));
        match synced {
            Ok(state) => Ok(Staged { temporary, state }),
            Err(errno) => Err(io("write", temporary.path())(errno)),
        }
    }
}

impl Temporary<'_> {
    /// Of what it is to replace, for messages.
    fn path(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// Once renamed, nothing is left to be deleted.
    fn rename(&mut self) -> Result<(), Errno> {
        if let Some(temporary) = &self.at {
            let fd = self.directory.fd.as_fd();
            renameat(fd, temporary.as_str(), fd, self.name.as_str())?;
            self.at = None;
        }
        Ok(())
    }
}

impl Staged<'_> {
    /// Makes the new content the file. The directory is synced by the caller,
    /// once for all files.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        let path = self.temporary.path();
        self.temporary.rename().map_err(io("replace", path))
    }

    /// Renames it over the file; returns the state of the file then.
    pub(crate) fn rename(&mut self) -> Result<FileStat, Errno> {
        self.temporary.rename().map(|()| self.state)
    }

    /// The name under which the content lies, or `None` once it is renamed.
    pub(crate) fn temporary(&self) -> Option<&str> {
        self.temporary.at.as_deref()
    }

    /// Gives the content a name that must be free, in another directory of the
    /// same file system; the temporary name goes when this is dropped.
    pub(crate) fn link(&self, directory: &Directory, name: &str) -> Result<(), Errno> {
        let Some(temporary) = &self.temporary.at else {
            return Err(Errno::ENOENT);
        };
        let (from, to) = (self.temporary.directory.fd.as_fd(), directory.fd.as_fd());
        linkat(from, temporary.as_str(), to, name, AtFlags::empty())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if let Some(temporary) = &self.at {
            let _ = self.directory.remove(temporary);
        }
    }
}

/// Gives a file the extended attributes of another, access lists and security labels among
/// them: a shadow file without its label is one that login programs may not open. Leaves out
/// what this file system has no place for, or this process no right to.
fn copy_attributes(from: &File, to: &File) -> Result<(), Errno> {
    let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or_default());
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
