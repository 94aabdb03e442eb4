//! A person's directory for temporary files, /run/occ/user/UID: made by root
//! before they run, wiped after. What is in it by then may be meant as a trap
//! for root: links, a million files, a path of a million directories.

use std::ffi::{CStr, CString, OsStr};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, UnlinkatFlags, chown, unlinkat};

use crate::log;

/// The parent of all of them. Only root can make or rename anything in it.
const ALL: &str = "/run/occ/user";
/// The directory in which they are wiped, out of everybody's reach.
const WIPE: &str = "/run/occ/wipe";

/// The two directories that a person gets.
pub(crate) struct Tmpdirs {
    pub(crate) tmp: PathBuf,
    pub(crate) runtime: PathBuf,
}

/// Makes /run/occ and what is in it, owned by root.
pub(crate) fn prepare() -> io::Result<()> {
    for (path, mode) in [("/run/occ", 0o755), (ALL, 0o711), (WIPE, 0o700)] {
        if !make_for_root(path, mode)? {
            let why = format!("'{path}' is not root's directory");
            return Err(io::Error::other(why));
        }
    }
    Ok(())
}

/// Makes a directory if need be. Returns false for what is there and not root's
/// directory; root's gets this mode.
pub(crate) fn make_for_root(path: &str, mode: u32) -> io::Result<bool> {
    match fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
    {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => (),
    }
    let meta = fs::symlink_metadata(path)?;
    let is_roots = meta.is_dir() && meta.uid() == 0;
    if is_roots {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    Ok(is_roots)
}

/// Makes a fresh one. Leftovers of an earlier one are moved out of their owner's reach, to
/// be wiped later.
pub(crate) fn make(uid: u32, gid: u32) -> io::Result<Tmpdirs> {
    move_away(uid)?;
    let (own, tmpdirs) = paths(uid);
    // The person's last, so that they can't reach in while it is being made.
    for path in [&own, &tmpdirs.tmp, &tmpdirs.runtime] {
        fs::DirBuilder::new().mode(0o700).create(path)?;
    }
    for path in [&tmpdirs.tmp, &tmpdirs.runtime, &own] {
        chown(path, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)))?;
    }
    Ok(tmpdirs)
}

/// Those that are there, for something of the person's runs already; else fresh ones.
pub(crate) fn make_or_keep(uid: u32, gid: u32) -> io::Result<Tmpdirs> {
    let (own, tmpdirs) = paths(uid);
    // Only root makes or renames anything in the parent.
    if fs::symlink_metadata(own).is_ok() {
        Ok(tmpdirs)
    } else {
        make(uid, gid)
    }
}

fn paths(uid: u32) -> (PathBuf, Tmpdirs) {
    let own = Path::new(ALL).join(uid.to_string());
    let tmpdirs = Tmpdirs {
        tmp: own.join("tmp"),
        runtime: own.join("run"),
    };
    (own, tmpdirs)
}

/// The directories to wipe.
#[derive(Args)]
pub struct Options {
    /// The uid's; without one, all of them.
    uid: Option<u32>,
}

/// `occ-gate wipe-tmpdir`: a process of its own, because it may take long. With a uid it
/// wipes only that person's, so that nobody waits for what another left.
pub fn main(options: &Options) -> ExitCode {
    let wiped = match options.uid {
        Some(uid) => move_away(uid).and_then(|()| wipe_all(&format!("{uid}."))),
        None => move_all_away().and_then(|()| wipe_all("")),
    };
    match wiped {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::line(&format!("cannot wipe what was in '{ALL}': {error}"));
            ExitCode::FAILURE
        }
    }
}

fn move_all_away() -> io::Result<()> {
    let names = names(&mut open(Path::new(ALL))?)?;
    let uids = names
        .iter()
        .filter_map(|name| name.to_str().ok()?.parse().ok());
    uids.into_iter().try_for_each(move_away)
}

/// Moves a person's, if there is one, out of their reach: into a directory of root's that
/// has their uid in its name.
fn move_away(uid: u32) -> io::Result<()> {
    let own = Path::new(ALL).join(uid.to_string());
    if fs::symlink_metadata(&own).is_err() {
        return Ok(());
    }
    let new = (0_u64..).find_map(|number| {
        let new = Path::new(WIPE).join(format!("{uid}.{number}"));
        match fs::DirBuilder::new().mode(0o700).create(&new) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            made => Some(made.map(|()| new)),
        }
    });
    let new = new.ok_or(io::ErrorKind::AlreadyExists)??;
    or_gone(fs::rename(own, new.join("0")))
}

/// Wipes the directories whose names begin so. One that can't be wiped keeps nobody from
/// the next.
fn wipe_all(prefix: &str) -> io::Result<()> {
    let mut last = Ok(());
    for name in names(&mut open(Path::new(WIPE))?)? {
        if name.to_bytes().starts_with(prefix.as_bytes()) {
            let path = Path::new(WIPE).join(OsStr::from_bytes(name.to_bytes()));
            let wiped = wipe(&path).and_then(|()| fs::remove_dir(&path));
            last = or_gone(wiped).and(last);
        }
    }
    last
}

/// Another process may have wiped it meanwhile.
fn or_gone(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// Empties a directory of root's. No recursion and no path of more than one
/// name: a directory that can't be removed from its parent moves up to here and
/// has its turn. Whoever waits for this ends it when it takes too long.
fn wipe(path: &Path) -> io::Result<()> {
    let mut top = open(path)?;
    let mut moved = 0_u64;
    loop {
        let names = names(&mut top)?;
        if names.is_empty() {
            return Ok(());
        }
        for name in names {
            if unlinkat(&top, name.as_c_str(), UnlinkatFlags::NoRemoveDir).is_ok() {
                continue;
            }
            or_gone(empty_into(&top, &name, &mut moved))?;
            // Something may have come in since; then there is another turn.
            let _ = unlinkat(&top, name.as_c_str(), UnlinkatFlags::RemoveDir);
        }
    }
}

/// Removes what is in a directory, or moves it up.
fn empty_into(top: &Dir, name: &CStr, moved: &mut u64) -> io::Result<()> {
    let mut directory = Dir::openat(top, name, flags(), Mode::empty())?;
    for child in names(&mut directory)? {
        let child = child.as_c_str();
        let removed = unlinkat(&directory, child, UnlinkatFlags::NoRemoveDir)
            .or_else(|_| unlinkat(&directory, child, UnlinkatFlags::RemoveDir));
        if matches!(removed, Ok(()) | Err(Errno::ENOENT)) {
            continue;
        }
        *moved += 1;
        let new = CString::new(format!("{}.{moved}", std::process::id()))?;
        renameat(&directory, child, top, new.as_c_str())?;
    }
    Ok(())
}

fn flags() -> OFlag {
    OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn open(path: &Path) -> io::Result<Dir> {
    Ok(Dir::open(path, flags(), Mode::empty())?)
}

fn names(directory: &mut Dir) -> io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in directory.iter() {
        let name = entry?.file_name().to_owned();
        if !matches!(name.as_bytes(), b"." | b"..") {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
