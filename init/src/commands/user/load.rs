//! `user load`: a backup from standard input, into the store.
//!
//! All of it is read, staged and checked before the first change. Homes go
//! first: where there is one, the restore that follows makes none. Then one
//! rename commits the accounts, and the same road as ever takes them to /etc.

use super::apply::{apply, begin};
use crate::cli::admin::Load;
use crate::commands::output::Output;
use crate::error::Error;
use crate::fs::ofd_lock::Deadline;
use crate::fs::sealed_stream::{VerifyingReader, drain, foreign, is_seal, parts};
use crate::home::Homes;
use crate::home::extract::HomeExtractor;
use crate::image;
use crate::proc::kill::AccountUids;
use crate::proc::kill::end_processes;
use crate::restore::{Caller, Paths, Session, deadline, must_be_root};
use crate::store::lock::StoreLock;
use crate::store::{Staging, Store};
use accounts::account::{HOME_BASE, UidRange, Username};
use accounts::admin::backup::{HOMES, MANIFEST, Manifest, STORE, Unusable};
use accounts::admin::merge::{Merge, StoreContents, merge};
use accounts::image::HomeBases;
use accounts::wire::{LoadReply, SCHEMA};
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;
use std::path::Path;

/// Restores a backup.
pub(super) fn load(options: Load, paths: &Paths) -> Result<Output, Error> {
    if std::io::stdin().is_terminal() {
        return Err(Error::Usage(
            "a backup is needed on standard input: send a file there".into(),
        ));
    }
    must_be_root()?;
    let mut reply = LoadReply {
        schema: SCHEMA,
        added: Vec::new(),
        replaced: Vec::new(),
        homes: Vec::new(),
        kept_homes: Vec::new(),
        problems: Vec::new(),
    };
    let committed = commit(options, paths, deadline(Caller::Command), &mut reply);
    if committed.is_err() {
        drain(&mut stdin()?);
    }
    committed?;
    let recorded = |cause| Error::Recorded(Box::new(cause));
    // The session puts into place what was committed.
    let mut session = begin(paths).map_err(recorded)?;
    reply.problems = apply(&mut session)?.problems;
    end_processes(&paths.root, &locked(&session, &reply), true).map_err(recorded)?;
    let (_, problems) = session.records().admit(session.image());
    let refused = problems.iter().filter_map(crate::restore::summary::refused);
    let is_ours = |name: &str| {
        reply
            .added
            .iter()
            .chain(&reply.replaced)
            .any(|of| of == name)
    };
    let status = u8::from(refused.into_iter().any(|(name, _)| is_ours(name.as_str())));
    let mut text = vec![reply.sentence()];
    text.extend(reply.problems.iter().cloned());
    Ok(Output {
        status,
        ..Output::new(text.join("\n"), &reply)
    })
}

/// Those that the backup shuts out may be logged in.
fn locked(session: &Session, reply: &LoadReply) -> Vec<AccountUids> {
    let is_ours = |name: &str| reply.replaced.iter().any(|of| of == name);
    let accounts = session.records().accounts.values();
    accounts
        .filter(|account| account.locked && is_ours(account.name.as_str()))
        .filter(|account| session.refusal(&account.name).is_none())
        .map(|account| session.context().account_uids(&account.name, account.uid))
        .collect()
}

fn commit(
    options: Load,
    paths: &Paths,
    deadline: Deadline,
    reply: &mut LoadReply,
) -> Result<(), Error> {
    let store = Store::open(&paths.store)?;
    let _lock = StoreLock::acquire(&store.directory, deadline)?;
    store.remove_temporaries()?;
    let range = image::uid_range(&paths.root)?;
    let here = store.contents(range)?;
    if !options.force && !here.is_empty() {
        return Err(Error::NotEmpty {
            records: here.files.len(),
            removed: here.records.tombstones.len(),
        });
    }
    let homes = if options.homes {
        Some(Homes::open(&paths.root, &HomeBases::default())?)
    } else {
        None
    };
    let Received {
        staging,
        homes,
        there,
    } = receive(&store, homes.as_ref(), range)?;
    let decided: Merge = merge(&here, &there)?;
    if let Some(homes) = homes {
        (reply.homes, reply.kept_homes) = homes.commit()?;
    }
    staging.commit(&decided)?;
    reply.added = strings(&decided.added);
    reply.replaced = strings(&decided.replaced);
    Ok(())
}

fn strings(names: &[Username]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A whole backup, not yet in place.
struct Received<'a> {
    staging: Staging<'a>,
    homes: Option<HomeExtractor<'a>>,
    there: StoreContents,
}

