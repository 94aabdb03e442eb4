//! Home directories: made once, whole, and never touched again.
//!
//! Root must not write into a directory that a person controls: a link swapped
//! in would make it write elsewhere. So a home is built under a temporary name
//! in /home, where only root writes, and renamed in when it is complete.

mod archive;
mod bases;
pub(crate) mod extract;
mod skel;

use crate::error::{Error, io};
use crate::fs::dir::{Directory, kind, stat};
use crate::fs::retry::{fchmod, fchown, fstat, renameat, unlinkat};
use accounts::account::{Home, Uid};
use accounts::image::HomeBases;
use bases::Bases;
pub(crate) use bases::tighten;
use nix::errno::Errno;
use nix::sys::stat::{Mode, SFlag};
use nix::unistd::{Gid, Uid as RawUid, UnlinkatFlags};
use skel::Skeleton;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Deepest directory below a home or skeleton that we walk.
const MAX_DEPTH: usize = 64;

/// A home that is being made.
const NEW: &str = ".occ-new-";
/// A directory that stood too deep below a home that is deleted.
const DEEP: &str = ".occ-deep-";
/// Prefix of the name to which a home is renamed before it is deleted.
const PURGED: &str = ".occ-purge-";

/// The homes of a tree, and the skeleton for new ones.
pub(crate) struct Homes {
    bases: Bases,
    root: PathBuf,
    /// Read for the first home that is made; none: the image has none.
    skeleton: OnceLock<Result<Option<Skeleton>, Errno>>,
}

/// The state of a home after a restore.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It was made now.
    Made,
    /// It was there, and is as it should be.
    Present,
    /// It was there, and something about it should be looked at.
    Odd(String),
}

impl Homes {
    /// Opens ROOT/home, making it if there is none, and where else the image
    /// allows homes.
    pub(crate) fn open(root: &Path, allowed: &HomeBases) -> Result<Self, Error> {
        Ok(Self {
            bases: Bases::open(root, allowed)?,
            root: root.to_owned(),
            skeleton: OnceLock::new(),
        })
    }

    /// Returns the line that the next restore would log about a home, or `None` if the home is
    /// there and as it should be. Changes nothing.
    pub(crate) fn look(root: &Path, home: &Home, uid: Uid) -> Option<String> {
        let path = root.join(&home.as_str()[1..]);
        match nix::sys::stat::lstat(&path) {
            Ok(state) => match judge(&state, home, uid) {
                Found::Odd(what) => Some(what),
                Found::Made | Found::Present => None,
            },
            Err(Errno::ENOENT) => Some(format!("'{home}' is not there")),
            Err(errno) => Some(crate::error::chain(&io("read", path)(errno))),
        }
    }

    /// Deletes what a killed run left behind: homes half made, homes half purged.
    /// For whoever holds the store's lock.
    pub(crate) fn clean(&self) -> Result<(), Error> {
        let is_left = |name: &[u8]| {
            let marks = [NEW, PURGED].map(str::as_bytes);
            marks.iter().any(|mark| name.starts_with(mark))
        };
        for base in self.bases.all() {
            let names = base.names_if(is_left);
            let leftovers = names.map_err(io("read", &base.path))?;
            for name in leftovers.iter().filter_map(|name| name.to_str()) {
                discard(base, name).map_err(io("delete", base.join(name)))?;
            }
        }
        Ok(())
    }

    /// Owners of everything where homes are: numbers that must not be given again.
    pub(crate) fn owners(&self) -> Result<Vec<u32>, Error> {
        let mut owners = Vec::new();
        for base in self.bases.all() {
            for name in base.names().map_err(io("read", &base.path))? {
                owners.extend(owner_of(base, &name)?);
            }
        }
        Ok(owners)
    }

    /// The owner of one home, if it is there.
    pub(crate) fn owner(&self, home: &Home) -> Result<Option<u32>, Error> {
        owner_of(self.bases.of(home)?, OsStr::new(home.component()))
    }

    /// Makes the home if it is not there. One that is there is never changed.
    pub(crate) fn ensure(&self, home: &Home, uid: Uid) -> Result<Found, Error> {
        let base = self.bases.of(home)?;
        let path = || base.join(home.component());
        match stat(base, home.component()) {
            Ok(Some(state)) => return Ok(judge(&state, home, uid)),
            Ok(None) => (),
            Err(errno) => return Err(io("read", path())(errno)),
        }
        let temporary = format!("{NEW}{uid}");
        if let Err(errno) = self.build(base, &temporary, home, uid) {
            let _ = discard(base, &temporary);
            return Err(io("make", path())(errno));
        }
        Ok(Found::Made)
    }

