//! The one road to /etc: lock, load, read, plan, homes, commit.
//!
//! Boot and every user command take it. A command edits records in a
//! [`Session`] and then calls the same [`Session::restore`] as boot, so what is
//! live and what comes back after an update can't differ.

mod applied_file;
mod capture;
mod homes;
mod locks;
mod migrate;
mod read_only;
pub(crate) mod summary;

pub(crate) use crate::cli::globals::Paths;
pub(crate) use locks::deadline;
pub(crate) use read_only::View;

use crate::admission::Context;
use crate::error::Error;
use crate::etc::lock::EtcLock;
use crate::etc::{EtcFiles, Snapshot, StagedFile, WrittenFile};
use crate::image;
use crate::store::lock::StoreLock;
use crate::store::{Loaded, Store};
use accounts::applied::Applied;
use accounts::capture::are_as_recorded;
use accounts::etc::File;
use accounts::image::Image;
use accounts::name::Username;
use accounts::reconcile::{self, Plan};
use accounts::records::{Records, Refusal};
use applied_file::Memory;
use homes::Ensured;
use locks::{lock_etc, lock_store};
use std::collections::BTreeSet;
use std::time::Instant;
use summary::{Summary, refused};

/// Who is at work: decides how long to wait for locks, and what to do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Goes on without a lock after 2 s: the container must start.
    Boot,
    /// Gives up after 15 s and says "busy".
    Command,
    /// PID 1 after a change: waits as a command, and does without as boot.
    Follow,
}

/// One to see that there is something to capture, and the others for whenever somebody
/// else changes a file meanwhile.
const TRIES: usize = 4;

/// Called now and then, by whatever thread is at work.
pub(crate) type Progress<'a> = &'a (dyn Fn() + Sync);

/// A restore of which nothing has happened yet but homes.
struct Prepared<'a> {
    plan: Plan,
    new: Vec<StagedFile<'a>>,
    /// A new `applied.json`; none: it stays.
    memory: Option<Vec<u8>>,
    homes: Ensured,
}

