//! `user add`: a name, a uid for ever, a record, a home, four lines.

use super::apply::{apply, begin, warn_about, warn_about_shell};
use super::passwd::{Credentials, credentials};
use super::reply::{one, with_password};
use super::ssh_keys::{check_keys, key_lines, read_keys};
use crate::admission::{self, Context};
use crate::cli::admin::Add;
use crate::clock::now_usec;
use crate::commands::output::Output;
use crate::error::{Error, usage};
use crate::password;
use crate::restore::{Paths, Session};
use accounts::account::{Account, PasswordHash, RealName, Shell, SshKey, Uid, Username};
use accounts::record::Record;

/// The options, checked as far as that needs no store.
struct Wanted {
    name: Username,
    uid: Option<u64>,
    real_name: Option<RealName>,
    shell: Option<Shell>,
    ssh_keys: Vec<SshKey>,
}

pub(super) fn add(options: &Add, paths: &Paths, quiet: bool) -> Result<Output, Error> {
    let wanted = wanted(options)?;
    let exists = |present: &Account| {
        let text = format!("User '{}' already exists.", wanted.name);
        one(text, false, present)
    };
    if let Some(present) = check(&begin(paths)?, &wanted, options)? {
        return Ok(exists(&present));
    }
    let mut credentials = if options.no_password && !options.source.request_stdin {
        Credentials::default()
    } else {
        credentials(&options.source)?
    };
    match (&credentials.hash, options.no_password) {
        (None, false) => return Err(Error::Request("no password and no hash in it")),
        (Some(_), true) => return Err(Error::Request("a password in it, but --no-password")),
        _ => (),
    }
    credentials
        .ssh_keys
        .splice(..0, wanted.ssh_keys.iter().cloned());
    check_keys(&credentials.ssh_keys)?;
    // Somebody may have been faster while the password was typed.
    let mut session = begin(paths)?;
    if let Some(present) = check(&session, &wanted, options)? {
        return Ok(exists(&present));
    }
    let record = make(&mut session, &wanted, options, &credentials)?;
    let summary = apply(&mut session)?;
    warn_about(&summary, &wanted.name)?;
    let account = record.account();
    if options.shell.is_some() {
        warn_about_shell(account, paths);
    }
    let message = format!("User '{}' created (uid {}).", account.name, account.uid);
    let (generated, always) = (credentials.generated.as_deref(), !options.no_password);
    Ok(with_password(message, account, generated, quiet, always))
}

/// Makes an account whose hash comes from elsewhere; the caller restores. What
/// else `hash` returns comes back.
pub(super) fn with_hash<T>(
    session: &mut Session,
    options: &Add,
    hash: impl FnOnce() -> Result<(PasswordHash, T), Error>,
) -> Result<(Account, T), Error> {
    let wanted = wanted(options)?;
    if check(session, &wanted, options)?.is_some() {
        return Err(Error::Exists(wanted.name));
    }
    let (hash, told) = hash()?;
    let record = make(session, &wanted, options, &Credentials::of(hash))?;
    Ok((record.account().clone(), told))
}

fn wanted(options: &Add) -> Result<Wanted, Error> {
    let typed = match &options.name {
        Some(name) => name.clone(),
        None if password::can_ask() => match password::ask("Username [opencode]: ")?.as_str() {
            "" => "opencode".to_owned(),
            name => name.to_owned(),
        },
        None => return Err(usage("a name is needed: give NAME, or use a terminal")),
    };
    let ssh_keys = options.ssh_key_file.as_deref().map(read_keys).transpose()?;
    let real_name = options.comment.as_deref();
    Ok(Wanted {
        // A short or dashed name of a removed account may come back as it was.
        name: if options.restore {
            Username::parse(&typed)?
        } else {
            admission::new_name(&typed)?
        },
        uid: options.uid.as_deref().map(number).transpose()?,
        real_name: real_name.map(RealName::parse).transpose()?,
        shell: options.shell.as_deref().map(Shell::parse).transpose()?,
        ssh_keys: ssh_keys.unwrap_or_default(),
    })
}

/// A uid as typed: digits alone, for `parse` would take a sign.
fn number(typed: &str) -> Result<u64, Error> {
    let digits = typed.bytes().all(|byte| byte.is_ascii_digit());
    let number = typed.parse().ok().filter(|_| digits);
    number.ok_or_else(|| Error::NoNumber(typed.to_owned()))
}

/// Every rule that says no, without changing anything. Returns the account that
/// is there already, where that is allowed.
fn check(session: &Session, wanted: &Wanted, options: &Add) -> Result<Option<Account>, Error> {
    let (context, name) = (session.context(), &wanted.name);
    if let Some(present) = admission::present(&context, name)? {
        return if options.if_missing {
            Ok(Some(present.clone()))
        } else {
            Err(Error::Exists(name.clone()))
        };
    }
    let tombstone = admission::tombstone(&context, name);
    if options.restore && tombstone.is_none() {
        return Err(Error::NotRemoved(name.clone()));
    }
    if !options.restore && !options.new_uid {
        admission::check_not_removed(&context, name)?;
    }
    admission::check_lines(&context, name, tombstone)?;
    admission::check_groups(&context, name, &options.groups)?;
    if let Some(dead) = tombstone.filter(|_| options.restore) {
        admission::check_old_id(&context, name, dead)?;
        return Ok(None);
    }
    let uid = choose_uid(&context, wanted)?;
    let home = admission::choose_home(&context, name, uid)?;
    if !options.force {
        admission::check_old_home(&context, &home, uid)?;
    }
    Ok(None)
}

/// Ledger, then record. From the record on, the account exists.
fn make(
    session: &mut Session,
    wanted: &Wanted,
    options: &Add,
    given: &Credentials,
) -> Result<Record, Error> {
    let name = &wanted.name;
    let fill = |account: &mut Account| {
        // What a removed account had, it keeps unless something else is asked.
        if let Some(real_name) = &wanted.real_name {
            account.real_name.clone_from(real_name);
        }
        if let Some(shell) = &wanted.shell {
            account.shell.clone_from(shell);
        }
        if !options.groups.is_empty() {
            account.member_of.clone_from(&options.groups);
            account.member_of.sort();
            account.member_of.dedup();
        }
        account.locked = options.disabled;
        account.ssh_keys = key_lines(&given.ssh_keys);
        account.hash = None;
        account.password_changed_usec = None;
        if let Some(hash) = given.hash.clone() {
            account.set_password(hash, now_usec());
        }
    };
    if options.restore {
        let dead = admission::tombstone(&session.context(), name)
            .cloned()
            .ok_or_else(|| Error::NotRemoved(name.clone()))?;
        return session.bring_back(&dead, fill);
    }
    let uid = choose_uid(&session.context(), wanted)?;
    let mut account = Account::new(
        name.clone(),
        uid,
        admission::choose_home(&session.context(), name, uid)?,
        now_usec(),
    );
    fill(&mut account);
    let record = Record::new(account);
    session.admit(&record)?;
    Ok(record)
}

fn choose_uid(context: &Context<'_>, wanted: &Wanted) -> Result<Uid, Error> {
    let name = &wanted.name;
    match wanted.uid {
        Some(number) => admission::check_uid(context, name, number),
        None => admission::next_uid(context, name, &admission::used_ids(context)?),
    }
}
