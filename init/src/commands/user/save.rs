//! `user save`: a backup of all accounts on standard output.

use super::apply::begin;
use crate::admission::{Claim, claims};
use crate::clock::now_usec;
use crate::commands::output::Output;
use crate::error::{Error, std_io, usage};
use crate::fs::sealed_stream::SealingWriter;
use crate::home::Homes;
use crate::restore::{Paths, Session};
use accounts::account::{Home, Uid};
use accounts::admin::backup::{Manifest, SCHEMA};
use accounts::image::HomeBases;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::fd::AsFd;

/// Writes the store as it is under its locks, then the homes as they are found.
pub(super) fn save(with_homes: bool, paths: &Paths) -> Result<Output, Error> {
    if io::stdout().is_terminal() {
        return Err(usage(
            "a backup holds password hashes and is not for a terminal: send it to a file",
        ));
    }
    let session = begin(paths)?;
    let manifest = Manifest {
        schema: SCHEMA,
        created: now_usec(),
        accounts: session.records().accounts.len() as u64,
        homes: with_homes,
    };
    let store = session.store().snapshot(&manifest)?;
    let homes = with_homes.then(|| homes_of(&session));
    // Whoever reads this slowly keeps nobody waiting.
    drop(session);
    let homes = (
        Homes::open(&paths.root, &HomeBases::default())?,
        homes.unwrap_or_default(),
    );
    let written = standard_output().and_then(|out| write(out, store, &homes));
    written.map_err(std_io("write", "standard output"))?;
    Ok(Output::default())
}

/// The homes of all accounts, removed ones too, whose homes are kept.
fn homes_of(session: &Session) -> Vec<(Home, Uid)> {
    let owned = |claim: Claim<'_>| (claim.home.clone(), claim.uid);
    let mut all: Vec<_> = claims(session.records()).map(owned).collect();
    all.sort_by(|one, other| one.0.component().cmp(other.0.component()));
    all
}

fn write(
    out: File,
    (store, length): (File, u64),
    (homes, owned): &(Homes, Vec<(Home, Uid)>),
) -> io::Result<()> {
    let mut out = SealingWriter::new(io::BufWriter::with_capacity(64 * 1024, out));
    io::copy(&mut store.take(length), &mut out)?;
    let mut archive = tar::Builder::new(out);
    for (home, uid) in owned {
        homes.pack(home, *uid, &mut archive)?;
    }
    archive.get_mut().end()?;
    archive.into_inner()?.flush()
}

/// Not std's, which looks for newlines in what it is given.
fn standard_output() -> io::Result<File> {
    Ok(io::stdout().as_fd().try_clone_to_owned()?.into())
}
