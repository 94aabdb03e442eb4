//! An account file that is a link, as some images have: followed by hand, one
//! component after the other, and only where nobody but root can have put it.
//!
//! The target is what is read and what is replaced; the link stays. The kernel's
//! own following would leave a `--root` tree, and would go through directories
//! in which somebody else can swap a component.

use crate::error::Error;
use crate::fs::replace::{Directory, stat};
use crate::fs::retry::{fstat, openat};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};

/// As many links one after the other.
const MAX_LINKS: usize = 8;

/// Where the link ends: the directory, and the name in it.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) directory: Directory,
    pub(crate) name: String,
}

/// Whether it is a symbolic link.
pub(crate) fn is_link(state: &FileStat) -> bool {
    kind(state) == SFlag::S_IFLNK
}

/// Follows the link ROOT/etc/NAME.
pub(crate) fn follow(root: &Path, name: &str) -> Result<Target, Error> {
    let mut walk = Walk::start(root).map_err(|errno| untrusted(root, name, errno.desc()))?;
    let mut rest: VecDeque<OsString> = ["etc", name].map(OsString::from).into();
    let mut links = 0;
    let fail = |reason: &str| untrusted(root, name, reason);
    while let Some(component) = rest.pop_front() {
        let state = stat(walk.here(), component.as_os_str())
            .map_err(|errno| fail(errno.desc()))?
            .ok_or_else(|| fail("nothing is there"))?;
        if is_link(&state) {
            links += 1;
            if links > MAX_LINKS {
                return Err(fail("too many links"));
            }
            let to = readlinkat(walk.here().fd.as_fd(), component.as_os_str())
                .map_err(|errno| fail(errno.desc()))?;
            walk.take(Path::new(&to), &mut rest).map_err(fail)?;
        } else if rest.is_empty() {
            return walk.end(component, &state).map_err(fail);
        } else {
            walk.enter(&component).map_err(fail)?;
        }
    }
    Err(fail("it ends in a directory"))
}

/// The directories from the root to where we are.
struct Walk(Vec<Directory>);

impl Walk {
    fn start(root: &Path) -> Result<Self, Errno> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(vec![Directory {
            fd: openat(AT_FDCWD, root, flags, Mode::empty())?,
            path: root.to_owned(),
        }]))
    }

    fn here(&self) -> &Directory {
        &self.0[self.0.len() - 1]
    }

    /// Goes into a directory in which only root can put anything.
    fn enter(&mut self, name: &OsString) -> Result<(), &'static str> {
        let next = self.here().open(name.as_os_str()).map_err(Errno::desc)?;
        let state = fstat(next.fd.as_fd()).map_err(Errno::desc)?;
        if state.st_uid != 0 || state.st_mode & 0o022 != 0 {
            return Err("others can write to a directory on the way");
        }
        self.0.push(next);
        Ok(())
    }

    /// Puts the components of a link's text before those still to go. Ways up
    /// are gone here and now: never above the root.
    fn take(&mut self, to: &Path, rest: &mut VecDeque<OsString>) -> Result<(), &'static str> {
        let mut ahead = Vec::new();
        for component in to.components() {
            match component {
                Component::RootDir => self.0.truncate(1),
                Component::Normal(name) => ahead.push(name.to_owned()),
                Component::ParentDir if ahead.is_empty() => {
                    self.0.truncate(self.0.len().saturating_sub(1).max(1));
                }
                // What stands before it may be a link itself.
                Component::ParentDir => return Err("'..' after a name"),
                Component::CurDir | Component::Prefix(_) => (),
            }
        }
        for name in ahead.into_iter().rev() {
            rest.push_front(name);
        }
        Ok(())
    }

    fn end(mut self, name: OsString, state: &FileStat) -> Result<Target, &'static str> {
        if kind(state) != SFlag::S_IFREG {
            return Err("it is not a regular file");
        }
        if state.st_uid != 0 {
            return Err("it does not belong to root");
        }
        Ok(Target {
            directory: self.0.pop().ok_or("nothing is there")?,
            name: name.into_string().map_err(|_| "its name is not UTF-8")?,
        })
    }
}

fn kind(state: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(state.st_mode) & SFlag::S_IFMT
}

fn untrusted(root: &Path, name: &str, reason: &str) -> Error {
    let path = root.join("etc").join(name);
    let target = std::fs::read_link(&path).unwrap_or_else(|_| PathBuf::from("?"));
    Error::Link {
        path,
        target,
        reason: reason.to_lowercase(),
    }
}
