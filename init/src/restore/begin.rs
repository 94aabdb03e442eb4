//! The beginning of a session: lock, load, read, take older records over.

use super::applied_file::AppliedFile;
use super::locks::{lock_etc, lock_store};
use super::session::{Caller, Session, must_be_root};
use super::{Paths, migrate};
use crate::error::Error;
use crate::etc::EtcFiles;
use crate::home::{self, Homes};
use crate::image::{self, People};
use crate::store::{Loaded, Store};
use accounts::files::Etc;
use accounts::image::HomeBases;
use accounts::record::Records;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::path::Path;

impl Session {
    /// Takes the locks, reads, takes older records over, and captures passwords
    /// that people changed themselves: for a command that changes records.
    pub(crate) fn begin(paths: &Paths, caller: Caller) -> Result<Self, Error> {
        let mut session = Self::begin_restore(paths, caller)?;
        session.is_captured = true;
        session.capture();
        Ok(session)
    }

    /// The same for a restore, which captures before it writes: whether there is
    /// anything to capture its plan will tell.
    pub(crate) fn begin_restore(paths: &Paths, caller: Caller) -> Result<Self, Error> {
        must_be_root()?;
        let store = Store::open(&paths.store)?;
        home::tighten(&paths.root);
        let store_lock = lock_store(&store, paths, caller)?;
        let names = match store_lock {
            Some(_) => store.remove_temporaries()?,
            None => store.names()?,
        };
        let uids = image::uid_range(&paths.root)?;
        let (
            applied,
            Loaded {
                mut records,
                legacy,
            },
        ) = store.load_these(names, uids, || read_beside(paths, &store));
        let etc_files = EtcFiles::open(&paths.root)?;
        let etc_lock = lock_etc(&etc_files, &records, caller)?;
        if etc_lock.is_held() {
            etc_files.finish_writes(&etc_lock)?;
        }
        let snapshot = etc_files.read()?;
        settle(&mut records, &snapshot.etc, &paths.root);
        let people = People {
            records: &records,
            store: Some(&store),
        };
        let image = image::read(&paths.root, &snapshot.etc, people, true)?;
        let applied = applied?.into_current(paths)?;
        let mut session = Self {
            paths: paths.clone(),
            store,
            records,
            image,
            applied,
            is_captured: false,
            saved: BTreeSet::new(),
            written: Vec::new(),
            not_captured: BTreeSet::new(),
            etc_files,
            snapshot,
            etc_lock,
            store_lock,
        };
        // Whoever holds the store's lock may be at the very same.
        if session.store_lock.is_some() {
            for (record, bytes) in legacy {
                session.migrate(&record, &bytes);
            }
        } else {
            let left = legacy
                .iter()
                .map(|(old, _)| migrate::not_yet(&old.name, &session.image));
            session.records.rejected.extend(left);
        }
        Ok(session)
    }
}

/// What a thread reads while others read records. A container's first restore adds everybody, and
/// asks for the ledger twice: 9 % of a restore of 10,000 (bar in docs/benchmarks.md).
fn read_beside(paths: &Paths, store: &Store) -> Result<AppliedFile, Error> {
    let applied = AppliedFile::read(paths)?;
    if applied.is_missing() {
        // Whoever needs it reports that it can't be read.
        let _ = store.known_uids();
    }
    Ok(applied)
}

/// Decides who has a uid that two records claim and the ledger does not know.
pub(super) fn settle(records: &mut Records, etc: &Etc, root: &Path) {
    let homes = OnceCell::new();
    records.settle(etc, |home, uid| {
        let homes = homes.get_or_init(|| Homes::open(root, &HomeBases::default()).ok());
        let owner = homes.as_ref().and_then(|homes| homes.owner(home).ok()?);
        owner == Some(uid.get())
    });
}
