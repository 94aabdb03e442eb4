//! `user export`: the records as JSON lines, which `user import` reads back.

use crate::commands::output::Output;
use crate::error::{Error, chain};
use crate::log::say;
use crate::restore::{Paths, ReadOnlySession};
use crate::store::Store;
use accounts::record::Problem;
use accounts::wire::{ExportReply, SCHEMA};

/// All records that can be read, sorted by name; the others are named on
/// standard error, and then the status is 1. Changes nothing.
pub(super) fn export(with_hashes: bool, paths: &Paths) -> Result<Output, Error> {
    let view = ReadOnlySession::read(paths)?;
    let rejected = view.records.rejected.iter();
    let mut skipped: Vec<String> = rejected
        .filter(|rejected| rejected.part.is_record())
        .map(|rejected| Problem::Rejected(rejected.clone()).to_string())
        .collect();
    let mut records = Vec::new();
    if let Some(store) = Store::find(&paths.store)? {
        for name in view.records.accounts.keys() {
            match store.read(name, view.image.uids) {
                Ok(record) => records.push(record.exported(with_hashes)),
                // Removed since it was listed, or broken: no reason to keep the rest.
                Err(error) => skipped.push(chain(&error)),
            }
        }
    }
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    for reason in &skipped {
        say(reason);
    }
    // Whoever keeps this as a backup must not think that it holds everybody.
    let status = u8::from(!skipped.is_empty());
    let reply = ExportReply {
        schema: SCHEMA,
        records,
        skipped,
    };
    let answer = Output::new(lines.join("\n"), &reply);
    Ok(Output { status, ..answer })
}
