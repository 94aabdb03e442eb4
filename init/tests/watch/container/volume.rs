//! The volume of records, which several containers may have.

use crate::support::until;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A store that containers share.
pub(crate) struct Volume(pub(super) TempDir);

impl Volume {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new_in("/dev/shm").unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(directory.path(), private).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// The password hash in a record.
    pub(crate) fn hash(&self, name: &str) -> String {
        let text = fs::read(self.path(&format!("{name}.json"))).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let hash = &record["privileged"]["hashedPassword"][0];
        hash.as_str().unwrap_or_default().to_owned()
    }

    /// Everything in it, so that a rewrite with the same content shows.
    pub(super) fn state(&self) -> String {
        let mut state = String::new();
        for entry in fs::read_dir(self.0.path()).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            let (path, changed) = (entry.path(), meta.modified().unwrap());
            writeln!(state, "{} {changed:?}", path.display()).unwrap();
        }
        state
    }
}

/// The store's lock, held by somebody else until dropped.
pub(crate) fn hold_lock(volume: &Volume) -> fs::File {
    let file = fs::File::options()
        .write(true)
        .open(volume.path(".lock"))
        .unwrap();
    let whole = nix::libc::flock {
        l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
        l_whence: 0,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    until("the lock is free", || {
        nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_OFD_SETLK(&whole)).is_ok()
    });
    file
}
