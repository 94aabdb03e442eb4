//! `user import`: many accounts at once.
//!
//! Everything is decided once without locks, so that nobody waits while
//! passwords are hashed (0.2 s each), and once more under the locks, where what
//! was decided is done. A line is done whole or not at all; one restore ends it.

use super::apply::{apply, begin};
use super::import_input;
use crate::admission::{self, Context};
use crate::cli::admin::Import;
use crate::clock::now_usec;
use crate::commands::output::Output;
use crate::error::{Error, chain};
use crate::log::say;
use crate::password::Password;
use crate::restore::{Paths, ReadOnlySession, Session};
use crate::store::Store;
use accounts::account::{Account, Home, PasswordHash, RealName, Shell, Uid, Username};
use accounts::admin::import::{self, Entry, Item, Line, Secret};
use accounts::record::Record;
use accounts::wire::{ErrorBody, ImportAction, ImportReply, ImportResult, SCHEMA};
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

pub(super) fn import(
    options: &Import,
    paths: &Paths,
    quiet: bool,
    verbose: bool,
) -> Result<Output, Error> {
    let input = import_input::read(options.file.as_deref())?;
    let mut unquoted = Zeroizing::new(Vec::new());
    let mut view = ReadOnlySession::read(paths)?;
    let lines = import::parse(&input, &mut unquoted, view.image.uids)?;
    let rehearsed = rehearse(&lines, &mut view, paths)?;
    let results = if options.dry_run {
        rehearsed
    } else {
        let hashes = hash_all(&lines, &rehearsed, verbose);
        carry_out(&lines, hashes, paths)?
    };
    Ok(answer(&lines, results, options.dry_run, quiet))
}

enum Decision {
    Exists(Account),
    New(Record),
}

/// The result, or the rehearsed result, of a line: what was done with which uid.
type Outcome = Result<(ImportAction, Uid), Error>;

/// Names, uids and homes that the lines before this one asked for.
#[derive(Default)]
struct Round {
    names: BTreeMap<String, usize>,
    uids: BTreeMap<u64, usize>,
    homes: BTreeMap<String, usize>,
    /// Numbers that nobody gets by himself: used ones, and those asked for below.
    used: BTreeSet<u32>,
}

impl Round {
    fn new(context: &Context<'_>, lines: &[Line<'_>]) -> Result<Self, Error> {
        let mut used = admission::used_ids(context)?;
        let items = lines.iter().filter_map(|line| line.item.as_ref().ok());
        let asked = items.filter_map(uid_of);
        used.extend(asked.filter_map(|uid| u32::try_from(uid).ok()));
        Ok(Self {
            used,
            ..Self::default()
        })
    }

    /// Says what becomes of a line; changes nothing but what the next line may ask.
    fn decide(&mut self, context: &Context<'_>, line: &Line<'_>) -> Result<Decision, Error> {
        let item = line.item.as_ref().map_err(|why| Error::Line(why.clone()))?;
        let name = match item {
            Item::Entry(entry) => {
                Username::parse(entry.name).or_else(|_| admission::new_name(entry.name))?
            }
            Item::Record(record) => record.account().name.clone(),
        };
        self.ask_for(item, &name, line.number)?;
        if let Some(present) = admission::present(context, &name)? {
            return Ok(Decision::Exists(present.clone()));
        }
        admission::check_not_removed(context, &name)?;
        admission::check_lines(context, &name, None)?;
        let record = match item {
            Item::Entry(entry) => {
                Record::new(self.account(context, admission::new_name(entry.name)?, entry)?)
            }
            Item::Record(record) => {
                let account = record.account();
                admission::check_uid(context, &name, account.uid.get().into())?;
                admission::check_home(context, account.home.clone())?;
                (**record).clone()
            }
        };
        self.used.insert(record.account().uid.get());
        Ok(Decision::New(record))
    }

    /// Enters a line's name, uid and home; fails if a line before has one of them.
    fn ask_for(&mut self, item: &Item<'_>, name: &Username, line: usize) -> Result<(), Error> {
        let repeated = |what| move |line| Err(Error::Repeated { what, line });
        let home = match item {
            Item::Entry(entry) => entry.home.map(str::to_owned),
            Item::Record(record) => Some(record.account().home.to_string()),
        };
        let before = self.names.insert(name.folded().into_owned(), line);
        before.map_or(Ok(()), repeated("name"))?;
        let before = uid_of(item).and_then(|uid| self.uids.insert(uid, line));
        before.map_or(Ok(()), repeated("uid"))?;
        let before = home.and_then(|home| self.homes.insert(home, line));
        before.map_or(Ok(()), repeated("home"))
    }

    /// The account of an entry, with the hash of a line that has one.
    fn account(
        &self,
        context: &Context<'_>,
        name: Username,
        entry: &Entry<'_>,
    ) -> Result<Account, Error> {
        let groups = entry.groups();
        admission::check_groups(context, &name, &groups)?;
        let uid = match entry.uid {
            Some(number) => admission::check_uid(context, &name, number)?,
            None => admission::next_uid(context, &name, &self.used)?,
        };
        let home = match entry.home {
            Some(home) => admission::check_home(context, Home::parse(home)?)?,
            None => admission::choose_home(context, &name, uid)?,
        };
        let now = now_usec();
        let mut account = Account::new(name, uid, home, now);
        if let Some(comment) = entry.comment {
            account.real_name = RealName::parse(comment)?;
        }
        if let Some(shell) = entry.shell {
            account.shell = Shell::parse(shell)?;
        }
        account.member_of = groups;
        account.locked = entry.locked;
        match entry.secret {
            Secret::Hash(hash) => account.set_password(PasswordHash::parse(hash)?, now),
            Secret::Password(password) => drop(plain(password)?),
            Secret::None => (),
        }
        Ok(account)
    }
}

