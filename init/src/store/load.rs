//! Everything that the store holds, read at once: for a restore, which looks at all
//! records side by side. What can't be used is reported and stays where it is.

use super::Store;
use super::layout::{LEGACY, REMOVED, UIDS, file_of, is_record, list, list_if, printable, stem};
use super::ledger::UNREADABLE;
use crate::error::{Error, chain};
use crate::fs::dir::Directory;
use crate::fs::parallel;
use crate::fs::replace::TEMPORARY;
use crate::log::say;
use accounts::account::{Account, UidRange, Username};
use accounts::record::{Legacy, ParsedAccount, Part, Records, Rejected, Tombstone};
use std::sync::atomic::Ordering;

#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) records: Records,
    /// Records of opencode-cloud, still to be taken over, with their bytes.
    pub(crate) legacy: Vec<(Legacy, Vec<u8>)>,
}

enum One {
    Account(Box<Account>),
    Legacy(Box<(Legacy, Vec<u8>)>),
}

impl Store {
    /// Reads every record and tombstone.
    pub(crate) fn load(&self, range: UidRange) -> Result<Loaded, Error> {
        Ok(self.load_these(self.names()?, range, || ()).1)
    }

    /// Reads the records with these names, which are all that there are, and every
    /// tombstone; and `first` something else beside them.
    pub(crate) fn load_these<A>(
        &self,
        mut names: Vec<String>,
        range: UidRange,
        first: impl FnOnce() -> A,
    ) -> (A, Loaded) {
        let mut loaded = Loaded::default();
        // A directory has no order, and names are cheaper to sort than accounts.
        names.sort_unstable();
        let load = |names: &[String]| {
            let read = names.iter().map(|stem| self.load_one(stem, range));
            read.collect::<Vec<_>>()
        };
        let (first, read) = parallel::beside(first, &names, &|| (), load);
        let mut accounts = Vec::with_capacity(names.len());
        for (stem, read) in names.iter().zip(read.into_iter().flatten()) {
            match read {
                Ok(One::Account(account)) => accounts.push((account.name.clone(), account)),
                Ok(One::Legacy(legacy)) => loaded.legacy.push(*legacy),
                Err(reason) => reject(&mut loaded, stem, reason),
            }
        }
        // Sorted by name already, as the files were: each finds its place at once.
        loaded.records.accounts = accounts.into_iter().collect();
        self.load_tombstones(&mut loaded.records, range);
        loaded.records.rejected.sort_by(|a, b| a.file.cmp(&b.file));
        self.load_ledger(&mut loaded.records);
        match self.tightened.swap(0, Ordering::Relaxed) {
            0 => (),
            count => say(&format!(
                "others could read or write {count} files of the store; their mode is 600 now"
            )),
        }
        (first, loaded)
    }

    fn load_one(&self, stem: &str, range: UidRange) -> Result<One, String> {
        match self.read_contents(&self.directory, &file_of(stem), range)? {
            (ParsedAccount::Account(account), _) if account.name.as_str() == stem => {
                Ok(One::Account(account))
            }
            (ParsedAccount::Legacy(legacy), bytes) if legacy.name.as_str() == stem => {
                Ok(One::Legacy(Box::new((legacy, bytes))))
            }
            _ => Err("the name in it is not that of the file".into()),
        }
    }

    /// Directories that are none, and tombstones that can't be read, keep nobody
    /// out: they are reported, and then every uid counts as doubtful.
    fn load_tombstones(&self, records: &mut Records, range: UidRange) {
        for name in [UIDS, LEGACY] {
            if let Err(error) = self.directory.find(name) {
                records.rejected.push(unusable(name, &error));
            }
        }
        match self.tombstones(range) {
            Ok((tombstones, skipped)) => {
                records.tombstones = tombstones;
                records.rejected.extend(skipped);
            }
            Err(error) => records.rejected.push(unusable(REMOVED, &error)),
        }
    }

