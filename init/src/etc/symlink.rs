//! An account file that is a symbolic link, as some images have: where it really lies.
//!
//! The target is read and replaced; the link stays. Links are followed here, one component
//! after the other, because the kernel would leave a `--root` tree, and would go through
//! directories in which somebody else can swap a component.

use crate::error::Error;
use crate::fs::dir::{Directory, kind, open_root, stat};
use crate::fs::retry::fstat;
use nix::errno::Errno;
use nix::fcntl::readlinkat;
use nix::sys::stat::SFlag;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The most links that are followed one after the other.
const MAX_LINKS: usize = 8;

/// The directory and the name under which an account file lies.
pub(super) struct Location {
    pub(super) directory: Arc<Directory>,
    pub(super) name: String,
}

/// Finds the account file `name` of ROOT/etc, which is open as `etc`.
pub(super) fn locate(root: &Path, etc: &Arc<Directory>, name: &str) -> Result<Location, Error> {
    let state = stat(etc, name).map_err(crate::error::io("read", etc.join(name)))?;
    if state.is_some_and(|state| kind(&state) == SFlag::S_IFLNK) {
        return follow(root, name).map_err(|reason| refused(root, name, reason));
    }
    Ok(Location {
        directory: Arc::clone(etc),
        name: name.to_owned(),
    })
}

/// Follows the link, if root alone can have put there every step of the way.
fn follow(root: &Path, name: &str) -> Result<Location, &'static str> {
    let mut way = vec![open_root(root).map_err(Errno::desc)?];
    let mut rest: Vec<OsString> = vec![name.into(), "etc".into()];
    let mut links = 0;
    while let (Some(component), Some(here)) = (rest.pop(), way.last()) {
        let state = stat(here, component.as_os_str()).map_err(Errno::desc)?;
        let state = state.ok_or("nothing is there")?;
        match kind(&state) {
            SFlag::S_IFLNK if links == MAX_LINKS => return Err("too many links"),
            SFlag::S_IFLNK => {
                links += 1;
                let to = readlinkat(here, component.as_os_str());
                enter_text(&to.map_err(Errno::desc)?, &mut way, &mut rest)?;
            }
            SFlag::S_IFDIR if !rest.is_empty() => {
                let next = here.open(component.as_os_str()).map_err(Errno::desc)?;
                let state = fstat(&next).map_err(Errno::desc)?;
                if state.st_uid != 0 || state.st_mode & 0o022 != 0 {
                    return Err("others can write to a directory on the way");
                }
                way.push(next);
            }
            SFlag::S_IFREG if !rest.is_empty() => return Err(Errno::ENOTDIR.desc()),
            SFlag::S_IFREG if state.st_uid != 0 => return Err("it does not belong to root"),
            SFlag::S_IFREG => {
                let name = component.into_string();
                return Ok(Location {
                    directory: Arc::new(way.pop().ok_or("nothing is there")?),
                    name: name.map_err(|_| "its name is not UTF-8")?,
                });
            }
            _ => return Err("it is not a regular file"),
        }
    }
    Err("it ends in a directory")
}

/// Goes to where the link's text begins, never above the root, and puts its names before
/// those that are left.
fn enter_text(
    text: &OsString,
    way: &mut Vec<Directory>,
    rest: &mut Vec<OsString>,
) -> Result<(), &'static str> {
    let mut names = Vec::new();
    for component in Path::new(text).components() {
        match component {
            Component::RootDir => way.truncate(1),
            Component::Normal(name) => names.push(name.to_owned()),
            // What stands before it may be a link itself.
            Component::ParentDir if !names.is_empty() => return Err("'..' after a name"),
            Component::ParentDir => way.truncate(way.len().saturating_sub(1).max(1)),
            Component::CurDir | Component::Prefix(_) => (),
        }
    }
    rest.extend(names.into_iter().rev());
    Ok(())
}

fn refused(root: &Path, name: &str, reason: &str) -> Error {
    let path = root.join("etc").join(name);
    let target = std::fs::read_link(&path).unwrap_or_else(|_| PathBuf::from("?"));
    Error::Link {
        path,
        target,
        reason: reason.to_lowercase(),
    }
}
