//! One file, replaced whole: a temporary in the same directory, written, synced,
//! renamed. Never writes into a file that is there.

use super::dir::{Directory, write_all};
use super::retry::{fchmod, fchown, fstat, fsync, linkat, openat, renameat};
use crate::error::{Error, io};
use crate::etc::in_place;
use crate::sys;
use crate::xattrs;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, Uid};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

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
    file: OwnedFd,
}

/// One that is on the disk, and closed: to whoever watches the directory, a close
/// after the rename is one more write to the file.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    temporary: Temporary<'a>,
    state: FileStat,
}

/// How a content became the file's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Committed {
    /// By a rename: the file has this inode and time.
    Renamed(FileStat),
    InPlace,
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
        like: Option<&OwnedFd>,
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
    fn fill(&self, content: &[u8], access: Access, like: Option<&OwnedFd>) -> Result<(), Errno> {
        let file = &self.file;
        if (access.owner, access.group) != (0, 0) {
            fchown(
                file.as_fd(),
                Some(Uid::from_raw(access.owner)),
                Some(Gid::from_raw(access.group)),
            )?;
        }
        like.map_or(Ok(()), |like| xattrs::copy(like, file))?;
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

    /// The same for a file that may be a mount point: it is written in place.
    pub(crate) fn commit_anywhere(mut self) -> Result<Committed, Error> {
        let renamed = self.temporary.rename();
        let Temporary {
            directory,
            name,
            at,
        } = &self.temporary;
        match (renamed, at) {
            (Ok(()), _) => Ok(Committed::Renamed(self.state)),
            (Err(Errno::EBUSY | Errno::EXDEV), Some(temporary)) => {
                in_place::write(directory, name, temporary).map(|()| Committed::InPlace)
            }
            (Err(errno), _) => Err(io("replace", self.temporary.path())(errno)),
        }
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
