//! A backup on its way into the store: staged beside it, committed by one
//! rename, moved into place by whoever holds the lock next.
//!
//! ```text
//! .loading/   being filled; without the rename it never was
//! .loaded/    committed: the same files as in the store, and
//!   drop/UID  tombstones that end, because their accounts come back
//! ```
//!
//! A kill before the rename leaves the old store; after it, the next session
//! finishes the work. Every step of that can be made twice.

#[cfg(test)]
mod tests;

use super::Store;
use super::layout::{LEGACY, REMOVED, UIDS, file_of, list, printable, stem, texts};
use crate::error::{Error, io, std_io};
use crate::fs::dir::{Directory, write_all};
use crate::fs::replace::TEMPORARY;
use crate::fs::retry::{again, unlinkat};
use crate::fs::sealed_stream::{foreign, private_header};
use crate::log::say;
use accounts::account::UidRange;
use accounts::admin::backup;
use accounts::admin::merge::{Merge, StoreContents};
use nix::errno::Errno;
use nix::unistd::{UnlinkatFlags, syncfs};
use std::fs::File;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

const STAGING: &str = ".loading";
const JOURNAL: &str = ".loaded";
const DROP: &str = "drop";
/// In the order in which they are put into place: who has a number is known
/// before anybody has it.
const PARTS: [&str; 4] = [DROP, UIDS, LEGACY, REMOVED];

/// A store that is being filled; dropped, it goes.
pub(crate) struct Staging<'a> {
    of: &'a Store,
    filled: Store,
}

impl Store {
    /// Begins a staging; for whoever holds the lock.
    pub(crate) fn stage(&self) -> Result<Staging<'_>, Error> {
        self.discard_directory(STAGING)?;
        let make = |within: &Directory, name| {
            let made = within.make(name);
            made.map_err(io("make", within.join(name)))
        };
        let directory = make(&self.directory, STAGING)?;
        for part in PARTS {
            make(&directory, part)?;
        }
        Ok(Staging {
            of: self,
            filled: Self {
                directory,
                trusts_modes: self.trusts_modes,
                tightened: AtomicUsize::new(0),
                known: OnceLock::new(),
            },
        })
    }

    /// Finishes what a killed load committed, and forgets what one did not.
    pub(super) fn finish_staged_load(&self) -> Result<(), Error> {
        self.discard_directory(STAGING)?;
        let Some(journal) = self.directory.find(JOURNAL)? else {
            return Ok(());
        };
        self.end_tombstones(&journal)?;
        for part in [UIDS, LEGACY, REMOVED] {
            if let Some(from) = journal.find(part)? {
                move_all(&from, &self.subdirectory(part)?)?;
            }
        }
        move_all(&journal, &self.directory)?;
        self.discard_directory(JOURNAL)?;
        self.directory.sync()
    }

    fn end_tombstones(&self, journal: &Directory) -> Result<(), Error> {
        let (Some(drop), Some(removed)) = (journal.find(DROP)?, self.directory.find(REMOVED)?)
        else {
            return Ok(());
        };
        for uid in list(&drop)? {
            removed.remove(&file_of(&uid))?;
        }
        removed.sync()?;
        // Only now: a tombstone of the backup could have the same number.
        empty(&drop)
    }

    fn discard_directory(&self, name: &str) -> Result<(), Error> {
        let Some(directory) = self.directory.find(name)? else {
            return Ok(());
        };
        for part in PARTS {
            if let Some(part_directory) = directory.find(part)? {
                empty(&part_directory)?;
                remove(&directory, part)?;
            }
        }
        empty(&directory)?;
        remove(&self.directory, name)
    }

    /// Everything that a backup is compared by.
    pub(crate) fn contents(&self, range: UidRange) -> Result<StoreContents, Error> {
        let records = self.load(range)?.records;
        let mut ledger = std::collections::BTreeMap::new();
        for uid in self.given_uids()? {
            if let Some(owner) = self.owner_of(uid)? {
                ledger.insert(uid, owner);
            }
        }
        let files = list(&self.directory)?;
        let stems = files.iter().filter_map(|file| stem(file));
        Ok(StoreContents {
            records,
            ledger,
            files: stems.map(str::to_owned).collect(),
        })
    }

    /// All files as tar entries, in a file without a name: whoever reads a
    /// backup slowly must not keep the lock. Returns it and its length.
    pub(crate) fn snapshot(&self, manifest: &backup::Manifest) -> Result<(File, u64), Error> {
        use std::io::{Seek as _, SeekFrom};
        let name = format!("{TEMPORARY}save");
        let path = self.directory.join(&name);
        self.directory.remove(&name)?;
        let fd = self.directory.create(name.as_str(), 0o600);
        let fd = fd.map_err(io("make", &path))?;
        self.directory.remove(&name)?;
        let mut to = tar::Builder::new(std::io::BufWriter::new(File::from(fd)));
        let packed = self.pack(&mut to, manifest);
        packed.map_err(std_io("write", &path))?;
        let whole = to.into_inner().and_then(|buffered| {
            let mut file = buffered
                .into_inner()
                .map_err(std::io::IntoInnerError::into_error)?;
            // Without tar's end of archive: more is to come.
            let length = file.stream_position()? - 1024;
            file.seek(SeekFrom::Start(0))?;
            Ok((file, length))
        });
        whole.map_err(std_io("write", path))
    }

    fn pack<W: std::io::Write>(
        &self,
        to: &mut tar::Builder<W>,
        manifest: &backup::Manifest,
    ) -> std::io::Result<()> {
        let mut put = |path: &str, bytes: &[u8]| {
            let mut header = private_header(bytes.len(), manifest.created);
            to.append_data(&mut header, path, bytes)
        };
        put(backup::MANIFEST, &serde_json::to_vec(manifest)?)?;
        for part in ["", UIDS, REMOVED, LEGACY] {
            let name = if part.is_empty() { "." } else { part };
            let directory = match self.directory.open(name) {
                Err(Errno::ENOENT) => continue,
                other => other?,
            };
            let mut files = texts(directory.names()?);
            files.sort();
            for file in files.iter().filter(|file| belongs(part, file)) {
                let path = format!("{}/{part}/{file}", backup::STORE).replace("//", "/");
                match self.read_file(&directory, file) {
                    Ok(bytes) => put(&path, &bytes)?,
                    Err(reason) => say(&format!(
                        "'{}' is not in the backup: {reason}",
                        printable(file)
                    )),
                }
            }
        }
        Ok(())
    }
}

