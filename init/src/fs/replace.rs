//! One file, swapped whole: a temporary in the same directory, written, synced,
//! renamed. Only here and in `in_place` are file contents written.

use crate::error::{Error, io};
use crate::etc::in_place;
use crate::fs::retry::{
    fchmod, fchown, fstat, fstatat, fsync, linkat, openat, read, renameat, unlinkat, write,
};
use crate::sys;
use crate::xattrs;
use nix::NixPath;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode};
use nix::unistd::{Gid, Uid, UnlinkatFlags};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A directory that is open, and what it is called in messages.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) fd: OwnedFd,
    pub(crate) path: PathBuf,
}

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
    /// The path of something in it, for messages.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The names in it, in the order of the file system.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, Errno> {
        self.names_if(|_| true)
    }

    /// Those of its names that are wanted: of 100,000 it is often none.
    pub(crate) fn names_if(
        &self,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<OsString>, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut dir = Dir::from_fd(openat(self.fd.as_fd(), ".", flags, Mode::empty())?)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." && is_wanted(name) {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Opens a directory below this one; never through a link.
    pub(crate) fn open<P: AsRef<Path> + NixPath + ?Sized>(&self, name: &P) -> Result<Self, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self {
            fd: openat(self.fd.as_fd(), name, flags, Mode::empty())?,
            path: self.join(name),
        })
    }

    /// Makes what was renamed or made in it durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        fsync(self.fd.as_fd()).map_err(io("sync", &self.path))
    }

    /// Deletes a file; one that is not there is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        match unlinkat(self.fd.as_fd(), name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(io("delete", self.join(name))(errno)),
        }
    }

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

/// Opens a directory by its path; the last component must not be a link.
pub(crate) fn open_directory(path: &Path) -> Result<Directory, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(Directory {
        fd: openat(nix::fcntl::AT_FDCWD, path, flags, Mode::empty())?,
        path: path.to_owned(),
    })
}

/// What stands under a name, not following a link; none: nothing.
pub(crate) fn stat<P: NixPath + ?Sized>(
    directory: &Directory,
    name: &P,
) -> Result<Option<FileStat>, Errno> {
    match fstatat(directory.fd.as_fd(), name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Reads to the end, or `limit` bytes.
pub(crate) fn read_all(file: &OwnedFd, limit: usize) -> Result<Vec<u8>, Errno> {
    let size = fstat(file.as_fd())?.st_size;
    let mut content = Vec::with_capacity(
        usize::try_from(size)
            .unwrap_or(0)
            .min(limit)
            .saturating_add(1),
    );
    let mut chunk = [0_u8; 16 * 1024];
    while content.len() < limit {
        let want = chunk.len().min(limit - content.len());
        match read(file.as_fd(), &mut chunk[..want])? {
            0 => break,
            got => content.extend_from_slice(&chunk[..got]),
        }
    }
    Ok(content)
}

/// Writes all of it.
pub(crate) fn write_all(file: &OwnedFd, mut content: &[u8]) -> Result<(), Errno> {
    while !content.is_empty() {
        match write(file.as_fd(), content)? {
            0 => return Err(Errno::EIO),
            written => content = &content[written..],
        }
    }
    Ok(())
}
