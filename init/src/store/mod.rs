//! The volume. It is the truth; nobody but root may read it.
//!
//! ```text
//! /var/lib/opencode-users      0700 root
//!   NAME.json                  0600 root, one link: a record (USER_RECORD)
//!   removed/UID.json           tombstones: the record of a removed account
//!   uids/UID                   the name that got the uid, for ever
//!   legacy/NAME.json           what taken-over records looked like
//!   .loading/ .loaded/         a backup that is being restored
//!   .lock                      held by whoever changes something
//! ```
//!
//! A volume may be hostile or half broken: everything is opened by directory
//! fd without following links, and one bad file never affects another.

mod layout;
mod ledger;
mod load;
pub(crate) mod lock;
mod read;
mod staging;

pub(crate) use layout::{LEGACY, is_record};
pub(crate) use load::Loaded;
pub(crate) use staging::Staging;

use crate::error::{Error, io};
use crate::fs::dir::{Directory, make_parents, open_directory, stat};
use crate::fs::replace::Access;
use crate::fs::retry::{fchmod, fstat, mkdir};
use crate::log::say;
use accounts::account::{UidRange, Username};
use accounts::record::{MAX_BYTES, Record, Tombstone};
use layout::{REMOVED, UIDS, file_of, list_if, record_file};
use nix::errno::Errno;
use nix::sys::stat::Mode;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

/// Set by an administrator whose volume driver can't keep owner and modes.
pub(crate) const TRUST_VARIABLE: &str = "OCC_INIT_TRUST_STORE_MODES";

#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) directory: Directory,
    trusts_modes: bool,
    /// The number of files whose modes were tightened, for one line about all of them.
    tightened: AtomicUsize,
    /// The ledger as it was when [`Self::known_uids`] was first called.
    known: OnceLock<BTreeSet<u32>>,
}

