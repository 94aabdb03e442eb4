//! The first look at boot: is there anything to restore at all? Most containers
//! of an image with occ-init in it have no account yet, and should not wait for
//! a restore that finds that out. The new process of COMMAND looks, before it
//! becomes COMMAND, for the store may be on a disk that doesn't answer.
//!
//! It only says "nothing" or "perhaps". Whatever is odd is "perhaps": the
//! restore itself has the words for it.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstat, fstatat};

use crate::commands::STORE;
use crate::etc::lock;
use crate::image;
use crate::restore::APPLIED;
use crate::run_options::Globals;
use crate::sys;
use crate::sys::apart::{self, Apart};
use crate::watch::Watch;

/// Room for the few names that a store without accounts has.
const NAMES: usize = 1024;

/// In etc: what tools that were killed leave. Laid out, for nothing is formatted before
/// COMMAND's start that need not be.
const LOCKS: [&CStr; lock::LINKED.len()] = [
    c"passwd.lock",
    c"group.lock",
    c"gshadow.lock",
    c"shadow.lock",
    c"subuid.lock",
    c"subgid.lock",
];

/// Where it looks; laid out before.
pub(crate) struct Places {
    root: CString,
    store: CString,
    /// Below the root: what a restore that had something to do leaves.
    applied: CString,
    /// Below the root: one of these says who the image's own accounts are.
    lists: [CString; 2],
}

/// What it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glance {
    Nothing,
    /// Accounts, or anything that a restore should look at.
    Something,
    /// The disk did not answer in time.
    Hung,
}

/// Looks at the store. `watch` begins to watch it before, so that what comes
/// later is seen.
pub(crate) fn at(globals: &Globals, mut watch: Option<&mut Watch>, patience: Duration) -> Glance {
    let Some(places) = Places::of(globals) else {
        return Glance::Something;
    };
    let mut is_quiet = false;
    let looked = apart::run(Some(patience), &mut || {
        if let Some(watch) = &mut watch {
            watch.add();
        }
        is_quiet = places.are_quiet();
    });
    match looked {
        Apart::Gone(_) if is_quiet => Glance::Nothing,
        Apart::Gone(_) | Apart::Failed(_) => Glance::Something,
        Apart::Hung => Glance::Hung,
    }
}

impl Places {
    /// None for a path that holds a NUL, which a command line can't give.
    pub(crate) fn of(globals: &Globals) -> Option<Self> {
        let root = globals.root.as_deref().unwrap_or(Path::new("/"));
        let store = globals.store.clone().unwrap_or_else(|| root.join(STORE));
        let below = |path: String| CString::new(path).ok();
        let state = |file: &str| below(format!("{}/{file}", image::STATE));
        Some(Self {
            root: CString::new(root.as_os_str().as_bytes()).ok()?,
            store: CString::new(store.as_os_str().as_bytes()).ok()?,
            applied: state(APPLIED)?,
            lists: [
                below(image::IMAGE_ACCOUNTS.to_owned())?,
                state(image::SNAPSHOT)?,
            ],
        })
    }

    /// Whether a restore has nothing to do. System calls only.
    pub(crate) fn are_quiet(&self) -> bool {
        self.look() == Ok(true)
    }

    fn look(&self) -> Result<bool, Errno> {
        let directory = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let flags = directory | OFlag::O_RDONLY | OFlag::O_NOFOLLOW;
        let store = openat(AT_FDCWD, self.store.as_c_str(), flags, Mode::empty())?;
        let state = fstat(&store)?;
        if state.st_uid != 0 || state.st_mode & 0o077 != 0 || !is_empty(&store)? {
            return Ok(false);
        }
        let flags = directory | OFlag::O_PATH;
        let root = openat(AT_FDCWD, self.root.as_c_str(), flags, Mode::empty())?;
        let etc = openat(&root, c"etc", flags, Mode::empty())?;
        for lock in LOCKS {
            if is_there(&etc, lock)? {
                return Ok(false);
            }
        }
        let is_image_known = is_there(&root, &self.lists[0])? || is_there(&root, &self.lists[1])?;
        Ok(is_image_known && !is_there(&root, &self.applied)?)
    }
}

fn is_there(root: &OwnedFd, path: &CStr) -> Result<bool, Errno> {
    match fstatat(root, path, AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(false),
        Err(errno) => Err(errno),
    }
}

