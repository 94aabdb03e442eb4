//! The directories in which homes are: /home, and what the image names besides.
//!
//! Each must be root's alone to write, and so must all on the way to one that the
//! image names: else anybody could swap a home while it is made.

use crate::error::{Error, io};
use crate::fs::dir::{Directory, open_directory, open_or_make};
use crate::fs::retry::{fchmod, fstat};
use crate::log::say;
use accounts::account::{HOME_BASE, Home};
use accounts::image::HomeBases;
use nix::errno::Errno;
use nix::sys::stat::Mode;
use std::path::{Path, PathBuf};

/// The directories, open.
pub(super) struct Bases {
    pub(super) main: Directory,
    /// By their path; one that can't be used is nobody's reason to be kept out.
    others: Vec<(String, Result<Directory, Errno>)>,
    root: PathBuf,
}

impl Bases {
    /// Opens them, making ROOT/home if there is none.
    pub(super) fn open(root: &Path, allowed: &HomeBases) -> Result<Self, Error> {
        let path = root.join("home");
        let main = open_or_make(&path)?;
        let trusted = is_roots_alone(&main).map_err(io("read", &path))?;
        if !trusted {
            return Err(Error::OpenHomes(path));
        }
        let walked = |base: &str| (base.to_owned(), walk(root, base));
        Ok(Self {
            main,
            others: allowed.others().map(walked).collect(),
            root: root.to_owned(),
        })
    }

    /// The directory in which a home is.
    pub(super) fn of(&self, home: &Home) -> Result<&Directory, Error> {
        if home.base() == HOME_BASE {
            return Ok(&self.main);
        }
        let found = self.others.iter().find(|(base, _)| base == home.base());
        let opened = found.map_or(Err(Errno::ENOENT), |(_, opened)| {
            opened.as_ref().map_err(|e| *e)
        });
        opened.map_err(io("use", self.root.join(&home.base()[1..])))
    }

    /// All that can be used.
    pub(super) fn all(&self) -> impl Iterator<Item = &Directory> {
        let others = self.others.iter().map(|(_, opened)| opened);
        std::iter::once(&self.main).chain(others.flatten())
    }
}

/// Takes from all but root the right to write ROOT/home, which volume drivers and `fsGroup`
/// give. What cannot be taken is found by [`Bases::open`].
pub(crate) fn tighten(root: &Path) {
    let path = root.join("home");
    let Ok(main) = open_directory(&path) else {
        return;
    };
    let Ok(state) = fstat(&main) else { return };
    let mode = Mode::from_bits_truncate(state.st_mode & 0o7755);
    if state.st_uid == 0 && state.st_mode & 0o022 != 0 && fchmod(&main, mode).is_ok() {
        say(&format!(
            "'{}' had mode {:o}; it is {:o} now",
            path.display(),
            state.st_mode & 0o7777,
            mode.bits()
        ));
    }
}

/// Opens an absolute path of a tree, through no link.
fn walk(root: &Path, path: &str) -> Result<Directory, Errno> {
    let mut here = open_directory(root)?;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        here = here.open(part)?;
        if !is_roots_alone(&here)? {
            return Err(Errno::EPERM);
        }
    }
    Ok(here)
}

fn is_roots_alone(directory: &Directory) -> Result<bool, Errno> {
    let state = fstat(directory)?;
    Ok(state.st_uid == 0 && state.st_mode & 0o022 == 0)
}