fn uid_of(item: &Item<'_>) -> Option<u64> {
    match item {
        Item::Entry(entry) => entry.uid,
        Item::Record(record) => Some(record.account().uid.get().into()),
    }
}

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
) -> Result<Vec<Outcome>, Error> {
    let store = Store::find(&paths.store)?;
    let mut round = Round::new(&view.context(store.as_ref(), paths), lines)?;
    let mut outcomes = Vec::with_capacity(lines.len());
    for line in lines {
        let decision = round.decide(&view.context(store.as_ref(), paths), line);
        outcomes.push(decision.map(|decision| match decision {
            Decision::Exists(account) => (ImportAction::Exists, account.uid),
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

/// The hashes of the plain passwords of accounts that will be made.
fn hash_all(
    lines: &[Line<'_>],
    rehearsed: &[Outcome],
    verbose: bool,
) -> Vec<Option<Result<PasswordHash, Error>>> {
    let mut progress = import_input::Progress::new(lines.len(), verbose);
    let mut hashes = Vec::with_capacity(lines.len());
    for (line, outcome) in lines.iter().zip(rehearsed) {
        let is_new = matches!(outcome, Ok((ImportAction::Created, _)));
        let password = password_of(line).filter(|_| is_new);
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
) -> Result<Vec<Outcome>, Error> {
    let mut session = begin(paths)?;
    let mut round = Round::new(&session.context(), lines)?;
    let mut created = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(lines.len());
    for (line, hash) in lines.iter().zip(hashes) {
        let decision = round.decide(&session.context(), line);
        let outcome = decision.and_then(|decision| match decision {
            Decision::Exists(account) => Ok((ImportAction::Exists, account.uid)),
            Decision::New(record) => {
                let record = save(&mut session, record, line, hash)?;
                let account = record.account();
                created.insert(account.name.clone(), outcomes.len());
                Ok((ImportAction::Created, account.uid))
            }
        });
        outcomes.push(outcome);
    }
    if created.is_empty() {
        return Ok(outcomes);
    }
    let summary = apply(&mut session)?;
    for problem in &summary.problems {
        say(problem);
    }
    for (name, refusal) in summary.refused {
        if let Some(&index) = created.get(&name) {
            let refused = Error::Refused { name, refusal };
            outcomes[index] = Err(Error::Recorded(Box::new(refused)));
        }
    }
    Ok(outcomes)
}

/// Ledger, then record. From the record on, the account exists.
fn save(
    session: &mut Session,
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
    session.admit(&record)?;
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
    reply.changed = !dry_run && reply.count(ImportAction::Created) > 0;
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
        line: line.number as u64,
        user_name: name.map(|name| name.to_string()).unwrap_or_default(),
        action,
        uid,
        error,
    }
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