impl Staging<'_> {
    /// Puts a file of the backup's store into it. `parts` is its path below
    /// `store/`.
    pub(crate) fn put(&self, parts: &[&[u8]], bytes: &[u8]) -> Result<(), Error> {
        let path = parts.join(&b'/');
        let text = std::str::from_utf8(&path).map_err(|_| foreign(&path))?;
        let (part, file) = text.split_once('/').unwrap_or(("", text));
        let is_known = part.is_empty() || PARTS[1..].contains(&part);
        let is_deeper = file.contains('/');
        let is_small = bytes.len() <= accounts::record::MAX_BYTES;
        if !is_known || is_deeper || !is_small || !belongs(part, file) {
            return Err(foreign(&path));
        }
        let into = &self.filled.directory;
        if part.is_empty() {
            fill(into, file, bytes)
        } else {
            let part = into.open(part).map_err(io("open", into.join(part)))?;
            fill(&part, file, bytes)
        }
    }

    /// The records and tombstones of the staged backup.
    pub(crate) fn contents(&self, range: UidRange) -> Result<StoreContents, Error> {
        self.filled.contents(range)
    }

    /// Makes it the change that was decided, and commits it: from here on the
    /// accounts are restored, whatever happens next.
    pub(crate) fn commit(self, merge: &Merge) -> Result<(), Error> {
        let into = &self.filled.directory;
        let part = |part: &str| into.open(part).map_err(io("open", into.join(part)));
        let (drop, removed) = (part(DROP)?, part(REMOVED)?);
        for uid in &merge.revived {
            fill(&drop, &uid.to_string(), b"")?;
        }
        for uid in &merge.alive {
            removed.remove(&file_of(&uid.to_string()))?;
        }
        for name in &merge.left_out {
            into.remove(&file_of(name.as_str()))?;
        }
        // Thousands of small files: one call for all of them.
        again(|| syncfs(into)).map_err(io("sync", &into.path))?;
        let store = &self.of.directory;
        store.rename(STAGING, store, JOURNAL)?;
        store.sync()
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        let _ = self.of.discard_directory(STAGING);
    }
}

/// Returns true if a file of that name belongs into that directory of the store.
fn belongs(part: &str, file: &str) -> bool {
    let is_number = |text: &str| accounts::files::table::number(text.as_bytes()).is_some();
    match part {
        UIDS => is_number(file),
        REMOVED => stem(file).is_some_and(is_number),
        _ => stem(file).is_some() && file.len() <= 255,
    }
}

fn fill(directory: &Directory, file: &str, bytes: &[u8]) -> Result<(), Error> {
    let new = directory.create(file, 0o600);
    let written = new.and_then(|new| write_all(&new, bytes));
    written.map_err(io("write", directory.join(file)))
}

fn remove(directory: &Directory, name: &str) -> Result<(), Error> {
    unlinkat(directory, name, UnlinkatFlags::RemoveDir).map_err(io("delete", directory.join(name)))
}

fn empty(directory: &Directory) -> Result<(), Error> {
    let files = list(directory)?;
    files.iter().try_for_each(|file| directory.remove(file))
}

/// Moves the files, and not the directories; durable when it returns.
fn move_all(from: &Directory, to: &Directory) -> Result<(), Error> {
    let files = list(from)?;
    for file in files.iter().filter(|file| !PARTS.contains(&file.as_str())) {
        from.rename(file, to, file)?;
    }
    to.sync()
}
