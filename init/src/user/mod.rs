//! `occ-init user …`: edits records, then takes the same road as boot.
//!
//! One file per verb. All names are checked before anything changes.

mod add;
mod adopt;
mod export;
mod first;
mod import;
mod import_input;
mod list;
mod load;
mod passwd;
mod remove;
mod save;
mod state;

pub(crate) use first::make_first;
pub(crate) use state::end_processes;

use crate::cli::{Global, User};
use crate::command::Answer;
use crate::error::Error;
use crate::restore::summary::Summary;
use crate::restore::{Caller, Paths, Session};
use crate::say::say;
use accounts::name::Username;
use accounts::record::Record;
use accounts::records::{Records, refuse_name};
use accounts::wire::{AccountReply, AccountView, ListReply, SCHEMA};
use std::collections::BTreeSet;

/// Runs one of the commands.
pub(crate) fn run(command: &User, paths: &Paths, global: &Global) -> Result<Answer, Error> {
    let said = |answer: Answer| Answer {
        text: if global.quiet {
            String::new()
        } else {
            answer.text
        },
        ..answer
    };
    let answer = match command {
        User::List => list::list(paths, global.quiet),
        User::Show { name } => list::show(paths, name),
        User::Keys { name } => list::keys(paths, name),
        User::Add(add) => add::add(add, paths, global.quiet),
        User::Passwd { name, source } => passwd::passwd(name, source, paths, global.quiet),
        User::Enable { names } => state::enable(names, paths).map(said),
        User::Disable { names } => state::disable(names, paths).map(said),
        User::Import(options) => import::import(options, paths, global.quiet, global.verbose),
        User::Export { with_hashes } => export::export(*with_hashes, paths),
        User::Save { homes } => save::save(*homes, paths),
        User::Load(options) => load::load(*options, paths),
        User::Adopt { name } => adopt::adopt(name, paths).map(said),
        User::Remove(remove) => remove::remove(remove, paths).map(said),
        User::Sweep { .. } => Err(Error::Usage("'sweep' is for occ-init itself".into())),
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
        _ => return false,
    };
    source.request_stdin || source.password_stdin || source.password_hash_stdin
}

/// A name as typed; one that is no name can't be an account's.
fn parse_name(typed: &str) -> Result<Username, Error> {
    Ok(Username::parse(typed)?)
}

/// The named accounts, each once, or the first error.
fn find_all(session: &Session, typed: &[String]) -> Result<Vec<Record>, Error> {
    let names: BTreeSet<Username> = typed
        .iter()
        .map(|name| parse_name(name))
        .collect::<Result<_, _>>()?;
    names.iter().map(|name| find(session, name)).collect()
}

/// The record of an account; an account of the image is never one, whatever
/// the volume says.
fn find(session: &Session, name: &Username) -> Result<Record, Error> {
    if let Some(refusal) = refuse_name(name, &session.image) {
        return Err(Error::Refused {
            name: name.clone(),
            refusal,
        });
    }
    if session.records.accounts.contains_key(name) {
        return session.store.read(name, session.image.uids);
    }
    Err(absent(&session.records, &session.image, name))
}

/// Why there is no account of that name.
fn absent(records: &Records, image: &accounts::image::Image, name: &Username) -> Error {
    if let Some(refusal) = refuse_name(name, image) {
        return Error::Refused {
            name: name.clone(),
            refusal,
        };
    }
    match records
        .rejected
        .iter()
        .find(|rejected| rejected.is_record_of(name))
    {
        Some(rejected) => Error::BadRecord {
            name: name.to_string(),
            reason: rejected.reason.clone(),
        },
        None => Error::NoSuchAccount(name.to_string()),
    }
}

/// Brings /etc in line after records were saved. The change is made by then, so
/// a failure here says so.
fn apply(session: &mut Session) -> Result<Summary, Error> {
    session
        .restore(&|| ())
        .map_err(|cause| Error::Recorded(Box::new(cause)))
}

fn begin(paths: &Paths) -> Result<Session, Error> {
    Session::begin(paths, Caller::Command)
}

/// Says what restore left out about an account that was just changed. One that
/// is left out altogether is a failure: `disable` must not claim to have shut
/// somebody out whose lines it could not touch.
fn warn_about(summary: &Summary, name: &Username) -> Result<(), Error> {
    if let Some((name, refusal)) = summary.refused.iter().find(|(other, _)| other == name) {
        return Err(Error::Recorded(Box::new(Error::Refused {
            name: name.clone(),
            refusal: refusal.clone(),
        })));
    }
    let quoted = format!("'{name}'");
    summary
        .problems
        .iter()
        .filter(|problem| problem.contains(&quoted))
        .for_each(|problem| say(problem));
    // Those that name the account were said above, with all other problems.
    summary
        .odd_homes
        .iter()
        .filter(|(owner, odd)| owner == name && !odd.contains(&quoted))
        .for_each(|(_, odd)| say(odd));
    Ok(())
}

/// The answer of a command on one account.
fn one(
    text: String,
    changed: bool,
    account: AccountView,
    generated_password: Option<String>,
) -> Answer {
    Answer::new(
        text,
        &AccountReply {
            schema: SCHEMA,
            changed,
            account,
            generated_password,
        },
    )
}

/// The answer of a command on one or several accounts.
fn several(text: String, changed: bool, mut accounts: Vec<AccountView>) -> Answer {
    match accounts.pop() {
        Some(account) if accounts.is_empty() => one(text, changed, account, None),
        last => {
            accounts.extend(last);
            Answer::new(
                text,
                &ListReply {
                    schema: SCHEMA,
                    changed: Some(changed),
                    accounts,
                },
            )
        }
    }
}
