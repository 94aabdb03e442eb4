//! A session: both locks held, everything read. Its methods change the store and the loaded
//! records together, so that the two never differ; nobody else writes records.

use super::Paths;
use super::summary::refused;
use crate::admission::{self, Context};
use crate::error::Error;
use crate::etc::lock::EtcLock;
use crate::etc::{EtcFiles, Snapshot, WrittenFile};
use crate::store::Store;
use crate::store::lock::StoreLock;
use accounts::account::{Account, Username};
use accounts::image::Image;
use accounts::reconcile::Applied;
use accounts::record::{Record, Records, Refusal, Tombstone};
use std::collections::BTreeSet;

/// The kind of process that restores: decides how long to wait for locks, and what to do
/// without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Goes on without a lock after 2 s: the container must start.
    Boot,
    /// Gives up after 15 s with "busy".
    Command,
    /// PID 1 after a change: waits as a command, and does without as boot.
    Follow,
}

/// Called now and then, by the calling thread.
pub(crate) type Progress<'a> = &'a (dyn Fn() + Sync);

/// Both locks, and everything that a restore reads.
pub(crate) struct Session {
    pub(super) paths: Paths,
    pub(super) store: Store,
    pub(super) records: Records,
    pub(super) image: Image,
    pub(super) applied: Applied,
    pub(super) is_captured: bool,
    /// Accounts whose records were written in this session.
    pub(super) saved: BTreeSet<Username>,
    /// The account files that were written, as they are now.
    pub(super) written: Vec<WrittenFile>,
    /// Accounts whose changed password is not captured yet: it stays in shadow, and what was
    /// applied before stays in applied.json, so that the next restore retries.
    pub(super) not_captured: BTreeSet<Username>,
    pub(super) etc_files: EtcFiles,
    pub(super) snapshot: Snapshot,
    // Dropped in this order: the reverse of that in which they were taken.
    pub(super) etc_lock: EtcLock,
    pub(super) store_lock: Option<StoreLock>,
}

impl Session {
    pub(crate) fn paths(&self) -> &Paths {
        &self.paths
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    pub(crate) fn image(&self) -> &Image {
        &self.image
    }

    /// For reading what the records leave out.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Returns true if no other process can write to the store; else nothing may be written.
    pub(crate) fn holds_store(&self) -> bool {
        self.store_lock.is_some()
    }

    /// Everything that the rules about new accounts read.
    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            records: &self.records,
            image: &self.image,
            etc: &self.snapshot.etc,
            store: Some(&self.store),
            root: &self.paths.root,
        }
    }

    /// Why the account is not restored, as far as records and image say.
    pub(crate) fn refusal(&self, name: &Username) -> Option<Refusal> {
        let (_, problems) = self.records.restorable(&self.image);
        let mut refusals = problems.iter().filter_map(refused);
        refusals
            .find(|(other, _)| other == name)
            .map(|(_, why)| why)
    }

    /// Reads a record, to change it.
    pub(crate) fn read(&self, name: &Username) -> Result<Record, Error> {
        self.store.read(name, self.image.uids)
    }

    /// Makes a new account: its uid goes into the ledger, then its record into the store.
    pub(crate) fn admit(&mut self, record: &Record) -> Result<(), Error> {
        admission::admit(&self.store, record)?;
        self.keep_in_step(record);
        Ok(())
    }

    /// Writes the changed record of an account.
    pub(crate) fn save(&mut self, record: &Record) -> Result<(), Error> {
        self.store.save(record)?;
        self.keep_in_step(record);
        Ok(())
    }

    /// Turns the tombstone back into a record, which `change` edits first.
    pub(crate) fn bring_back(
        &mut self,
        dead: &Tombstone,
        change: impl FnOnce(&mut Account),
    ) -> Result<Record, Error> {
        let mut record = self.store.read_tombstone(dead, self.image.uids)?;
        record.update(change);
        self.store.restore_tombstone(&record)?;
        let tombstones = &mut self.records.tombstones;
        tombstones.retain(|other| other.uid != dead.uid);
        self.keep_in_step(&record);
        Ok(record)
    }

    /// Removes an account: its record becomes a tombstone, or is deleted where it has no
    /// right to its uid.
    pub(crate) fn remove(&mut self, record: &Record) -> Result<(), Error> {
        let account = record.account();
        let name = &account.name;
        if matches!(self.refusal(name), Some(Refusal::UidTaken(..))) {
            self.store.delete(record)?;
        } else {
            self.store.to_tombstone(record)?;
            self.records.tombstones.push(Tombstone {
                name: name.clone(),
                uid: account.uid,
                home: account.home.clone(),
            });
        }
        self.records.accounts.remove(name);
        Ok(())
    }

    /// An account of this name is ours now, and no image's, where there is only a snapshot.
    pub(crate) fn forget_in_snapshot(&mut self, name: &Username) {
        let uids = self.image.uids;
        let is_it = |other: &str, _| other == name.folded();
        self.image.accounts.forget_people(uids, is_it);
    }

    /// Locks the lines of an account in the next restore, although its record can't be read.
    pub(crate) fn lock_lines(&mut self, name: &Username) {
        self.records.to_lock.insert(name.clone());
    }

    fn keep_in_step(&mut self, record: &Record) {
        let account = record.account();
        self.not_captured.remove(&account.name);
        self.saved.insert(account.name.clone());
        let accounts = &mut self.records.accounts;
        accounts.insert(account.name.clone(), Box::new(account.clone()));
    }
}

pub(crate) fn must_be_root() -> Result<(), Error> {
    if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        Err(Error::NotRoot)
    }
}
