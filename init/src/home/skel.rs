//! /etc/skel: read once, copied into every home that is made. Thousands of homes
//! get the same few dotfiles; opening and reading those each time is most of what
//! a home costs beyond the file system's own work.

use super::{MAX_DEPTH, ids, own};
use crate::fs::dir::{Directory, kind, open_directory, read_all, stat, write_all};
use crate::fs::retry::{fchmod, fchown, fchownat, mkdirat, symlinkat};
use accounts::account::Uid;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, readlinkat};
use nix::sys::stat::{Mode, SFlag};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Bytes of a skeleton that are kept in memory; what is more is read each time.
const KEPT: u64 = 1 << 20;

/// The content of a new home, read once.
pub(super) struct Skeleton {
    /// Not open: several threads copy it, each with descriptors of its own.
    path: PathBuf,
    entries: Vec<Entry>,
}

/// Something in the skeleton, and its name there.
struct Entry {
    name: OsString,
    kind: Kind,
}

enum Kind {
    Directory(u32, Vec<Entry>),
    File(u32, Content),
    Link(OsString),
}

enum Content {
    Kept(Vec<u8>),
    /// The directories below the skeleton that lead to it.
    OnDisk(Vec<OsString>),
}

impl Skeleton {
    /// Reads ROOT/etc/skel, if it is there.
    pub(super) fn read(root: &Path) -> Result<Option<Self>, Errno> {
        let path = root.join("etc/skel");
        let Ok(base) = open_directory(&path) else {
            return Ok(None);
        };
        let mut left = KEPT;
        let entries = read(&base, &mut Vec::new(), &mut left)?;
        Ok(Some(Self { path, entries }))
    }

    /// Copies it into a directory, all of it the uid's.
    pub(super) fn copy_to(&self, home: &Directory, uid: Uid) -> Result<(), Errno> {
        self.copy(&self.entries, home, uid)
    }

    fn copy(&self, entries: &[Entry], to: &Directory, uid: Uid) -> Result<(), Errno> {
        for Entry { name, kind } in entries {
            let name = name.as_os_str();
            match kind {
                Kind::Directory(mode, inside) => {
                    mkdirat(to, name, Mode::S_IRWXU)?;
                    let new = to.open(name)?;
                    self.copy(inside, &new, uid)?;
                    fchmod(&new, Mode::from_bits_truncate(*mode))?;
                    own(&new, uid)?;
                }
                Kind::File(mode, Content::Kept(content)) => {
                    make_file(to, name, content, *mode, uid)?;
                }
                Kind::File(mode, Content::OnDisk(path)) => {
                    make_file(to, name, &self.read_again(path, name)?, *mode, uid)?;
                }
                Kind::Link(target) => link(to, name, target, uid)?,
            }
        }
        Ok(())
    }

    fn read_again(&self, path: &[OsString], name: &OsStr) -> Result<Vec<u8>, Errno> {
        let mut directory = open_directory(&self.path)?;
        for part in path {
            directory = directory.open(part.as_os_str())?;
        }
        read_all(&directory.open_file(name)?, usize::MAX)
    }
}

/// Reads a directory of the skeleton: files, directories and links; FIFOs and devices are
/// left out. `left` is the number of bytes that may still be kept.
fn read(from: &Directory, path: &mut Vec<OsString>, left: &mut u64) -> Result<Vec<Entry>, Errno> {
    if path.len() > MAX_DEPTH {
        return Err(Errno::ELOOP);
    }
    let mut entries = Vec::new();
    for name in from.names()? {
        let Some(state) = stat(from, name.as_os_str())? else {
            continue;
        };
        let mode = state.st_mode & 0o755;
        let kind = match kind(&state) {
            SFlag::S_IFDIR => {
                let directory = from.open(name.as_os_str())?;
                path.push(name.clone());
                let inside = read(&directory, path, left)?;
                path.pop();
                Kind::Directory(mode, inside)
            }
            SFlag::S_IFREG => {
                let size = u64::try_from(state.st_size).unwrap_or(u64::MAX);
                Kind::File(
                    mode,
                    if size <= *left {
                        *left -= size;
                        Content::Kept(read_all(&from.open_file(name.as_os_str())?, usize::MAX)?)
                    } else {
                        Content::OnDisk(path.clone())
                    },
                )
            }
            SFlag::S_IFLNK => Kind::Link(readlinkat(from, name.as_os_str())?),
            _ => continue,
        };
        entries.push(Entry { name, kind });
    }
    Ok(entries)
}

fn make_file(
    to: &Directory,
    name: &OsStr,
    content: &[u8],
    mode: u32,
    uid: Uid,
) -> Result<(), Errno> {
    // No umask takes any of these bits: `command` sets it.
    let new = to.create(name, mode)?;
    write_all(&new, content)?;
    let (owner, group) = ids(uid);
    fchown(&new, owner, group)
}

fn link(to: &Directory, name: &OsStr, target: &OsStr, uid: Uid) -> Result<(), Errno> {
    symlinkat(target, to, name)?;
    let (owner, group) = ids(uid);
    let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
    fchownat(to, name, owner, group, flags)
}