    /// Reads the owners of uids that the records leave in doubt. Where the ledger can't be read,
    /// a uid that one record claims stays its own; one that several claim has no known owner.
    fn load_ledger(&self, records: &mut Records) {
        let mut contested = None;
        for uid in records.doubtful_uids() {
            let owner = self.owner_of(uid.get()).unwrap_or_else(|_| {
                let contested = contested.get_or_insert_with(|| records.contested_uids());
                contested.contains(&uid).then(|| UNREADABLE.to_owned())
            });
            records.ledger.extend(owner.map(|owner| (uid, owner)));
        }
    }

    /// The account whose tombstone can't be read: its uid and home stay taken.
    fn owner_of_tombstone(&self, file: &str) -> Option<Username> {
        let uid = accounts::files::table::number(stem(file)?.as_bytes())?;
        Username::parse(&self.owner_of(uid).ok()??).ok()
    }

    /// The names of all records.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        Ok(stems(list_if(&self.directory, is_record)?))
    }

    /// Deletes what a killed run left behind, and finishes what one committed. The
    /// names of all records, as it looks at all files anyway.
    pub(crate) fn remove_temporaries(&self) -> Result<Vec<String>, Error> {
        self.finish_staged_load()?;
        let is_left = |name: &[u8]| name.starts_with(TEMPORARY.as_bytes());
        let clean = |directory: &Directory, is_wanted: &dyn Fn(&[u8]) -> bool| {
            let files = list_if(directory, is_wanted)?.into_iter();
            let (left, others): (Vec<_>, Vec<_>) = files.partition(|file| is_left(file.as_bytes()));
            left.iter().try_for_each(|file| directory.remove(file))?;
            Ok::<_, Error>(others)
        };
        let records = clean(&self.directory, &|name| is_record(name) || is_left(name))?;
        // One that is no directory holds no leftovers.
        for name in [REMOVED, LEGACY] {
            if let Ok(Some(directory)) = self.directory.find(name) {
                clean(&directory, &is_left)?;
            }
        }
        Ok(stems(records))
    }

    /// Those that could be read, and the others.
    fn tombstones(&self, range: UidRange) -> Result<(Vec<Tombstone>, Vec<Rejected>), Error> {
        let Some(removed) = self.directory.find(REMOVED)? else {
            return Ok((Vec::new(), Vec::new()));
        };
        let mut tombstones = Vec::new();
        let mut skipped = Vec::new();
        let mut skip = |file: &str, reason| {
            skipped.push(Rejected {
                part: Part::Tombstone,
                file: format!("{REMOVED}/{}", printable(file)),
                name: self.owner_of_tombstone(file),
                reason,
            });
        };
        for file in list(&removed)? {
            let Some(stem) = stem(&file) else { continue };
            match self.read_contents(&removed, &file, range) {
                Ok((ParsedAccount::Account(account), _)) if account.uid.to_string() == stem => {
                    let (name, home) = (account.name, account.home);
                    tombstones.push(Tombstone {
                        name,
                        uid: account.uid,
                        home,
                    });
                }
                Ok(_) => skip(&file, "its uid is not its file's name".to_owned()),
                Err(reason) => skip(&file, reason),
            }
        }
        Ok((tombstones, skipped))
    }
}

fn unusable(directory: &str, error: &Error) -> Rejected {
    Rejected {
        part: Part::Directory,
        file: directory.to_owned(),
        name: None,
        reason: chain(error),
    }
}

fn reject(loaded: &mut Loaded, stem: &str, reason: String) {
    let file = printable(&file_of(stem));
    loaded.records.rejected.push(Rejected {
        part: Part::Record,
        file,
        name: Username::parse(stem).ok(),
        reason,
    });
}

/// The names of the files of records, without the suffix.
fn stems(files: Vec<String>) -> Vec<String> {
    let stem = |mut file: String| {
        let length = stem(&file)?.len();
        file.truncate(length);
        Some(file)
    };
    files.into_iter().filter_map(stem).collect()
}
