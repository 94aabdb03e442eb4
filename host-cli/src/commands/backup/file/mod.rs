//! The file of a backup: written beside itself for its owner alone, and read
//! through once before anybody is asked to do anything with it. `-` is a pipe.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use accounts::admin::backup::Check;
use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::ui::interrupt::{self, Unfinished};

/// The file or pipe that a backup is written to.
pub(super) enum BackupTarget {
    Pipe,
    File {
        /// Mode 0600; dropped, it goes.
        beside: NamedTempFile,
        path: PathBuf,
        force: bool,
        _unfinished: Unfinished,
    },
}

impl BackupTarget {
    /// Refuses what can't be written, before anything is read.
    pub(super) fn open(path: &Path, force: bool) -> Result<Self> {
        if path == Path::new("-") {
            return if io::stdout().is_terminal() {
                Err(Error::Usage {
                    message: "a backup holds password hashes and is not for a terminal".into(),
                    hint: "name a file, or send it into a pipe".into(),
                })
            } else {
                Ok(Self::Pipe)
            };
        }
        let present = path.symlink_metadata();
        if let Ok(present) = present
            && (!force || !present.is_file())
        {
            return Err(in_the_way(path, present.is_file()));
        }
        let directory = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let beside = tempfile::Builder::new()
            .prefix(".occ-backup-")
            .tempfile_in(directory)
            .map_err(Error::unusable("write", path))?;
        let unfinished = interrupt::unfinished(beside.path());
        Ok(Self::File {
            beside,
            path: path.to_owned(),
            force,
            _unfinished: unfinished,
        })
    }

    pub(super) fn write(&mut self, piece: &[u8]) -> Result<()> {
        match self {
            Self::Pipe => io::stdout()
                .write_all(piece)
                .map_err(Error::file("write", "standard output")),
            Self::File { beside, path, .. } => beside
                .as_file_mut()
                .write_all(piece)
                .map_err(Error::file("write", path.as_path())),
        }
    }

    /// All of it is there: makes it the file.
    pub(super) fn keep(self) -> Result<()> {
        let Self::File {
            beside,
            path,
            force,
            ..
        } = self
        else {
            let flushed = io::stdout().flush();
            return flushed.map_err(Error::file("write", "standard output"));
        };
        let directory = beside.path().parent().map(Path::to_owned);
        let synced = beside.as_file().sync_all();
        synced.map_err(Error::file("write", path.as_path()))?;
        let kept = if force {
            beside.persist(&path)
        } else {
            beside.persist_noclobber(&path)
        };
        match kept {
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(in_the_way(&path, true));
            }
            Err(failed) => return Err(Error::file("write", path)(failed.error)),
            Ok(_) => (),
        }
        // Not every system lets a directory be opened.
        let _ = directory.map(File::open).map(|open| open?.sync_all());
        Ok(())
    }
}

fn in_the_way(path: &Path, is_file: bool) -> Error {
    let path = path.display();
    if is_file {
        Error::Conflict {
            message: format!("'{path}' exists already"),
            hint: "choose another name, or replace it with --force".into(),
        }
    } else {
        Error::Invalid(format!(
            "'{path}' is no regular file; choose another name, or - for a pipe"
        ))
    }
}

/// The file or pipe that a backup is read from.
pub(super) enum BackupSource {
    Pipe,
    File(File),
}

impl BackupSource {
    /// Opens a file and reads it through: one that is not whole changes
    /// nothing. What comes through a pipe is checked where it arrives.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if path == Path::new("-") {
            return if io::stdin().is_terminal() {
                Err(Error::NeedsInput {
                    what: "a backup",
                    give: "a FILE, or send it to standard input",
                })
            } else {
                Ok(Self::Pipe)
            };
        }
        let cannot = || Error::unusable("read", path);
        let mut file = File::open(path).map_err(cannot())?;
        if !file.metadata().map_err(cannot())?.is_file() {
            return Err(Error::Invalid(format!(
                "'{}' is no regular file",
                path.display()
            )));
        }
        check(&mut file, path)?;
        file.seek(SeekFrom::Start(0)).map_err(cannot())?;
        Ok(Self::File(file))
    }
}

fn check(file: &mut File, path: &Path) -> Result<()> {
    let unusable = |why: accounts::admin::backup::Unusable| {
        Error::Invalid(format!("cannot use the backup '{}': {why}", path.display()))
    };
    let mut check = Check::default();
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece).map_err(Error::file("read", path))? {
            0 => break,
            got => check.update(&piece[..got]).map_err(unusable)?,
        }
    }
    check.finish().map(drop).map_err(unusable)
}

impl Read for BackupSource {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Pipe => rustix::io::read(rustix::stdio::stdin(), into).map_err(Into::into),
            Self::File(file) => file.read(into),
        }
    }
}

#[cfg(test)]
mod tests;
