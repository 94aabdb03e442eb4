//! `user import`: many accounts at once.
//!
//! Everything is decided once without locks, so that nobody waits while
//! passwords are hashed (0.2 s each), and once more under the locks, where what
//! was decided is done. A line is done whole or not at all; one restore ends it.

mod input;
mod round;
mod update;

use super::apply::{apply, begin};
use crate::cli::admin::Import;
use crate::clock::now_usec;
use crate::commands::output::Output;
use crate::error::{Error, chain};
use crate::log::say;
use crate::password::Password;
use crate::restore::{Paths, ReadOnlySession};
use crate::store::Store;
use accounts::account::{PasswordHash, Uid, Username};
use accounts::admin::import::{self, Entry, Item, Line, Secret};
use accounts::record::Record;
use accounts::wire::{ErrorBody, ImportAction, ImportReply, ImportResult, SCHEMA};
use round::{Decision, Round};
use std::borrow::Cow;
use std::collections::BTreeMap;
use zeroize::{Zeroize as _, Zeroizing};

pub(super) fn import(
    options: &Import,
    paths: &Paths,
    quiet: bool,
    verbose: bool,
) -> Result<Output, Error> {
    let input = input::read(options.file.as_deref())?;
    let mut decoded = import::decode(&input)?;
    let answer = import_text(&decoded, options, paths, quiet, verbose);
    if let Cow::Owned(text) = &mut decoded {
        text.zeroize();
    }
    answer
}

fn import_text(
    text: &[u8],
    options: &Import,
    paths: &Paths,
    quiet: bool,
    verbose: bool,
) -> Result<Output, Error> {
    let mut unquoted = Zeroizing::new(Vec::new());
    let mut view = ReadOnlySession::read(paths)?;
    let lines = import::parse(text, &mut unquoted, view.image.uids)?;
    let rehearsed = rehearse(&lines, &mut view, paths, options.update)?;
    let results = if options.dry_run {
        rehearsed
    } else {
        let hashes = hash_all(&lines, &rehearsed, verbose);
        carry_out(&lines, hashes, paths, options.update)?
    };
    Ok(answer(&lines, results, options.dry_run, quiet))
}

/// The result, or the rehearsed result, of a line: what was done with which uid.
type Outcome = Result<(ImportAction, Uid), Error>;

fn plain(password: &[u8]) -> Result<Password, Error> {
    Password::new(Zeroizing::new(password.to_vec()))
}

/// The plain password of a line.
fn password_of<'a>(line: &Line<'a>) -> Option<&'a [u8]> {
    match line.item.as_ref().ok()? {
        Item::Entry(Entry {
            secret: Secret::Password(password),
            ..
        }) => Some(password),
        _ => None,
    }
}

