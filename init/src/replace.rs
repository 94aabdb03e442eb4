//! One file, swapped whole: a temporary in the same directory, written, synced,
//! renamed. The only place of the account commands that writes file contents.

use crate::again::{
    fchmod, fchown, fstat, fstatat, fsync, ftruncate, openat, pwrite, read, renameat, unlinkat,
    write,
};
use crate::error::{Error, io};
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

/// A content that is on the disk under a temporary name; dropped, it goes.
#[derive(Debug)]
pub(crate) struct Staged<'a> {
    directory: &'a Directory,
    name: String,
    temporary: Option<String>,
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
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut dir = Dir::from_fd(openat(self.fd.as_fd(), ".", flags, Mode::empty())?)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." {
                names.push(name);
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

    /// Puts a content on the disk under a temporary name, with the extended
    /// attributes of `like`.
    pub(crate) fn stage(
        &self,
        name: &str,
        content: &[u8],
        access: Access,
        like: Option<&OwnedFd>,
    ) -> Result<Staged<'_>, Error> {
        let temporary = format!("{TEMPORARY}{name}");
        self.remove(&temporary)?;
        let staged = Staged {
            directory: self,
            name: name.to_owned(),
            temporary: Some(temporary.clone()),
        };
        self.fill(&temporary, content, access, like)
            .map_err(io("write", self.join(name)))?;
        Ok(staged)
    }

    fn fill(
        &self,
        temporary: &str,
        content: &[u8],
        access: Access,
        like: Option<&OwnedFd>,
    ) -> Result<(), Errno> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = openat(
            self.fd.as_fd(),
            temporary,
            flags,
            Mode::from_bits_truncate(0o600),
        )?;
        if (access.owner, access.group) != (0, 0) {
            fchown(
                file.as_fd(),
                Some(Uid::from_raw(access.owner)),
                Some(Gid::from_raw(access.group)),
            )?;
        }
        like.map_or(Ok(()), |like| xattrs::copy(like, &file))?;
        // After the access list, which sets permissions too: of an access list
        // this sets the mask, so others lose write permission there as well.
        if like.is_some() || access.mode != 0o600 {
            fchmod(file.as_fd(), Mode::from_bits_truncate(access.mode))?;
        }
        write_all(&file, content)?;
        fsync(file.as_fd())
    }

    /// Replaces a file and makes the change durable.
    pub(crate) fn replace(&self, name: &str, content: &[u8], access: Access) -> Result<(), Error> {
        self.stage(name, content, access, None)?.commit()?;
        self.sync()
    }

    /// Writes into the present file: for a file that is a mount point, where a
    /// rename gives EBUSY. A copy of the old content is kept beside it first.
    fn write_in_place(&self, name: &str, temporary: &str) -> Result<(), Errno> {
        let content = |name: &str| -> Result<Vec<u8>, Errno> {
            let file = openat(
                self.fd.as_fd(),
                name,
                OFlag::O_RDONLY | OFlag::O_CLOEXEC,
                Mode::empty(),
            )?;
            read_all(&file, usize::MAX)
        };
        let (old, new) = (content(name)?, content(temporary)?);
        let backup = format!("{name}-");
        let staged = self
            .stage(&backup, &old, Access::PRIVATE, None)
            .map_err(|_| Errno::ENOSPC)?;
        staged.commit().map_err(|_| Errno::EIO)?;
        fsync(self.fd.as_fd())?;
        let file = openat(
            self.fd.as_fd(),
            name,
            OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC,
            Mode::empty(),
        )?;
        let same = old
            .iter()
            .zip(&new)
            .take_while(|(old, new)| old == new)
            .count();
        let mut at = same;
        while at < new.len() {
            let offset = i64::try_from(at).map_err(|_| Errno::EFBIG)?;
            at += pwrite(file.as_fd(), &new[at..], offset)?;
        }
        ftruncate(
            file.as_fd(),
            i64::try_from(new.len()).map_err(|_| Errno::EFBIG)?,
        )?;
        fsync(file.as_fd())
    }
}

impl Staged<'_> {
    /// Makes the new content the file. The directory is synced by the caller,
    /// once for all files.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        let Some(temporary) = self.temporary.take() else {
            return Ok(());
        };
        let directory = self.directory;
        let fd = directory.fd.as_fd();
        match renameat(fd, temporary.as_str(), fd, self.name.as_str()) {
            Ok(()) => Ok(()),
            Err(Errno::EBUSY | Errno::EXDEV) => {
                let written = directory.write_in_place(&self.name, &temporary);
                directory.remove(&temporary)?;
                written.map_err(io("write", directory.join(&self.name)))
            }
            Err(errno) => {
                directory.remove(&temporary)?;
                Err(io("replace", directory.join(&self.name))(errno))
            }
        }
    }
}

impl Drop for Staged<'_> {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
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
