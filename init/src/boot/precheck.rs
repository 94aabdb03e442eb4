//! The first look of a boot: is there anything to restore? Most containers of an image with
//! occ-init in it have no account yet, and are not to wait for a restore that finds that out.
//! Answers "not needed" only where a restore would do nothing; whatever is odd is "needed",
//! for the restore has the words for it.
//!
//! Runs in a child: the store may be on a disk that does not answer, and no system call tells
//! beforehand. PID 1 waits with a time-out and goes on. Not in a thread: pthread_create(3)
//! unblocks signals 33 and 34 in PID 1 (musl and glibc), and took a start 240 µs where the
//! child takes 130.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use crate::cli::globals::Paths;
use crate::layout::{APPLIED, IMAGE_ACCOUNTS, LOCKED_FILES, SNAPSHOT, STATE};
use crate::sys::{self, ChildAnswer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Precheck {
    NotNeeded,
    /// There are accounts, or anything that a restore should look at.
    Needed,
    /// The disk did not answer in time.
    NoAnswer,
}

/// Looks whether a restore has anything to do.
pub(crate) fn run(paths: &Paths, timeout: Duration) -> Precheck {
    match sys::ask_child(timeout, || is_needed(paths)) {
        ChildAnswer::Answer(true) | ChildAnswer::Failed => Precheck::Needed,
        ChildAnswer::Answer(false) => Precheck::NotNeeded,
        ChildAnswer::TimeOut => Precheck::NoAnswer,
    }
}

/// Returns false where a restore would do nothing: an empty store, and all else as a boot
/// that found one leaves it.
pub(crate) fn is_needed(paths: &Paths) -> bool {
    !is_quiet(paths).unwrap_or(false)
}

fn is_quiet(paths: &Paths) -> Result<bool> {
    let (root, state) = (&paths.root, paths.root.join(STATE));
    let store = fs::symlink_metadata(&paths.store)?;
    if !store.is_dir() || store.uid() != 0 || store.mode() & 0o077 != 0 {
        return Ok(false);
    }
    if !is_empty(&paths.store)? || is_locked(&paths.etc())? {
        return Ok(false);
    }
    let is_image_known = is_there(&root.join(IMAGE_ACCOUNTS))? || is_there(&state.join(SNAPSHOT))?;
    Ok(is_image_known && !is_there(&state.join(APPLIED))?)
}

/// Returns true if a store holds nothing but what one without accounts does.
fn is_empty(store: &Path) -> Result<bool> {
    for entry in fs::read_dir(store)? {
        if !matches!(entry?.file_name().as_bytes(), b".lock" | b"lost+found") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns true if tools that were killed have left locks.
fn is_locked(etc: &Path) -> Result<bool> {
    if !etc.is_dir() {
        return Err(Error::from(ErrorKind::NotFound));
    }
    for name in LOCKED_FILES {
        if is_there(&etc.join(format!("{name}.lock")))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_there(path: &Path) -> Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::STORE;
    use std::os::unix::fs::PermissionsExt as _;

    const TIMEOUT: Duration = Duration::from_secs(60);

    /// A tree that a boot with nothing to do leaves.
    fn tree() -> (tempfile::TempDir, Paths) {
        let dir = tempfile::tempdir().unwrap();
        for path in ["etc", "usr/share/occ", STORE] {
            fs::create_dir_all(dir.path().join(path)).unwrap();
        }
        fs::write(dir.path().join(IMAGE_ACCOUNTS), "").unwrap();
        let store = dir.path().join(STORE);
        fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(store.join(".lock"), "").unwrap();
        let paths = Paths {
            root: dir.path().to_owned(),
            store,
            without_lock: false,
        };
        (dir, paths)
    }

    #[test]
    fn store_that_never_had_an_account_needs_no_restore() {
        let (_dir, paths) = tree();
        assert_eq!(run(&paths, TIMEOUT), Precheck::NotNeeded);
    }

    #[test]
    fn every_trace_of_an_account_needs_one() {
        for path in [
            "var/lib/opencode-users/alice.json",
            "var/lib/opencode-users/uids/10000",
            "var/lib/opencode-users/removed/10000.json",
            "var/lib/opencode-users/.occ-alice.json",
            "var/lib/occ-init/applied.json",
            "etc/passwd.lock",
            "etc/shadow.lock",
        ] {
            let (dir, paths) = tree();
            let file = dir.path().join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            assert_eq!(run(&paths, TIMEOUT), Precheck::Needed, "{path}");
        }
    }

    #[test]
    fn missing_files_of_a_first_boot_need_one() {
        for path in [STORE, IMAGE_ACCOUNTS, "etc"] {
            let (dir, paths) = tree();
            let gone = dir.path().join(path);
            fs::rename(&gone, gone.with_extension("gone")).unwrap();
            assert_eq!(run(&paths, TIMEOUT), Precheck::Needed, "{path}");
        }
    }

    #[test]
    fn store_that_others_may_read_needs_one() {
        let (_dir, paths) = tree();
        fs::set_permissions(&paths.store, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(run(&paths, TIMEOUT), Precheck::Needed);
    }
}
