//! The one road to /etc: lock, load, read, plan, homes, commit.
//!
//! Boot and every user command take it. A command edits records in a
//! [`Session`] and then calls the same [`Session::restore`] as boot, so what is
//! live and what comes back after an update can't differ.

mod homes;
mod locks;
mod taking;
mod view;

pub(crate) use locks::deadline;
pub(crate) use view::View;

use crate::error::Error;
use crate::etc_files::{EtcFiles, New, Snapshot};
use crate::image_facts;
use crate::known::Known;
use crate::lock::{EtcLock, StoreLock};
use crate::parallel;
use crate::replace::Access;
use crate::store::{Loaded, Store};
use crate::summary::{Summary, refused};
use crate::take_over;
use crate::watch::Mark;
use accounts::applied::Applied;
use accounts::capture;
use accounts::image::Image;
use accounts::name::Username;
use accounts::reconcile::{self, Plan};
use accounts::records::{Records, Refusal};
use homes::Ensured;
use locks::{lock_etc, lock_store};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where the tree and the store are.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) root: PathBuf,
    pub(crate) store: PathBuf,
    /// The store may be written to although its file system has no locks.
    pub(crate) without_lock: bool,
}

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

/// Called now and then, by whatever thread is at work.
pub(crate) type Progress<'a> = &'a (dyn Fn() + Sync);

/// A restore of which nothing has happened yet but homes.
struct Prepared<'a> {
    plan: Plan,
    new: Vec<New<'a>>,
    /// A new `applied.json`; none: it stays.
    memory: Option<Vec<u8>>,
    homes: Ensured,
}

/// Both locks held, everything read, drift captured.
pub(crate) struct Session {
    pub(crate) paths: Paths,
    pub(crate) store: Store,
    pub(crate) records: Records,
    pub(crate) image: Image,
    pub(crate) applied: Applied,
    /// Whose records were written, and which account files as they are now.
    pub(crate) saved: BTreeSet<Username>,
    pub(crate) written: Vec<Mark>,
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

/// Microseconds since 1970.
pub(crate) fn now_usec() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// What the container's own files say.
struct Tree {
    snapshot: Snapshot,
    image: Image,
    applied: Applied,
    /// No line of shadow says anything else than its record.
    is_recorded: bool,
}

impl Tree {
    fn read(etc_files: &EtcFiles, records: &Records, paths: &Paths) -> Result<Self, Error> {
        let files = || {
            let snapshot = etc_files.read()?;
            let image = image_facts::read(&paths.root, &snapshot.etc, true)?;
            let is_recorded = capture::are_as_recorded(records, &snapshot.etc);
            Ok::<_, Error>((snapshot, image, is_recorded))
        };
        let count = records.accounts.len();
        let (files, applied) = parallel::both(count, files, || read_applied(paths));
        let (snapshot, image, is_recorded) = files?;
        Ok(Self {
            snapshot,
            image,
            applied: applied?,
            is_recorded,
        })
    }
}

impl Session {
    /// Takes the locks, reads, takes older records over, and captures passwords
    /// that people changed themselves.
    pub(crate) fn begin(paths: &Paths, caller: Caller) -> Result<Self, Error> {
        must_be_root()?;
        let store = Store::open(&paths.store)?;
        let store_lock = lock_store(&store, paths, caller)?;
        let names = match store_lock {
            Some(_) => store.clean()?,
            None => store.names()?,
        };
        let uids = image_facts::uid_range(&paths.root)?;
        let Loaded { records, legacy } = store.load_these(names, uids);
        let etc_files = EtcFiles::open(&paths.root)?;
        let etc_lock = lock_etc(&etc_files, &records, caller)?;
        if etc_lock.is_held() {
            etc_files.finish_writes(&etc_lock)?;
        }
        let tree = Tree::read(&etc_files, &records, paths)?;
        let Tree {
            snapshot,
            image,
            applied,
            is_recorded,
        } = tree;
        let mut session = Self {
            paths: paths.clone(),
            store,
            records,
            image,
            applied,
            saved: BTreeSet::new(),
            written: Vec::new(),
            waiting: BTreeSet::new(),
            etc_files,
            snapshot,
            etc_lock,
            store_lock,
        };
        // Whoever holds the store's lock may be at the very same.
        let is_new = !legacy.is_empty();
        if session.store_lock.is_some() {
            for (record, bytes) in legacy {
                session.take_over(&record, &bytes);
            }
        } else {
            let waiting = legacy.iter().map(|(old, _)| take_over::not_yet(&old.name));
            session.records.rejected.extend(waiting);
        }
        if is_new || !is_recorded {
            session.capture();
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
    pub(crate) fn known(&self) -> Known<'_> {
        Known {
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
        for _ in 0..3 {
            let Prepared {
                plan,
                new,
                memory,
                homes,
            } = self.prepare(progress)?;
            homes_made += homes.made;
            let (etc, lock, read) = (&self.etc_files, &self.etc_lock, &self.snapshot);
            let written = etc.commit(lock, read, &plan.writes, new, plan.only_removes())?;
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
            let (etc, lock) = (&self.etc_files, &self.etc_lock);
            let new = etc.stage(lock, &self.snapshot, &plan.writes)?;
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

    /// Writes down what is remembered, and goes on from it.
    fn remember(&mut self, applied: Applied) -> Result<(), Error> {
        if applied == self.applied {
            return Ok(());
        }
        let json = applied.to_json().map_err(|_| self.not_remembered())?;
        self.write_memory(&json)?;
        self.applied = applied;
        Ok(())
    }

    fn not_remembered(&self) -> Error {
        Error::NotOurs(self.paths.root.join(APPLIED))
    }

    fn write_memory(&self, json: &[u8]) -> Result<(), Error> {
        let directory = image_facts::state_directory(&self.paths.root)?;
        directory.replace(APPLIED, json, Access::PRIVATE)
    }
}

pub(crate) fn must_be_root() -> Result<(), Error> {
    if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        Err(Error::NotRoot)
    }
}

pub(crate) const APPLIED: &str = "applied.json";

/// What was applied last. A file that can't be read as ours is no base for
/// anything: the records win.
fn read_applied(paths: &Paths) -> Result<Applied, Error> {
    let path = paths.root.join(image_facts::STATE).join(APPLIED);
    let bytes = image_facts::read_optional(&path)?;
    Ok(bytes
        .and_then(|bytes| Applied::parse(&bytes))
        .unwrap_or_default())
}
