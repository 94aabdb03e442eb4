//! `user export`: the records as JSON lines, which `user import` reads back.

use crate::command::Answer;
use crate::error::{Error, chain};
use crate::restore::{Paths, View};
use crate::say::say;
use crate::store::Store;
use accounts::records::Problem;
use accounts::wire::{ExportReply, SCHEMA};

/// All records that can be read, sorted by name; the others are named on
/// standard error. Changes nothing.
pub(super) fn export(with_hashes: bool, paths: &Paths) -> Result<Answer, Error> {
    let view = View::read(paths)?;
    for rejected in &view.records.rejected {
        say(&Problem::Rejected(rejected.clone()).to_string());
    }
    let mut records = Vec::new();
    if let Some(store) = Store::find(&paths.store)? {
        for name in view.records.accounts.keys() {
            match store.read(name, view.image.uids) {
                Ok(record) => records.push(record.exported(with_hashes)),
                // Removed since it was listed, or broken: no reason to keep the rest.
                Err(error) => say(&chain(&error)),
            }
        }
    }
    let lines: Vec<String> = records.iter().map(ToString::to_string).collect();
    let reply = ExportReply {
        schema: SCHEMA,
        records,
    };
    Ok(Answer::new(lines.join("\n"), &reply))
}
