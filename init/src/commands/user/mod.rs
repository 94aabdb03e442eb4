//! `occ-init user …`: edits records, then takes the same road as boot.
//!
//! One file per verb. All names are checked before anything changes.

mod add;
mod adopt;
mod apply;
mod bootstrap;
mod disable;
mod export;
mod import;
mod list;
mod load;
mod lookup;
mod passkey;
mod passwd;
mod remove;
mod reply;
mod save;
mod set;
mod ssh_keys;

pub(crate) use bootstrap::make_first;

use crate::cli::admin::{PasskeyCommand, User};
use crate::cli::globals::Globals;
use crate::commands::output::Output;
use crate::error::{Error, usage};
use crate::restore::Paths;

pub(crate) fn run(command: &User, paths: &Paths, global: &Globals) -> Result<Output, Error> {
    let said = |answer: Output| Output {
        text: if global.quiet {
            String::new()
        } else {
            answer.text
        },
        ..answer
    };
    let answer = match command {
        User::List => list::list(paths, global),
        User::Show { name } => list::show(paths, name),
        User::Keys { name } => list::keys(paths, name),
        User::Add(add) => add::add(add, paths, global.quiet),
        User::Passwd { name, source } => passwd::passwd(name, source, paths, global.quiet),
        User::Set(options) => set::set(options, paths).map(said),
        User::Enable(who) => disable::enable(&who.names, paths).map(said),
        User::Disable(who) => disable::disable(&who.names, paths).map(said),
        User::Import(options) => import::import(options, paths, global.quiet, global.verbose),
        User::Export { with_hashes } => export::export(*with_hashes, paths),
        User::Save { homes } => save::save(*homes, paths),
        User::Load(options) => load::load(*options, paths),
        User::Adopt { name, dry_run } => adopt::adopt(name, *dry_run, paths).map(said),
        User::Remove(remove) => remove::remove(remove, paths).map(said),
        User::Passkey(command) => passkey::passkey(command, paths).map(|answer| match command {
            PasskeyCommand::List { .. } => answer,
            _ => said(answer),
        }),
        User::Sweep { .. } => Err(usage("'sweep' is for occ-init itself")),
    };
    if takes_secret_from_stdin(command) {
        crate::password::finish_stdin();
    }
    answer
}

fn takes_secret_from_stdin(command: &User) -> bool {
    let source = match command {
        User::Add(add) => &add.source,
        User::Passwd { source, .. } => source,
        User::Set(options) => return options.request_stdin,
        User::Passkey(PasskeyCommand::Add { request_stdin, .. }) => return *request_stdin,
        _ => return false,
    };
    source.request_stdin || source.password_stdin || source.password_hash_stdin
}