/// Both locks held, everything read.
pub(crate) struct Session {
    pub(crate) paths: Paths,
    pub(crate) store: Store,
    pub(crate) records: Records,
    pub(crate) image: Image,
    pub(crate) applied: Applied,
    is_captured: bool,
    /// Whose records were written, and which account files as they are now.
    pub(crate) saved: BTreeSet<Username>,
    pub(crate) written: Vec<WrittenFile>,
    /// Whose new password could not be written into the record: it stays in
    /// shadow, and what was applied before stays remembered, so that the next
    /// restore takes it.
    waiting: BTreeSet<Username>,
    etc_files: EtcFiles,
    snapshot: Snapshot,
    // Dropped in this order: the reverse of that in which they were taken.
    etc_lock: EtcLock,
    store_lock: Option<StoreLock>,
}

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
        let store_lock = lock_store(&store, paths, caller)?;
        let names = match store_lock {
            Some(_) => store.clean()?,
            None => store.names()?,
        };
        let uids = image::uid_range(&paths.root)?;
        let (memory, Loaded { records, legacy }) =
            store.load_these(names, uids, || Memory::read(paths));
        let etc_files = EtcFiles::open(&paths.root)?;
        let etc_lock = lock_etc(&etc_files, &records, caller)?;
        if etc_lock.is_held() {
            etc_files.finish_writes(&etc_lock)?;
        }
        let snapshot = etc_files.read()?;
        let image = image::read(&paths.root, &snapshot.etc, true)?;
        let applied = memory?.into_current(paths)?;
        let mut session = Self {
            paths: paths.clone(),
            store,
            records,
            image,
            applied,
            is_captured: false,
            saved: BTreeSet::new(),
            written: Vec::new(),
            waiting: BTreeSet::new(),
            etc_files,
            snapshot,
            etc_lock,
            store_lock,
        };
        // Whoever holds the store's lock may be at the very same.
        if session.store_lock.is_some() {
            for (record, bytes) in legacy {
                session.take_over(&record, &bytes);
            }
        } else {
            let waiting = legacy.iter().map(|(old, _)| migrate::not_yet(&old.name));
            session.records.rejected.extend(waiting);
        }
        Ok(session)
    }

    /// Writes a record and keeps what is loaded in step.
    pub(crate) fn save(&mut self, record: &accounts::record::Record) -> Result<(), Error> {
        self.store.save(record)?;
        self.saved.insert(record.account().name.clone());
        self.insert(record);
        Ok(())
    }

    /// Keeps what is loaded in step with a record that was written.
    pub(crate) fn insert(&mut self, record: &accounts::record::Record) {
        self.waiting.remove(&record.account().name);
        self.records.accounts.insert(
            record.account().name.clone(),
            Box::new(record.account().clone()),
        );
    }

    /// Why the account is not restored, as far as records and image say.
    pub(crate) fn refusal(&self, name: &Username) -> Option<Refusal> {
        let (_, problems) = self.records.admit(&self.image);
        let mut refusals = problems.iter().filter_map(refused);
        refusals
            .find(|(other, _)| other == name)
            .map(|(_, why)| why)
    }

    /// What the rules about new accounts look at.
    pub(crate) fn known(&self) -> Context<'_> {
        Context {
            records: &self.records,
            image: &self.image,
            etc: &self.snapshot.etc,
            store: Some(&self.store),
            root: &self.paths.root,
        }
    }

    /// Whether the store is ours alone; else nothing may be written into it.
    pub(crate) fn holds_store(&self) -> bool {
        self.store_lock.is_some()
    }

    /// Brings homes and /etc in line with the records. Once in a session: what it
    /// remembers is not read again.
    pub(crate) fn restore(&mut self, progress: Progress<'_>) -> Result<Summary, Error> {
        let started = Instant::now();
        let mut homes_made = 0;
        for _ in 0..TRIES {
            let Prepared {
                plan,
                new,
                memory,
                homes,
            } = self.prepare(progress)?;
            homes_made += homes.made;
            if !self.is_captured && !self.is_recorded(&plan) {
                drop(new);
                self.is_captured = true;
                self.capture();
                continue;
            }
            let (etc, lock, read) = (&self.etc_files, &self.etc_lock, &self.snapshot);
            let written = etc.commit(lock, read, new, plan.only_removes())?;
            if let Some(written) = written {
                if let Some(json) = memory {
                    self.write_memory(&json)?;
                }
                self.written = written;
                let summary = Summary::new(&plan, homes_made, homes.odd, started.elapsed());
                for (file, content) in plan.writes {
                    self.snapshot.etc.set(file, content);
                }
                return Ok(summary);
            }
            self.snapshot = self.etc_files.read()?;
            // What changed may be a password.
            self.capture();
        }
        Err(Error::KeepsChanging(self.etc_files.directory.path.clone()))
    }

    /// Whether every line says what its record does, as nearly always: then there is
    /// nothing to capture.
    fn is_recorded(&self, plan: &Plan) -> bool {
        let is_of_all = plan.restored.len() == self.records.accounts.len();
        let is_kept = plan.writes.iter().all(|(file, _)| *file != File::Shadow);
        (is_of_all && is_kept) || are_as_recorded(&self.records, &self.snapshot.etc)
    }

    /// Everything up to the moment at which something changes for others: what the
    /// files should say, under temporary names, and meanwhile everybody's homes.
    fn prepare(&self, progress: Progress<'_>) -> Result<Prepared<'_>, Error> {
        let decision = reconcile::decide(
            &self.records,
            &self.snapshot.etc,
            &self.image,
            &self.applied,
        );
        progress();
        let restored = decision.restored();
        let files = || {
            let plan = decision.plan();
            let new = EtcFiles::stage(&self.etc_lock, &self.snapshot, &plan.writes)?;
            Ok::<_, Error>((plan, new))
        };
        let (files, homes, entries) = self.ensure_homes(restored, progress, files);
        let (plan, new) = files?;
        let memory = entries.and_then(|entries| decision.remembered(&entries));
        let memory = memory.map_err(|_| self.not_remembered())?;
        Ok(Prepared {
            plan,
            new,
            memory,
            homes,
        })
    }
}

pub(crate) fn must_be_root() -> Result<(), Error> {
    if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        Err(Error::NotRoot)
    }
}
