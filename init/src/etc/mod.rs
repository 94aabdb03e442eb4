//! The account files on disk: read as values, written all at once.
//!
//! Knows nothing of the store. Everything goes through directory fds, and the
//! kernel follows no link: what stands in /etc may be somebody's trap.

pub(crate) mod in_place;
pub(crate) mod lock;
mod symlink;

use crate::error::{Error, io};
use crate::fs::replace::{
    Access, Committed, Directory, Staged, TEMPORARY, Written, open_directory, read_all, stat,
};
use crate::fs::retry::{fstat, mkdir, openat};
use crate::watch::{Mark, Place};
use accounts::etc::{Etc, File};
use accounts::table;
use lock::EtcLock;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, SFlag};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use symlink::Target;

/// /etc of a tree, open.
#[derive(Debug)]
pub(crate) struct EtcFiles {
    pub(crate) directory: Directory,
    root: PathBuf,
}

/// What was read, and the state of each file then.
pub(crate) struct Snapshot {
    pub(crate) etc: Etc,
    states: Vec<Found>,
}

/// Where a file is, and its state; none: it is not there.
struct Found {
    file: File,
    /// What it links to, if it is a link.
    target: Option<Target>,
    state: Option<FileStat>,
    /// What was read.
    open: Option<OwnedFd>,
}

/// A new content, which is on the disk already.
pub(crate) struct New<'a> {
    file: File,
    target: Option<&'a Target>,
    staged: Staged<'a>,
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
            .map(|directory| Self {
                directory,
                root: root.to_owned(),
            })
            .map_err(io("open", path))
    }

    /// Finishes what a killed run was writing into a file in place.
    pub(crate) fn finish_writes(&self, _lock: &EtcLock) -> Result<(), Error> {
        for file in File::ALL {
            let target = self.target(file)?;
            let (directory, name) = self.place(file, target.as_ref());
            in_place::finish(directory, name)?;
        }
        Ok(())
    }

    /// Reads all files. Only a file that is not there counts as empty: any
    /// other failure must never look like "no accounts yet".
    pub(crate) fn read(&self) -> Result<Snapshot, Error> {
        let mut snapshot = Snapshot {
            etc: Etc::default(),
            states: Vec::new(),
        };
        for file in File::ALL {
            let target = self.target(file)?;
            let (directory, name) = self.place(file, target.as_ref());
            let read = read_file(directory, name)?;
            let (mut state, mut open) = (None, None);
            if let Some(read) = read {
                snapshot.etc.set(file, read.content);
                (state, open) = (Some(read.state), Some(read.file));
            }
            snapshot.states.push(Found {
                file,
                target,
                state,
                open,
            });
        }
        Ok(snapshot)
    }

    /// What the file links to, if it is a link.
    fn target(&self, file: File) -> Result<Option<Target>, Error> {
        let name = file.name();
        let state = stat(&self.directory, name).map_err(io("read", self.directory.join(name)))?;
        state
            .filter(symlink::is_link)
            .map(|_| symlink::follow(&self.root, name))
            .transpose()
    }

    fn place<'a>(&'a self, file: File, target: Option<&'a Target>) -> (&'a Directory, &'a str) {
        target.map_or((&self.directory, file.name()), |target| {
            (&target.directory, target.name.as_str())
        })
    }

    /// Puts new contents on the disk under temporary names.
    pub(crate) fn stage<'a>(
        &'a self,
        _lock: &EtcLock,
        snapshot: &'a Snapshot,
        writes: &[(File, Vec<u8>)],
    ) -> Result<Vec<New<'a>>, Error> {
        let group = shadow_gid(snapshot.etc.bytes(File::Group));
        // A killed run's; those in /etc went when it was locked.
        for target in snapshot.states.iter().flat_map(|found| &found.target) {
            let temporary = format!("{TEMPORARY}{}", target.name);
            target.directory.remove(&temporary)?;
        }
        let write = |(file, content): &(File, Vec<u8>)| {
            let file = *file;
            let found = snapshot.found(file);
            let access = access(file, found.and_then(|found| found.state.as_ref()), group);
            let target = found.and_then(|found| found.target.as_ref());
            let (directory, name) = self.place(file, target);
            let like = found.and_then(|found| found.open.as_ref());
            let written = directory.write(name, content, access, like)?;
            written.begin();
            Ok::<_, Error>((file, target, written))
        };
        let written = writes.iter().map(write).collect::<Result<Vec<_>, _>>()?;
        let stage = |(file, target, written): (File, _, Written<'a>)| {
            let staged = written.staged()?;
            Ok(New {
                file,
                target,
                staged,
            })
        };
        written.into_iter().map(stage).collect()
    }

    /// Makes them the files' contents, all or (until the first rename) none, and
    /// returns marks of them. None: somebody else changed one of the files since
    /// it was read; nothing was written.
    pub(crate) fn commit(
        &self,
        _lock: &EtcLock,
        snapshot: &Snapshot,
        writes: &[(File, Vec<u8>)],
        mut new: Vec<New<'_>>,
        only_removes: bool,
    ) -> Result<Option<Vec<Mark>>, Error> {
        if self.has_changed(snapshot)? {
            return Ok(None);
        }
        if only_removes {
            new.reverse();
        }
        let is_written = !new.is_empty();
        let (mut marks, mut targets) = (Vec::new(), Vec::new());
        for New {
            file,
            target,
            staged,
        } in new
        {
            let committed = staged.commit_anywhere()?;
            match target {
                // What is behind a link nobody watches.
                Some(target) => targets.push(target),
                None => marks.extend(self.mark(file, writes, committed)?),
            }
        }
        for target in targets {
            target.directory.sync()?;
        }
        if is_written {
            self.directory.sync()?;
        }
        Ok(Some(marks))
    }

    /// Of what was written into /etc itself; in place, if nobody wrote there since.
    fn mark(
        &self,
        file: File,
        writes: &[(File, Vec<u8>)],
        how: Committed,
    ) -> Result<Option<Mark>, Error> {
        let state = match how {
            Committed::Renamed(state) => Some(state),
            Committed::InPlace => read_file(&self.directory, file.name())?
                .filter(|read| {
                    let mut contents = writes.iter().filter(|(other, _)| *other == file);
                    contents.any(|(_, content)| *content == read.content)
                })
                .map(|read| read.state),
        };
        Ok(state.map(|state| Mark::new(Place::Etc, file.name(), &state)))
    }

    fn has_changed(&self, snapshot: &Snapshot) -> Result<bool, Error> {
        for found in &snapshot.states {
            // A link is followed anew: it may lead elsewhere now.
            let target = self.target(found.file)?;
            let (directory, name) = self.place(found.file, target.as_ref());
            let now = stat(directory, name).map_err(io("read", directory.join(name)))?;
            if identity(found.state.as_ref()) != identity(now.as_ref()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Snapshot {
    fn found(&self, file: File) -> Option<&Found> {
        self.states.iter().find(|found| found.file == file)
    }
}

/// A file that was read.
struct Read {
    file: OwnedFd,
    content: Vec<u8>,
    state: FileStat,
}

fn read_file(directory: &Directory, name: &str) -> Result<Option<Read>, Error> {
    let failed = |errno| io("read", directory.join(name))(errno);
    let flags = OFlag::O_RDONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let file = match openat(directory.fd.as_fd(), name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    let state = fstat(file.as_fd()).map_err(failed)?;
    if SFlag::from_bits_truncate(state.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(Error::NotAFile(directory.join(name)));
    }
    let content = read_all(&file, usize::MAX).map_err(failed)?;
    Ok(Some(Read {
        file,
        content,
        state,
    }))
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