    fn build(&self, base: &Directory, temporary: &str, home: &Home, uid: Uid) -> Result<(), Errno> {
        let new = match base.make(temporary) {
            // A killed run's.
            Err(Errno::EEXIST) => discard(base, temporary).and_then(|()| base.make(temporary)),
            made => made,
        }?;
        let skeleton = self.skeleton.get_or_init(|| Skeleton::read(&self.root));
        if let Some(skeleton) = skeleton.as_ref().map_err(|errno| *errno)? {
            skeleton.copy_to(&new, uid)?;
        }
        own(&new, uid)?;
        fchmod(&new, Mode::S_IRWXU)?;
        renameat(base, temporary, base, home.component())
    }

    /// Deletes a home with all that is in it, if it is the uid's.
    pub(crate) fn purge(&self, home: &Home, uid: Uid) -> Result<(), Error> {
        let base = self.bases.of(home)?;
        let path = base.join(home.component());
        match stat(base, home.component()).map_err(io("read", &path))? {
            None => return Ok(()),
            Some(state) if state.st_uid != uid.get() => {
                return Err(io("delete", path)(Errno::EPERM));
            }
            Some(_) => (),
        }
        // Out of the person's reach first: nobody else can enter a 0700
        // directory of root's, so nothing can be swapped while we walk.
        let trash = format!("{PURGED}{uid}");
        let inside = discard(base, &trash).and_then(|()| base.make(&trash));
        let purged = inside.and_then(|inside| {
            renameat(base, home.component(), &inside, "home")?;
            discard(base, &trash)
        });
        purged.map_err(io("delete", path))
    }
}

fn owner_of(base: &Directory, name: &OsStr) -> Result<Option<u32>, Error> {
    let found = stat(base, name).map_err(io("read", base.join(name)))?;
    Ok(found.map(|stat| stat.st_uid))
}

/// Deletes a directory of ours and all that is in it.
fn discard(base: &Directory, name: &str) -> Result<(), Errno> {
    if stat(base, name)?.is_none() {
        return Ok(());
    }
    let device = fstat(base)?.st_dev;
    let top = base.open(name)?;
    while !top.names()?.is_empty() {
        empty(&top, &top, device, 0)?;
    }
    unlinkat(base, name, UnlinkatFlags::RemoveDir)
}

fn judge(state: &nix::sys::stat::FileStat, home: &Home, uid: Uid) -> Found {
    if kind(state) != SFlag::S_IFDIR {
        Found::Odd(format!("'{home}' is not a directory"))
    } else if state.st_uid != uid.get() {
        Found::Odd(format!(
            "'{home}' belongs to uid {}, not {uid}",
            state.st_uid
        ))
    } else if state.st_mode & 0o077 != 0 {
        Found::Odd(format!(
            "'{home}' has mode {:o}; others can look into it: 'chmod 700 {home}' closes it",
            state.st_mode & 0o7777
        ))
    } else {
        Found::Present
    }
}

fn own(directory: &Directory, uid: Uid) -> Result<(), Errno> {
    let (owner, group) = ids(uid);
    fchown(directory, owner, group)
}

fn ids(uid: Uid) -> (Option<RawUid>, Option<Gid>) {
    (
        Some(RawUid::from_raw(uid.get())),
        Some(Gid::from_raw(uid.get())),
    )
}

/// Deletes what is in a directory, never leaving its device: what is mounted
/// below a home is not the home. People can nest deeper than we have stack and
/// file descriptors, so what is too deep moves up to `top`, for the next round.
fn empty(top: &Directory, directory: &Directory, device: u64, depth: usize) -> Result<(), Errno> {
    if fstat(directory)?.st_dev != device {
        return Err(Errno::EXDEV);
    }
    for name in directory.names()? {
        let name = name.as_os_str();
        match unlinkat(directory, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => (),
            Err(Errno::EISDIR | Errno::EPERM) if depth == MAX_DEPTH => {
                let below = fstat(&directory.open(name)?)?;
                let moved = format!("{DEEP}{}", below.st_ino);
                renameat(directory, name, top, moved.as_str())?;
            }
            Err(Errno::EISDIR | Errno::EPERM) => {
                empty(top, &directory.open(name)?, device, depth + 1)?;
                unlinkat(directory, name, UnlinkatFlags::RemoveDir)?;
            }
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