/// Whether it holds nothing but what a store without accounts does.
fn is_empty(store: &OwnedFd) -> Result<bool, Errno> {
    let mut buffer = [0; NAMES];
    loop {
        let length = sys::read_entries(store, &mut buffer)?;
        if length == 0 {
            return Ok(true);
        }
        if !entries(buffer.get(..length).unwrap_or_default()).all(is_expected) {
            return Ok(false);
        }
    }
}

fn is_expected(name: &[u8]) -> bool {
    matches!(name, b"." | b".." | b".lock" | b"lost+found")
}

/// The names in a buffer of getdents64(2): after inode and offset, 8 bytes each,
/// come the entry's length in 2, its type in 1, and its name up to a NUL. What
/// is cut short has an empty name.
fn entries(buffer: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let mut rest = buffer;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = match rest.get(LENGTH..LENGTH + 2) {
            Some(&[low, high]) => usize::from(u16::from_ne_bytes([low, high])),
            _ => 0,
        };
        let entry = rest.get(..length).unwrap_or_default();
        rest = rest.get(length.max(1)..).unwrap_or_default();
        let name = entry.get(NAME..).unwrap_or_default();
        name.split(|byte| *byte == 0).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// A tree that a boot with nothing to do leaves; and how it looks.
    fn tree() -> (tempfile::TempDir, Globals) {
        let dir = tempfile::tempdir().unwrap();
        for path in ["etc", "usr/share/occ", STORE] {
            fs::create_dir_all(dir.path().join(path)).unwrap();
        }
        fs::write(dir.path().join(image::IMAGE_ACCOUNTS), "").unwrap();
        let store = dir.path().join(STORE);
        fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(store.join(".lock"), "").unwrap();
        let globals = Globals {
            root: Some(dir.path().to_owned()),
            ..Globals::default()
        };
        (dir, globals)
    }

    #[test]
    fn a_store_that_never_had_an_account_is_nothing() {
        let (_dir, globals) = tree();
        assert_eq!(at(&globals, None, PATIENCE), Glance::Nothing);
    }

    #[test]
    fn every_trace_of_an_account_is_something() {
        for path in [
            "var/lib/opencode-users/alice.json",
            "var/lib/opencode-users/uids/10000",
            "var/lib/opencode-users/removed/10000.json",
            "var/lib/opencode-users/.occ-alice.json",
            "var/lib/occ-init/applied.json",
            "etc/passwd.lock",
            "etc/shadow.lock",
        ] {
            let (dir, globals) = tree();
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            assert_eq!(at(&globals, None, PATIENCE), Glance::Something, "{path}");
        }
    }

    #[test]
    fn every_lock_is_looked_for() {
        let named = LOCKS.map(|lock| lock.to_str().unwrap());
        assert_eq!(
            named.to_vec(),
            lock::LINKED.map(|name| format!("{name}.lock"))
        );
    }

    #[test]
    fn what_a_first_boot_makes_must_be_there() {
        for path in [STORE, image::IMAGE_ACCOUNTS] {
            let (dir, globals) = tree();
            let gone = dir.path().join(path);
            fs::rename(&gone, gone.with_extension("gone")).unwrap();
            assert_eq!(at(&globals, None, PATIENCE), Glance::Something, "{path}");
        }
    }

    #[test]
    fn a_store_that_others_may_read_is_something() {
        let (dir, globals) = tree();
        let loose = fs::Permissions::from_mode(0o755);
        fs::set_permissions(dir.path().join(STORE), loose).unwrap();
        assert_eq!(at(&globals, None, PATIENCE), Glance::Something);
    }

    #[test]
    fn more_names_than_fit_at_once_are_all_seen() {
        let dir = tempfile::tempdir().unwrap();
        let all = 200;
        for number in 0..all {
            fs::write(dir.path().join(format!("a-rather-long-name-{number}")), "").unwrap();
        }
        let open = OwnedFd::from(fs::File::open(dir.path()).unwrap());
        let (mut buffer, mut seen) = ([0; NAMES], 0);
        loop {
            match sys::read_entries(&open, &mut buffer).unwrap() {
                0 => break,
                length => {
                    let names = entries(&buffer[..length]);
                    seen += names.filter(|name| name.starts_with(b"a-rather-")).count();
                }
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn a_buffer_cut_short_ends() {
        for length in 0..64 {
            assert!(entries(&vec![0xff; length]).count() <= length);
            assert!(entries(&vec![0; length]).count() <= length);
        }
    }
}