/// Standard input, without a buffer in between.
fn stdin() -> Result<File, Error> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    let stdin = stdin.map_err(|error| Error::stream("read", Path::new("standard input"), &error));
    stdin.map(File::from)
}

/// Reads all of it. An error: nothing was changed.
fn receive<'a>(
    store: &'a Store,
    homes: Option<&'a Homes>,
    range: UidRange,
) -> Result<Received<'a>, Error> {
    let mut receiver = Receiver {
        staging: store.stage()?,
        homes,
        unpacking: None,
        there: None,
        range,
    };
    let mut archive = tar::Archive::new(VerifyingReader::new(stdin()?));
    let read = receiver.take_all(&mut archive);
    let incoming = archive.into_inner();
    match read {
        Err(error) => return Err(incoming.explain(&error)),
        // The seal has the last word: what looks foreign may be damage.
        Ok(taken) => {
            incoming.finish()?;
            taken?;
        }
    }
    let there = match receiver.there.take() {
        Some(there) => there,
        None => receiver.staging.contents(range)?,
    };
    Ok(Received {
        staging: receiver.staging,
        homes: receiver.unpacking,
        there,
    })
}

struct Receiver<'a> {
    staging: Staging<'a>,
    homes: Option<&'a Homes>,
    unpacking: Option<HomeExtractor<'a>>,
    /// The records of the backup, read when its first home arrives.
    there: Option<StoreContents>,
    range: UidRange,
}

impl<'a> Receiver<'a> {
    /// The outer error is the stream's.
    fn take_all(
        &mut self,
        archive: &mut tar::Archive<VerifyingReader>,
    ) -> std::io::Result<Result<(), Error>> {
        let mut is_first = true;
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path_bytes().into_owned();
            if std::mem::take(&mut is_first) {
                let manifest = first(&path, &read_small(&mut entry)?);
                if let Err(unusable) = manifest.and_then(|manifest| self.wanted(&manifest)) {
                    return Ok(Err(Error::Backup(unusable)));
                }
            } else if !is_seal(&path)
                && let Err(error) = self.take(&path, &mut entry)?
            {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    fn wanted(&self, manifest: &Manifest) -> Result<(), Unusable> {
        if self.homes.is_some() && !manifest.homes {
            return Err(Unusable::NoHomes);
        }
        Ok(())
    }

    fn take(
        &mut self,
        path: &[u8],
        entry: &mut tar::Entry<'_, VerifyingReader>,
    ) -> std::io::Result<Result<(), Error>> {
        let parts = match parts(path) {
            Ok(parts) => parts,
            Err(error) => return Ok(Err(error)),
        };
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        match parts.split_first() {
            Some((top, below)) if *top == STORE.as_bytes() && is_file && self.there.is_none() => {
                Ok(self.staging.put(below, &read_small(entry)?))
            }
            Some((top, below)) if *top == HOMES.as_bytes() && !below.is_empty() => {
                match self.unpacking() {
                    Ok(Some(unpacking)) => unpacking.take(below, entry),
                    Ok(None) => Ok(Ok(())),
                    Err(error) => Ok(Err(error)),
                }
            }
            _ => Ok(Err(foreign(path))),
        }
    }

    /// Returns the extractor of homes, if homes are wanted. Their owners are in the backup's
    /// store, which comes before them.
    fn unpacking(&mut self) -> Result<Option<&mut HomeExtractor<'a>>, Error> {
        if let (Some(homes), None) = (self.homes, &self.unpacking) {
            let there = self.staging.contents(self.range)?;
            let accounts = there.records.accounts.values();
            let living = accounts.map(|account| (&account.home, account.uid));
            let tombstones = there.records.tombstones.iter();
            let owners = tombstones
                .map(|dead| (&dead.home, dead.uid))
                .chain(living)
                .filter(|(home, _)| home.base() == HOME_BASE)
                .map(|(home, uid)| (home.component().to_owned(), uid));
            self.unpacking = Some(HomeExtractor::new(homes, owners.collect()));
            self.there = Some(there);
        }
        Ok(self.unpacking.as_mut())
    }
}

/// The first entry, which says what it is.
fn first(path: &[u8], bytes: &[u8]) -> Result<Manifest, Unusable> {
    if path == MANIFEST.as_bytes() {
        Manifest::parse(bytes)
    } else {
        Err(Unusable::Foreign)
    }
}

/// A file of the store's; of a longer one enough to see that it is too long.
fn read_small(entry: &mut tar::Entry<'_, VerifyingReader>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = accounts::record::MAX_BYTES as u64 + 1;
    entry.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
