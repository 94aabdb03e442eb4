//! `user set`: changes what is named of an account that is there, and nothing else.

use super::apply::{apply, begin, warn_about, warn_about_shell};
use super::lookup::find;
use super::reply::one;
use super::ssh_keys::{key_lines, parse_keys, read_keys};
use crate::admission;
use crate::cli::admin::Set;
use crate::commands::output::Output;
use crate::error::{Error, std_io, usage};
use crate::layout::SECOND_STEP;
use crate::password;
use crate::restore::Paths;
use accounts::account::{Account, RealName, Shell, SshKey, Username, check_room, parse_date};

const NOTHING: &str = "nothing to change: give --comment, --shell, --groups, --add-groups, \
    --remove-groups, --ssh-key-file, --add-key, --remove-key, --expires, --must-change-password or --no-second-factor";

/// The changes that were asked for, checked as far as that needs no account.
#[derive(Default)]
struct Changes {
    real_name: Option<RealName>,
    shell: Option<Shell>,
    groups: Option<Vec<String>>,
    added_groups: Vec<String>,
    removed_groups: Vec<String>,
    keys: Option<Vec<SshKey>>,
    added_keys: Vec<SshKey>,
    /// A fingerprint.
    removed_key: Option<String>,
    expires: Option<Expiry>,
    must_change: bool,
    no_second_factor: bool,
}

/// When the account closes.
#[derive(Clone, Copy)]
enum Expiry {
    Never,
    /// A day since 1970.
    On(u32),
}

pub(super) fn set(options: &Set, paths: &Paths) -> Result<Output, Error> {
    let name = Username::parse(&options.name)?;
    let changes = changes(options)?;
    let mut session = begin(paths)?;
    let mut record = find(&session, &name)?;
    let mut account = record.account().clone();
    changes.apply(&mut account)?;
    admission::check_new_groups(&session.context(), record.account(), &account)?;
    let is_ended = options.no_second_factor && end_second_step(paths, &name)?;
    if account == *record.account() {
        let done = if is_ended { "changed" } else { "is so already" };
        return Ok(one(format!("User '{name}' {done}."), is_ended, &account));
    }
    record.update(|recorded| *recorded = account);
    session.save(&record)?;
    let summary = apply(&mut session)?;
    warn_about(&summary, &name)?;
    if options.shell.is_some() {
        warn_about_shell(record.account(), paths);
    }
    let text = format!("User '{name}' changed.");
    Ok(one(text, true, record.account()))
}

fn changes(options: &Set) -> Result<Changes, Error> {
    let mut changes = Changes {
        real_name: options
            .comment
            .as_deref()
            .map(RealName::parse)
            .transpose()?,
        shell: options.shell.as_deref().map(Shell::parse).transpose()?,
        groups: options.groups.as_deref().map(names),
        added_groups: names(&options.add_groups),
        removed_groups: names(&options.remove_groups),
        keys: options.ssh_key_file.as_deref().map(read_keys).transpose()?,
        removed_key: options.remove_key.clone(),
        expires: options.expires.as_deref().map(expiry).transpose()?,
        must_change: options.must_change_password,
        no_second_factor: options.no_second_factor,
        ..Changes::default()
    };
    if let Some(path) = &options.add_key {
        changes.added_keys = read_keys(path)?;
    }
    if options.request_stdin {
        changes.take_request()?;
    }
    if changes.is_empty() {
        return Err(usage(NOTHING));
    }
    changes.check()?;
    Ok(changes)
}

/// Deletes the key of the login's second step. Returns false if there is none.
fn end_second_step(paths: &Paths, name: &Username) -> Result<bool, Error> {
    let path = paths.root.join(SECOND_STEP).join(name.as_str());
    match std::fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(std_io("delete", path)(error)),
    }
}

/// The names of a list; an empty list is written as an empty name.
fn names(list: &[String]) -> Vec<String> {
    list.iter()
        .filter(|name| !name.is_empty())
        .cloned()
        .collect()
}

fn expiry(typed: &str) -> Result<Expiry, Error> {
    if typed == "never" {
        return Ok(Expiry::Never);
    }
    let day = parse_date(typed).ok_or_else(|| Error::Date(typed.to_owned()))?;
    Ok(Expiry::On(day))
}

impl Changes {
    /// Fails where keys are to be replaced by none, which a wrong file would do.
    fn check(&self) -> Result<(), Error> {
        match &self.keys {
            Some(keys) if keys.is_empty() => Err(usage(
                "no ssh key is given: --remove-key FINGERPRINT takes single ones away",
            )),
            _ => Ok(()),
        }
    }

    /// Takes the keys that come on standard input.
    fn take_request(&mut self) -> Result<(), Error> {
        let request = password::request_from_stdin()?;
        if request.password.is_some() || request.password_hash.is_some() {
            return Err(Error::Request(
                "a password in it, but only keys are expected",
            ));
        }
        if let Some(lines) = request.ssh_authorized_keys {
            self.keys = Some(parse_keys(&lines)?);
        }
        if let Some(lines) = request.added_ssh_authorized_keys {
            self.added_keys = parse_keys(&lines)?;
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.real_name.is_none()
            && self.shell.is_none()
            && self.groups.is_none()
            && self.added_groups.is_empty()
            && self.removed_groups.is_empty()
            && self.keys.is_none()
            && self.added_keys.is_empty()
            && self.removed_key.is_none()
            && self.expires.is_none()
            && !self.must_change
            && !self.no_second_factor
    }

    fn apply(self, account: &mut Account) -> Result<(), Error> {
        if let Some(real_name) = self.real_name {
            account.real_name = real_name;
        }
        if let Some(shell) = self.shell {
            account.shell = shell;
        }
        match self.expires {
            None => (),
            Some(Expiry::Never) => account.aging.expire = None,
            Some(Expiry::On(day)) => account.aging.expire = Some(day),
        }
        if self.must_change {
            if account.hash.is_none() {
                return Err(Error::NothingToChange(account.name.clone()));
            }
            account.must_change = true;
        }
        let groups = &mut account.member_of;
        if let Some(named) = self.groups {
            *groups = named;
        }
        groups.retain(|group| !self.removed_groups.contains(group));
        groups.extend(self.added_groups);
        groups.sort();
        groups.dedup();
        set_keys(account, self.keys, self.added_keys, self.removed_key)
    }
}

fn set_keys(
    account: &mut Account,
    keys: Option<Vec<SshKey>>,
    added: Vec<SshKey>,
    removed: Option<String>,
) -> Result<(), Error> {
    if let Some(keys) = keys {
        account.ssh_keys = key_lines(&keys);
    }
    if let Some(fingerprint) = removed {
        let is_it =
            |line: &String| SshKey::parse(line).is_some_and(|key| key.fingerprint() == fingerprint);
        if account.ssh_keys.extract_if(.., |line| is_it(line)).count() == 0 {
            let name = account.name.clone();
            return Err(Error::NoSuchKey { name, fingerprint });
        }
    }
    for key in added {
        if !account.ssh_keys.iter().any(|line| line == key.as_str()) {
            account.ssh_keys.push(key.as_str().to_owned());
        }
    }
    check_room(account.ssh_keys.iter().map(String::as_str)).map_err(Error::SshKeys)
}
