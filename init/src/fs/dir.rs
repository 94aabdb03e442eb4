//! Directories by descriptor, and reading and writing what is open. Nothing here follows a
//! link in the last component of a name.

use super::retry::{
    again_io, fstat, fstatat, fsync, mkdir, mkdirat, openat, read, renameat, unlinkat, write,
};
use crate::error::{Error, io, std_io};
use nix::NixPath;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag};
use nix::unistd::UnlinkatFlags;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// An open directory, and its path for messages.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    pub(crate) path: PathBuf,
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Directory {
    /// The path of something in it, for messages.
    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// The names in the directory, in the order of the file system.
    pub(crate) fn names(&self) -> Result<Vec<OsString>, Errno> {
        self.names_if(|_| true)
    }

    /// The names that `is_wanted` accepts; of 100,000 that is often none.
    pub(crate) fn names_if(
        &self,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<OsString>, Errno> {
        self.pick(|name| is_wanted(name).then(|| OsStr::from_bytes(name).to_owned()))
    }

    /// What `picked` makes of each name, where it is something.
    pub(crate) fn pick<T>(&self, picked: impl Fn(&[u8]) -> Option<T>) -> Result<Vec<T>, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut dir = Dir::from_fd(openat(self, ".", flags, Mode::empty())?)?;
        let mut found = Vec::new();
        for entry in dir.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                found.extend(picked(name));
            }
        }
        Ok(found)
    }

    /// Opens a directory below this one; never through a link.
    pub(crate) fn open<P: AsRef<Path> + NixPath + ?Sized>(&self, name: &P) -> Result<Self, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        Ok(Self {
            fd: openat(self, name, flags, Mode::empty())?,
            path: self.join(name),
        })
    }

    /// The same, or `None` if nothing has that name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Self>, Error> {
        match self.open(name) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(io("open", self.join(name))(errno)),
        }
    }

    /// Makes a directory that is root's alone.
    pub(crate) fn make(&self, name: &str) -> Result<Self, Errno> {
        mkdirat(self, name, Mode::S_IRWXU)?;
        self.open(name)
    }

    /// Opens a file to read it; never through a link, and without waiting for a FIFO's writer.
    pub(crate) fn open_file<P: NixPath + ?Sized>(&self, name: &P) -> Result<OwnedFd, Errno> {
        let flags = OFlag::O_RDONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        openat(self, name, flags, Mode::empty())
    }

    /// Makes a file, which must not be there, and opens it to write and read it.
    pub(crate) fn create<P: NixPath + ?Sized>(
        &self,
        name: &P,
        mode: u32,
    ) -> Result<OwnedFd, Errno> {
        let flags =
            OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        openat(self, name, flags, Mode::from_bits_truncate(mode))
    }

    /// Renames a file, over another if one is there.
    pub(crate) fn rename(&self, name: &str, to: &Self, new: &str) -> Result<(), Error> {
        renameat(self, name, to, new).map_err(io("rename", self.join(name)))
    }

    /// Makes renames and new names in the directory durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        fsync(self).map_err(io("sync", &self.path))
    }

    /// Deletes a file; one that is not there is no error.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        match unlinkat(self, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(io("delete", self.join(name))(errno)),
        }
    }
}

/// Opens a directory by its path; the last component must not be a link.
pub(crate) fn open_directory(path: &Path) -> Result<Directory, Errno> {
    open_path(path, OFlag::O_NOFOLLOW)
}

/// The same; makes the directory if it is not there.
pub(crate) fn open_or_make(path: &Path) -> Result<Directory, Error> {
    match mkdir(path, Mode::from_bits_truncate(0o755)) {
        Ok(()) | Err(Errno::EEXIST | Errno::EROFS) => (),
        Err(errno) => return Err(io("make", path)(errno)),
    }
    open_directory(path).map_err(io("open", path))
}

/// Makes the directories above a path.
pub(crate) fn make_parents(path: &Path) -> Result<(), Error> {
    let create = |parent| again_io(|| std::fs::create_dir_all(parent));
    let made = path.parent().map_or(Ok(()), create);
    made.map_err(std_io("make", path))
}

/// Opens the root of a tree, which may be given by a link.
pub(crate) fn open_root(path: &Path) -> Result<Directory, Errno> {
    open_path(path, OFlag::empty())
}

fn open_path(path: &Path, flags: OFlag) -> Result<Directory, Errno> {
    let flags = flags | OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(Directory {
        fd: openat(nix::fcntl::AT_FDCWD, path, flags, Mode::empty())?,
        path: path.to_owned(),
    })
}

pub(crate) fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}

/// The state of a name, not following a link, or `None` if nothing is there.
pub(crate) fn stat<P: NixPath + ?Sized>(
    directory: &Directory,
    name: &P,
) -> Result<Option<FileStat>, Errno> {
    match fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Reads to the end, or `limit` bytes.
pub(crate) fn read_all(file: impl AsFd + Copy, limit: usize) -> Result<Vec<u8>, Errno> {
    let size = usize::try_from(fstat(file)?.st_size).unwrap_or(0);
    let mut content = Vec::with_capacity(size.min(limit).saturating_add(1));
    let mut chunk = [0_u8; 16 * 1024];
    while content.len() < limit {
        let want = chunk.len().min(limit - content.len());
        match read(file, &mut chunk[..want])? {
            0 => break,
            got => content.extend_from_slice(&chunk[..got]),
        }
    }
    Ok(content)
}

pub(crate) fn write_all(file: impl AsFd + Copy, mut content: &[u8]) -> Result<(), Errno> {
    while !content.is_empty() {
        match write(file, content)? {
            0 => return Err(Errno::EIO),
            written => content = &content[written..],
        }
    }
    Ok(())
}