/// Decides about every line, as if it were done, and does nothing.
fn rehearse(
    lines: &[Line<'_>],
    view: &mut ReadOnlySession,
    paths: &Paths,
    update: bool,
) -> Result<Vec<Outcome>, Error> {
    let store = Store::find(&paths.store)?;
    let mut round = Round::new(&view.context(store.as_ref(), paths), lines, update)?;
    let mut outcomes = Vec::with_capacity(lines.len());
    for line in lines {
        let decision = round.decide(&view.context(store.as_ref(), paths), line);
        outcomes.push(decision.map(|decision| match decision {
            Decision::Exists(account) => (ImportAction::Exists, account.uid),
            Decision::Update(account) => (ImportAction::Updated, account.uid),
            Decision::New(record) => {
                let account = record.account();
                let accounts = &mut view.records.accounts;
                accounts.insert(account.name.clone(), Box::new(account.clone()));
                (ImportAction::Created, account.uid)
            }
        }));
    }
    Ok(outcomes)
}

/// The hashes of the plain passwords of accounts that will be made or changed.
fn hash_all(
    lines: &[Line<'_>],
    rehearsed: &[Outcome],
    verbose: bool,
) -> Vec<Option<Result<PasswordHash, Error>>> {
    let mut progress = input::Progress::new(lines.len(), verbose);
    let mut hashes = Vec::with_capacity(lines.len());
    for (line, outcome) in lines.iter().zip(rehearsed) {
        let is_done = matches!(
            outcome,
            Ok((ImportAction::Created | ImportAction::Updated, _))
        );
        let password = password_of(line).filter(|_| is_done);
        hashes.push(password.map(|password| plain(password)?.hash()));
        progress.step();
    }
    hashes
}

/// Decides again, under the locks, and does it.
fn carry_out(
    lines: &[Line<'_>],
    hashes: Vec<Option<Result<PasswordHash, Error>>>,
    paths: &Paths,
    update: bool,
) -> Result<Vec<Outcome>, Error> {
    let mut session = begin(paths)?;
    let mut round = Round::new(&session.context(), lines, update)?;
    let mut done = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(lines.len());
    for (line, hash) in lines.iter().zip(hashes) {
        let decision = round.decide(&session.context(), line);
        let outcome = decision.and_then(|decision| {
            let (action, record) = match decision {
                Decision::Exists(account) => return Ok((ImportAction::Exists, account.uid)),
                Decision::New(record) => (ImportAction::Created, record),
                Decision::Update(account) => {
                    let mut record = session.read(&account.name)?;
                    record.update(|recorded| *recorded = account);
                    (ImportAction::Updated, record)
                }
            };
            let record = with_password(record, line, hash)?;
            match action {
                ImportAction::Created => session.admit(&record)?,
                _ => session.save(&record)?,
            }
            let account = record.account();
            done.insert(account.name.clone(), outcomes.len());
            Ok((action, account.uid))
        });
        outcomes.push(outcome);
    }
    if done.is_empty() {
        return Ok(outcomes);
    }
    let summary = apply(&mut session)?;
    for problem in &summary.problems {
        say(problem);
    }
    for (name, refusal) in summary.refused {
        if let Some(&index) = done.get(&name) {
            let refused = Error::Refused { name, refusal };
            outcomes[index] = Err(Error::Recorded(Box::new(refused)));
        }
    }
    Ok(outcomes)
}

/// The record with the line's plain password.
fn with_password(
    mut record: Record,
    line: &Line<'_>,
    hash: Option<Result<PasswordHash, Error>>,
) -> Result<Record, Error> {
    // Only a line that became free since the rehearsal is not hashed yet.
    let hash = match (hash, password_of(line)) {
        (Some(hash), _) => Some(hash?),
        (None, Some(password)) => Some(plain(password)?.hash()?),
        (None, None) => None,
    };
    if let Some(hash) = hash {
        record.update(|account| account.set_password(hash, now_usec()));
    }
    Ok(record)
}

fn answer(lines: &[Line<'_>], outcomes: Vec<Outcome>, dry_run: bool, quiet: bool) -> Output {
    let results = lines.iter().zip(outcomes);
    let mut reply = ImportReply {
        schema: SCHEMA,
        changed: false,
        results: results
            .map(|(line, outcome)| result(line, outcome))
            .collect(),
    };
    let done = reply.count(ImportAction::Created) + reply.count(ImportAction::Updated);
    reply.changed = !dry_run && done > 0;
    Output {
        status: u8::from(reply.count(ImportAction::Failed) > 0),
        ..Output::new(reply.sentences(dry_run, quiet).join("\n"), &reply)
    }
}

fn result(line: &Line<'_>, outcome: Outcome) -> ImportResult {
    let name = match &line.item {
        Ok(Item::Entry(entry)) => Username::parse(entry.name).ok(),
        Ok(Item::Record(record)) => Some(record.account().name.clone()),
        Err(_) => None,
    };
    let (action, uid, error) = match outcome {
        Ok((action, uid)) => (action, Some(uid.get()), None),
        Err(error) => (ImportAction::Failed, None, Some(body(&error))),
    };
    ImportResult {
        warnings: warnings(line, action),
        line: line.number as u64,
        user_name: name.map(|name| name.to_string()).unwrap_or_default(),
        action,
        uid,
        error,
    }
}

/// What the administrator may want to look at in a line that is done.
fn warnings(line: &Line<'_>, action: ImportAction) -> Vec<String> {
    if !matches!(action, ImportAction::Created | ImportAction::Updated) {
        return Vec::new();
    }
    let password = password_of(line).and_then(|password| plain(password).ok());
    let weakness = password.and_then(|password| password.weakness());
    let of_line = line.warning.as_ref().map(ToString::to_string);
    of_line
        .into_iter()
        .chain(weakness.map(str::to_owned))
        .collect()
}

/// The error without what was typed: with the columns mixed up, that may be a
/// password.
fn body(error: &Error) -> ErrorBody {
    let message = match error {
        Error::Name(_) => "invalid name: a new name has 3 to 32 of ASCII letters, digits and '_', not starting with a digit".to_owned(),
        Error::Text(invalid) => invalid.without_value(),
        Error::GroupNotAllowed { .. } => "the image does not allow one of the groups".to_owned(),
        other => chain(other),
    };
    let hint = match error {
        Error::GroupNotAllowed { .. } => {
            "/etc/occ/groups.allow in the image says who may be in which".to_owned()
        }
        other => other.hint(),
    };
    ErrorBody::new(error.kind(), message, hint)
}
