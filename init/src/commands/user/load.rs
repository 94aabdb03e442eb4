//! `user load`: a backup from standard input, into the store.
//!
//! All of it is read, staged and checked before the first change. Homes go
//! first: where there is one, the restore that follows makes none. Then one
//! rename commits the accounts, and the same road as ever takes them to /etc.

use super::apply::{apply, begin};
use super::disable::rightful;
use crate::admission::claims;
use crate::cli::admin::Load;
use crate::commands::output::Output;
use crate::error::{Error, std_io, usage};
use crate::fs::ofd_lock::Deadline;
use crate::fs::sealed_stream::{Failed, VerifyingReader, drain, foreign, parts};
use crate::home::Homes;
use crate::home::extract::HomeExtractor;
use crate::image;
use crate::proc::kill::{AccountUids, end_processes};
use crate::restore::summary::refused;
use crate::restore::{Caller, Paths, Session, deadline, must_be_root};
use crate::store::lock::StoreLock;
use crate::store::{Staging, Store};
use accounts::account::{Account, HOME_BASE, UidRange, Username};
use accounts::admin::backup::{HOMES, MANIFEST, Manifest, SEAL, STORE, Unusable};
use accounts::admin::merge::{StoreContents, merge};
use accounts::image::HomeBases;
use accounts::wire::{LoadReply, SCHEMA};
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::os::fd::AsFd;

pub(super) fn load(options: Load, paths: &Paths) -> Result<Output, Error> {
    if std::io::stdin().is_terminal() {
        return Err(usage(
            "a backup is needed on standard input: send a file there",
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
    if let Err(error) = commit(options, paths, deadline(Caller::Command), &mut reply) {
        drain(&mut stdin()?);
        return Err(error);
    }
    let recorded = |cause| Error::Recorded(Box::new(cause));
    // The session puts into place what was committed.
    let mut session = begin(paths).map_err(recorded)?;
    reply.problems = apply(&mut session)?.problems;
    end_processes(&paths.root, &locked(&session, &reply), true).map_err(recorded)?;
    let (_, problems) = session.records().restorable(session.image());
    let mut refused = problems.iter().filter_map(refused);
    let ours = [&reply.added[..], &reply.replaced].concat();
    let status = u8::from(refused.any(|(name, _)| ours.contains(&name.to_string())));
    let text = [&[reply.sentence()], &reply.problems[..]].concat();
    Ok(Output {
        status,
        ..Output::new(text.join("\n"), &reply)
    })
}

/// Those that the backup shuts out may be logged in.
fn locked(session: &Session, reply: &LoadReply) -> Vec<AccountUids> {
    let accounts = session.records().accounts.values().map(Box::as_ref);
    let is_locked =
        |account: &&Account| account.locked && reply.replaced.contains(&account.name.to_string());
    rightful(session, accounts.filter(is_locked))
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
    let open = || Homes::open(&paths.root, &HomeBases::default());
    let homes = options.homes.then(open).transpose()?;
    let (staging, homes, there) = receive(&store, homes.as_ref(), range)?;
    let decided = merge(&here, &there).map_err(Error::Clash)?;
    if let Some(homes) = homes {
        (reply.homes, reply.kept_homes) = homes.commit()?;
    }
    staging.commit(&decided)?;
    let strings = |names: &[Username]| names.iter().map(ToString::to_string).collect();
    reply.added = strings(&decided.added);
    reply.replaced = strings(&decided.replaced);
    Ok(())
}

/// A whole backup, not yet in place; and what its store holds.
type Received<'a> = (Staging<'a>, Option<HomeExtractor<'a>>, StoreContents);

/// Standard input, without a buffer in between.
fn stdin() -> Result<File, Error> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned();
    Ok(stdin.map_err(std_io("read", "standard input"))?.into())
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
        Ok(()) => incoming.finish()?,
        Err(Failed::Stream(error)) => return Err(incoming.explain(error)),
        // The seal has the last word: what looks foreign may be damage.
        Err(Failed::Entry(error)) => return Err(incoming.finish().err().unwrap_or(error)),
    }
    let there = match receiver.there.take() {
        Some(there) => there,
        None => receiver.staging.contents(range)?,
    };
    Ok((receiver.staging, receiver.unpacking, there))
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
    fn take_all(&mut self, archive: &mut tar::Archive<VerifyingReader>) -> Result<(), Failed> {
        let mut is_first = true;
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path_bytes().into_owned();
            if std::mem::take(&mut is_first) {
                let checked = self.check_first(&path, &read_small(&mut entry)?);
                checked.map_err(Error::Backup)?;
            } else if path != SEAL.as_bytes() {
                self.take(&path, &mut entry)?;
            }
        }
        Ok(())
    }

    /// The first entry says what it is.
    fn check_first(&self, path: &[u8], bytes: &[u8]) -> Result<(), Unusable> {
        if path != MANIFEST.as_bytes() {
            return Err(Unusable::Foreign);
        }
        if !Manifest::parse(bytes)?.homes && self.homes.is_some() {
            return Err(Unusable::NoHomes);
        }
        Ok(())
    }

    fn take(
        &mut self,
        path: &[u8],
        entry: &mut tar::Entry<'_, VerifyingReader>,
    ) -> Result<(), Failed> {
        let parts = parts(path)?;
        let is_file = entry.header().entry_type() == tar::EntryType::Regular;
        match parts.split_first() {
            Some((top, below)) if *top == STORE.as_bytes() && is_file && self.there.is_none() => {
                Ok(self.staging.put(below, &read_small(entry)?)?)
            }
            Some((top, below)) if *top == HOMES.as_bytes() && !below.is_empty() => {
                let unpacking = self.unpacking()?;
                unpacking.map_or(Ok(()), |unpacking| unpacking.take(below, entry))
            }
            _ => Err(foreign(path).into()),
        }
    }

    /// Returns the extractor of homes, if homes are wanted. Their owners are in the backup's
    /// store, which comes before them.
    fn unpacking(&mut self) -> Result<Option<&mut HomeExtractor<'a>>, Error> {
        if let (Some(homes), None) = (self.homes, &self.unpacking) {
            let there = self.staging.contents(self.range)?;
            // Those present last: they have it if somebody removed had it too.
            let owners = claims(&there.records)
                .rev()
                .filter(|claim| claim.home.base() == HOME_BASE)
                .map(|claim| (claim.home.component().to_owned(), claim.uid));
            self.unpacking = Some(HomeExtractor::new(homes, owners.collect()));
            self.there = Some(there);
        }
        Ok(self.unpacking.as_mut())
    }
}

/// A file of the store's; of a longer one enough to see that it is too long.
fn read_small(entry: &mut tar::Entry<'_, VerifyingReader>) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = accounts::record::MAX_BYTES as u64 + 1;
    entry.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
