//! The account files on disk: read as values, written all at once (`commit`).
//!
//! Knows nothing of the store. Everything goes through directory descriptors, and the
//! kernel follows no link: what stands in /etc may be somebody's trap.

mod commit;
mod in_place;
pub(crate) mod lock;
mod symlink;
#[cfg(test)]
mod tests;

pub(crate) use commit::{StagedFile, WrittenFile};

use crate::error::{Error, io};
use crate::fs::dir::{Directory, kind, open_or_make, read_all};
use crate::fs::replace::TEMPORARY;
use crate::fs::retry::fstat;
use accounts::files::{Etc, File};
use lock::EtcLock;
use nix::errno::Errno;
use nix::sys::stat::{FileStat, SFlag};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use symlink::Location;

/// /etc of a tree, open.
pub(crate) struct EtcFiles {
    pub(crate) directory: Arc<Directory>,
    root: PathBuf,
}

/// The content of all files at one time, and the state of each then.
pub(crate) struct Snapshot {
    pub(crate) etc: Etc,
    files: Vec<FileSnapshot>,
}

struct FileSnapshot {
    file: File,
    location: Location,
    /// The file as it was read, or `None` if there was none.
    opened: Option<OpenedFile>,
}

struct OpenedFile {
    file: fs::File,
    state: FileStat,
}

impl EtcFiles {
    /// Opens ROOT/etc.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        Ok(Self {
            directory: Arc::new(open_or_make(&root.join("etc"))?),
            root: root.to_owned(),
        })
    }

    /// Finishes what a killed run was writing into a file in place, and deletes its
    /// temporaries; those in /etc itself went when it was locked.
    pub(crate) fn finish_writes(&self, _lock: &EtcLock) -> Result<(), Error> {
        for file in File::ALL {
            let Location { directory, name } = self.locate(file)?;
            in_place::finish(&directory, &name)?;
            if !Arc::ptr_eq(&directory, &self.directory) {
                directory.remove(&format!("{TEMPORARY}{name}"))?;
            }
        }
        Ok(())
    }

    /// Reads all files. Only a file that is not there counts as empty: any
    /// other failure must never look like "no accounts yet".
    pub(crate) fn read(&self) -> Result<Snapshot, Error> {
        let (mut etc, mut files) = (Etc::default(), Vec::new());
        for file in File::ALL {
            let location = self.locate(file)?;
            let opened = read_file(&location)?.map(|(opened, content)| {
                etc.set(file, content);
                opened
            });
            files.push(FileSnapshot {
                file,
                location,
                opened,
            });
        }
        Ok(Snapshot { etc, files })
    }

    fn locate(&self, file: File) -> Result<Location, Error> {
        symlink::locate(&self.root, &self.directory, file.name())
    }
}

/// Reads one file, or returns `None` if it is not there.
fn read_file(location: &Location) -> Result<Option<(OpenedFile, Vec<u8>)>, Error> {
    let Location { directory, name } = location;
    let failed = |errno| io("read", directory.join(name))(errno);
    let file = match directory.open_file(name.as_str()) {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(failed(errno)),
    };
    let state = fstat(&file).map_err(failed)?;
    if kind(&state) != SFlag::S_IFREG {
        return Err(Error::NotAFile(directory.join(name)));
    }
    let content = read_all(&file, usize::MAX).map_err(failed)?;
    let file = file.into();
    Ok(Some((OpenedFile { file, state }, content)))
}
