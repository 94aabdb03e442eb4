//! The options that every command has, and the two directories that they name. Reads no
//! file.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::layout::STORE;

/// Options that may stand anywhere before COMMAND.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag")]
pub(crate) struct Globals {
    /// Work on another tree; its store is DIR/var/lib/opencode-users
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// Where the records are
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Write to a store that has no locks: only while nobody else does
    #[arg(long, global = true)]
    pub(crate) no_store_lock: bool,
    /// Answer with one line of JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say less; a generated password is printed all the same
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// The tree and the store that a command works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    pub(crate) root: PathBuf,
    pub(crate) store: PathBuf,
    /// Write to a store that has no locks.
    pub(crate) without_lock: bool,
}

impl Globals {
    pub(crate) fn paths(&self) -> Paths {
        let root = self.root.clone().unwrap_or_else(|| PathBuf::from("/"));
        let store = self.store.clone().unwrap_or_else(|| root.join(STORE));
        Paths {
            root,
            store,
            without_lock: self.no_store_lock,
        }
    }
}

impl Paths {
    /// The same paths, valid from every working directory.
    pub(crate) fn absolute(&self) -> Self {
        let absolute = |path: &Path| {
            if path.is_absolute() {
                return path.to_owned();
            }
            std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
        };
        Self {
            root: absolute(&self.root),
            store: absolute(&self.store),
            without_lock: self.without_lock,
        }
    }

    pub(crate) fn etc(&self) -> PathBuf {
        self.root.join("etc")
    }
}
