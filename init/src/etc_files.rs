//! The account files on disk: read as values, written all at once.
//!
//! Knows nothing of the store. Everything goes through one directory fd, and
//! no link is followed: what stands in /etc may be somebody's trap.

use crate::again::{fstat, mkdir, openat};
use crate::error::{Error, io};
use crate::lock::EtcLock;
use crate::replace::{Access, Directory, Staged, open_directory, read_all, stat};
use crate::watch::{Mark, Place};
use accounts::etc::{Etc, File};
use accounts::table;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, SFlag};
use std::os::fd::AsFd;
use std::path::Path;

/// /etc of a tree, open.
#[derive(Debug)]
pub(crate) struct EtcFiles {
    pub(crate) directory: Directory,
}

/// What was read, and the state of each file then.
pub(crate) struct Snapshot {
    pub(crate) etc: Etc,
    states: Vec<(File, Option<FileStat>)>,
}

impl EtcFiles {
    /// Opens ROOT/etc.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        let path = root.join("etc");
        match mkdir(&path, Mode::from_bits_truncate(0o755)) {
            Ok(()) | Err(Errno::EEXIST | Errno::EROFS) => (),
            Err(errno) => return Err(io("make", &path)(errno)),
        }
        open_directory(&path)
            .map(|directory| Self { directory })
            .map_err(io("open", path))
    }

    /// Reads all files. Only a file that is not there counts as empty: any
    /// other failure must never look like "no accounts yet".
    pub(crate) fn read(&self) -> Result<Snapshot, Error> {
        let mut snapshot = Snapshot {
            etc: Etc::default(),
            states: Vec::new(),
        };
        for file in File::ALL {
            let read = self
                .read_file(file.name())
                .map_err(io("read", self.directory.join(file.name())))?;
            let state = read.map(|(content, state)| {
                snapshot.etc.set(file, content);
                state
            });
            snapshot.states.push((file, state));
        }
        Ok(snapshot)
    }

    fn read_file(&self, name: &str) -> Result<Option<(Vec<u8>, FileStat)>, Errno> {
        let flags = OFlag::O_RDONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let file = match openat(self.directory.fd.as_fd(), name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(errno),
        };
        let state = fstat(file.as_fd())?;
        if SFlag::from_bits_truncate(state.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err(Errno::EINVAL);
        }
        Ok(Some((read_all(&file, usize::MAX)?, state)))
    }

    /// Writes files, all or (until the first rename) none. `false`: somebody
    /// else changed one of them since it was read; nothing was written.
    pub(crate) fn commit(
        &self,
        _lock: &EtcLock,
        snapshot: &Snapshot,
        writes: &[(File, Vec<u8>)],
        only_removes: bool,
    ) -> Result<bool, Error> {
        let group = shadow_gid(snapshot.etc.bytes(File::Group));
        let mut staged: Vec<Staged<'_>> = Vec::new();
        for (file, content) in writes {
            let access = access(*file, snapshot.state(*file), group);
            staged.push(self.directory.stage(file.name(), content, access)?);
        }
        if self.has_changed(snapshot)? {
            return Ok(false);
        }
        if only_removes {
            staged.reverse();
        }
        for file in staged {
            file.commit()?;
        }
        if !writes.is_empty() {
            self.directory.sync()?;
        }
        Ok(true)
    }

    fn has_changed(&self, snapshot: &Snapshot) -> Result<bool, Error> {
        for (file, before) in &snapshot.states {
            let now = stat(&self.directory, file.name())
                .map_err(io("read", self.directory.join(file.name())))?;
            if identity(before.as_ref()) != identity(now.as_ref()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Snapshot {
    /// Marks of what was written and is what we read now.
    pub(crate) fn marks(&self, writes: &[(File, Vec<u8>)]) -> Vec<Mark> {
        let as_written = writes
            .iter()
            .filter(|(file, content)| self.etc.get(*file) == Some(content));
        as_written
            .filter_map(|(file, _)| Some(Mark::new(Place::Etc, file.name(), self.state(*file)?)))
            .collect()
    }

    fn state(&self, file: File) -> Option<&FileStat> {
        self.states
            .iter()
            .find(|(other, _)| *other == file)?
            .1
            .as_ref()
    }
}

/// What changes whenever a file is replaced or written.
fn identity(state: Option<&FileStat>) -> Option<(u64, u64, i64, i64, i64)> {
    state.map(|stat| {
        (
            stat.st_dev,
            stat.st_ino,
            stat.st_mtime,
            stat.st_mtime_nsec,
            stat.st_size,
        )
    })
}

/// Owner and mode: as the file has them, or as distributions make it.
fn access(file: File, present: Option<&FileStat>, shadow_gid: Option<u32>) -> Access {
    match (present, shadow_gid) {
        (Some(stat), _) => Access::of(stat),
        (None, Some(group)) if file.is_secret() => Access {
            owner: 0,
            group,
            mode: 0o640,
        },
        (None, None) if file.is_secret() => Access::PRIVATE,
        (None, _) => Access {
            owner: 0,
            group: 0,
            mode: 0o644,
        },
    }
}

fn shadow_gid(group: &[u8]) -> Option<u32> {
    table::lines(group)
        .filter_map(accounts::group::name_and_gid)
        .find(|(name, _)| *name == b"shadow")
        .map(|(_, gid)| gid)
}
