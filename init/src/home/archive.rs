//! Homes going out into a backup, as tar entries.
//!
//! People change their homes while root reads them, so nothing is opened through a link, and
//! what changes under way is no reason to stop.

use super::{Homes, MAX_DEPTH};
use crate::fs::dir::{Directory, kind, stat};
use crate::fs::retry::fstat;
use crate::fs::sealed_stream::header_of;
use crate::log::{errno_text, say};
use accounts::account::{HOME_BASE, Home, Uid};
use accounts::admin::backup::HOMES;
use nix::errno::Errno;
use nix::fcntl::readlinkat;
use nix::sys::stat::{FileStat, SFlag};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self as std_io, Read, Write};
use std::path::{Path, PathBuf};
use tar::EntryType;

/// Bytes of a home that no disk has: in holes, of which tar would write every zero, and in
/// further names of a file that can't become links. Anybody can make exabytes of them, so the
/// next such file is left out.
const UNBACKED: i64 = 1 << 30;
/// Memory for the names of files that have several, and what each takes besides its bytes.
const NAMES: usize = 64 << 20;
const NAME: usize = 128;
/// In units of st_blocks, stat(2).
const STAT_BLOCK: i64 = 512;

impl Homes {
    /// Writes a home and all that is in it, if it is there and its owner's.
    /// What can't be read is named and left out; errors are those of `to`.
    pub(crate) fn pack<W: Write>(
        &self,
        home: &Home,
        uid: Uid,
        to: &mut tar::Builder<W>,
    ) -> std_io::Result<()> {
        if home.base() != HOME_BASE {
            let path = Path::new(&home.as_str()[1..]);
            return left_out(path, "only homes in /home are");
        }
        let path = Path::new(HOMES).join(home.component());
        match open(&self.bases.main, home.component().as_ref()) {
            Err(Errno::ENOENT) => Ok(()),
            Err(errno) => left_out(&path, &errno_text(errno)),
            Ok((state, _)) if state.st_uid != uid.get() => {
                left_out(&path, "it belongs to somebody else")
            }
            Ok((state, open)) => {
                let mut packer = Packer {
                    to,
                    unbacked: UNBACKED,
                    first_names: BTreeMap::new(),
                    room: NAMES,
                };
                packer.directory(&open, &state, &path, 0)
            }
        }
    }
}

/// One home on its way into an archive.
struct Packer<'a, W: Write> {
    to: &'a mut tar::Builder<W>,
    /// Bytes that no disk has and that may still come.
    unbacked: i64,
    /// By device and inode, the files that have several names: the first one, and the state
    /// in which its content was packed.
    first_names: BTreeMap<(u64, u64), (PathBuf, Content)>,
    /// Bytes that are left for further ones.
    room: usize,
}

/// Size and time of a file's content. An inode number can be given again, and a file written
/// to, between two of its names.
type Content = (i64, i64, i64);

fn open(within: &Directory, name: &OsStr) -> Result<(FileStat, Directory), Errno> {
    let directory = within.open(name)?;
    Ok((fstat(&directory)?, directory))
}

/// Says what is missing; that is no reason to stop.
#[allow(clippy::unnecessary_wraps)] // So that it can stand where others may fail.
fn left_out(path: &Path, why: &str) -> std_io::Result<()> {
    say(&format!(
        "'/{}' is not in the backup: {}",
        path.display().to_string().escape_debug(),
        why
    ));
    Ok(())
}

impl<W: Write> Packer<'_, W> {
    fn directory(
        &mut self,
        directory: &Directory,
        state: &FileStat,
        path: &Path,
        depth: usize,
    ) -> std_io::Result<()> {
        if depth > MAX_DEPTH {
            return left_out(path, "it is too deep");
        }
        let mut names = directory.names().unwrap_or_default();
        names.sort();
        for name in names {
            let path = path.join(&name);
            match stat(directory, name.as_os_str()) {
                Ok(Some(state)) => self.entry(directory, &name, &state, &path, depth)?,
                Ok(None) => (),
                Err(errno) => left_out(&path, &errno_text(errno))?,
            }
        }
        let mut header = header_of(EntryType::Directory, state, 0);
        self.to.append_data(&mut header, path, std_io::empty())
    }

    fn entry(
        &mut self,
        within: &Directory,
        name: &OsStr,
        state: &FileStat,
        path: &Path,
        depth: usize,
    ) -> std_io::Result<()> {
        match kind(state) {
            SFlag::S_IFDIR => match open(within, name) {
                Ok((state, open)) => self.directory(&open, &state, path, depth + 1)?,
                Err(Errno::ENOENT) => (),
                Err(errno) => left_out(path, &errno_text(errno))?,
            },
            SFlag::S_IFREG => self.file(within, name, path)?,
            SFlag::S_IFLNK => match readlinkat(within, name) {
                Ok(target) => {
                    let mut header = header_of(EntryType::Symlink, state, 0);
                    self.to
                        .append_link(&mut header, path, PathBuf::from(target))?;
                }
                Err(Errno::ENOENT) => (),
                Err(errno) => left_out(path, &errno_text(errno))?,
            },
            // Sockets and FIFOs belong to processes, devices to root.
            _ => (),
        }
        Ok(())
    }

    fn file(&mut self, within: &Directory, name: &OsStr, path: &Path) -> std_io::Result<()> {
        let opened = within.open_file(name);
        let (state, fd) = match opened.and_then(|fd| Ok((fstat(&fd)?, fd))) {
            Ok(found) => found,
            Err(Errno::ENOENT) => return Ok(()),
            Err(errno) => return left_out(path, &errno_text(errno)),
        };
        if kind(&state) != SFlag::S_IFREG {
            return Ok(());
        }
        let id = (state.st_dev, state.st_ino);
        let content = (state.st_size, state.st_mtime, state.st_mtime_nsec);
        let has_several = state.st_nlink > 1;
        let known = self.first_names.get(&id).filter(|_| has_several);
        if let Some((first, _)) = known.filter(|(_, packed)| *packed == content) {
            let mut header = header_of(EntryType::Link, &state, 0);
            return self.to.append_link(&mut header, path, first);
        }
        let cost = path.as_os_str().len() + NAME;
        let is_again = has_several && (known.is_some() || cost > self.room);
        let holes = state.st_size - state.st_blocks.saturating_mul(STAT_BLOCK);
        let (unbacked, why) = if is_again {
            (state.st_size, "this home has too many names for its files")
        } else {
            (
                holes.max(0),
                "the files of this home have holes of more than 1 GiB",
            )
        };
        if unbacked > self.unbacked {
            return left_out(path, why);
        }
        self.unbacked -= unbacked;
        if has_several && !is_again {
            self.room -= cost;
            self.first_names.insert(id, (path.to_owned(), content));
        }
        let size = u64::try_from(state.st_size).unwrap_or_default();
        let mut header = header_of(EntryType::Regular, &state, size);
        // The header says how much comes: what grows is cut, what shrinks is filled.
        let content = File::from(fd).chain(std_io::repeat(0)).take(size);
        self.to.append_data(&mut header, path, content)
    }
}