impl Store {
    /// Opens the store, making it if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        if let Some(store) = Self::find(path)? {
            return Ok(store);
        }
        make_parents(path)?;
        match mkdir(path, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => (),
            Err(errno) => return Err(io("make", path)(errno)),
        }
        Self::find(path)?.ok_or_else(|| io("open", path)(Errno::ENOENT))
    }

    /// Opens the store, if it is there; tightens a mode that a volume driver
    /// loosened.
    pub(crate) fn find(path: &Path) -> Result<Option<Self>, Error> {
        let directory = match open_directory(path) {
            Ok(directory) => directory,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(io("open", path)(errno)),
        };
        let store = Self {
            directory,
            tightened: AtomicUsize::new(0),
            known: OnceLock::new(),
            trusts_modes: std::env::var_os(TRUST_VARIABLE).is_some_and(|value| value == "1"),
        };
        store.check_directory()?;
        Ok(Some(store))
    }

    fn check_directory(&self) -> Result<(), Error> {
        let path = &self.directory.path;
        let state = fstat(&self.directory).map_err(io("read", path))?;
        if state.st_uid != 0 && !self.trusts_modes {
            return Err(Error::Store {
                path: path.clone(),
                reason: "it does not belong to root",
            });
        }
        if state.st_mode & 0o077 != 0 {
            let tightened = fchmod(&self.directory, Mode::S_IRWXU);
            match tightened {
                Ok(()) => say(&format!(
                    "store '{}' had mode {:o}; it is 700 now",
                    path.display(),
                    state.st_mode & 0o7777
                )),
                // Others can read hashes then, but only writers can plant records.
                Err(_) if state.st_mode & 0o022 == 0 || self.trusts_modes => (),
                Err(_) => {
                    return Err(Error::Store {
                        path: path.clone(),
                        reason: "others may write to it",
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads one record, to edit it.
    pub(crate) fn read(&self, name: &Username, range: UidRange) -> Result<Record, Error> {
        let read = self.read_record(&self.directory, &record_file(name), range);
        let is_named = |record: &Record| record.account().name == *name;
        let read = read.map(|record| record.filter(is_named));
        usable(read, name, "it holds another name")
    }

    /// Writes a record: from here on the change is made, whatever happens next.
    pub(crate) fn save(&self, record: &Record) -> Result<(), Error> {
        self.directory.replace(
            &record_file(&record.account().name),
            &readable(record)?,
            Access::PRIVATE,
        )
    }

    /// Turns a record into a tombstone: one rename, so that the account is never both.
    pub(crate) fn to_tombstone(&self, record: &Record) -> Result<(), Error> {
        let account = record.account();
        let removed = self.subdirectory(REMOVED)?;
        let (from, to) = (
            record_file(&account.name),
            file_of(&account.uid.to_string()),
        );
        // Of two records with one uid, the other may be buried there already.
        let buried = stat(&removed, to.as_str()).map_err(io("read", removed.join(&to)))?;
        if buried.is_some() {
            return Err(Error::UidTaken {
                uid: account.uid,
                owner: self.owner_of(account.uid.get())?.unwrap_or_default(),
            });
        }
        self.directory.rename(&from, &removed, &to)?;
        self.directory.sync()?;
        removed.sync()?;
        removed.replace(&to, &record.remains().to_bytes(), Access::PRIVATE)
    }

    /// Deletes a record that has no right to its uid: a tombstone would claim another's uid.
    pub(crate) fn delete(&self, record: &Record) -> Result<(), Error> {
        self.directory
            .remove(&record_file(&record.account().name))?;
        self.directory.sync()
    }

    /// Turns a tombstone back into a record, with new content.
    pub(crate) fn restore_tombstone(&self, record: &Record) -> Result<(), Error> {
        let account = record.account();
        let removed = self.subdirectory(REMOVED)?;
        let (from, to) = (
            file_of(&account.uid.to_string()),
            record_file(&account.name),
        );
        removed.replace(&from, &readable(record)?, Access::PRIVATE)?;
        removed.rename(&from, &self.directory, &to)?;
        self.directory.sync()?;
        removed.sync()
    }

    /// Reads a tombstone as the record that it was.
    pub(crate) fn read_tombstone(
        &self,
        tombstone: &Tombstone,
        range: UidRange,
    ) -> Result<Record, Error> {
        let removed = self.subdirectory(REMOVED)?;
        let read = self.read_record(&removed, &file_of(&tombstone.uid.to_string()), range);
        usable(read, &tombstone.name, "it is not a record of ours")
    }

    /// Returns true if the store never held an account: no record, readable or not, no
    /// tombstone, no uid given.
    pub(crate) fn is_new(&self) -> Result<bool, Error> {
        if !list_if(&self.directory, is_record)?.is_empty() {
            return Ok(false);
        }
        for name in [REMOVED, UIDS, LEGACY] {
            if let Some(directory) = self.directory.find(name)?
                && !list_if(&directory, |file| !file.starts_with(b"."))?.is_empty()
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps the original of a record that is about to be taken over.
    pub(crate) fn keep_legacy(&self, name: &Username, bytes: &[u8]) -> Result<(), Error> {
        self.subdirectory(LEGACY)?
            .replace(&record_file(name), bytes, Access::PRIVATE)
    }

    /// A directory of the store, made if it is not there.
    fn subdirectory(&self, name: &str) -> Result<Directory, Error> {
        if let Some(directory) = self.directory.find(name)? {
            return Ok(directory);
        }
        let made = self.directory.make(name);
        let made = made.map_err(io("make", self.directory.join(name)))?;
        self.directory.sync()?;
        Ok(made)
    }
}

fn usable(
    read: Result<Option<Record>, String>,
    name: &Username,
    otherwise: &str,
) -> Result<Record, Error> {
    let read = read.and_then(|record| record.ok_or_else(|| otherwise.to_owned()));
    read.map_err(|reason| Error::bad_record(name, reason))
}

/// The bytes of a record, unless they are too many to be read back.
fn readable(record: &Record) -> Result<Vec<u8>, Error> {
    let bytes = record.to_bytes();
    if bytes.len() > MAX_BYTES {
        return Err(Error::RecordTooLarge(record.account().name.clone()));
    }
    Ok(bytes)
}
