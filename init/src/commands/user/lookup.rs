//! Finds the accounts that a command names, or says why there is none of that name.
//! Reads; changes nothing.

use crate::error::Error;
use crate::restore::Session;
use accounts::account::Username;
use accounts::image::Image;
use accounts::record::{Record, Records, refuse_name};
use std::collections::BTreeSet;

/// The named accounts, each once, or the first error.
pub(super) fn find_all(session: &Session, typed: &[String]) -> Result<Vec<Record>, Error> {
    let names = typed.iter().map(|name| Username::parse(name));
    let names: BTreeSet<Username> = names.collect::<Result<_, _>>()?;
    names.iter().map(|name| find(session, name)).collect()
}

/// The record of an account; an account of the image is never one, whatever
/// the volume says.
pub(super) fn find(session: &Session, name: &Username) -> Result<Record, Error> {
    let is_there = session.records().accounts.contains_key(name);
    if is_there && refuse_name(name, session.image()).is_none() {
        return session.read(name);
    }
    Err(absent(session.records(), session.image(), name))
}

/// Why there is no account of that name.
pub(super) fn absent(records: &Records, image: &Image, name: &Username) -> Error {
    if let Some(refusal) = refuse_name(name, image) {
        return Error::refused(name, refusal);
    }
    let mut rejected = records.rejected.iter();
    match rejected.find(|rejected| rejected.is_record_of(name)) {
        Some(rejected) => Error::bad_record(name, &*rejected.reason),
        None => Error::NoSuchAccount(name.to_string()),
    }
}
