//! `occ user …`: is the container running, then ask what is missing, one exec,
//! show the answer.
//!
//! Checks here only save a question; occ-init decides.

mod add;
mod adopt;
mod enable_disable;
mod export;
mod import;
mod list_show;
mod passkey;
mod passwd;
mod remove;
mod set;
mod source;
mod ssh_keys;
mod token;

use std::process::ExitCode;

use accounts::account::Username;
use accounts::wire::{AccountReply, AccountView, ErrorBody, ErrorCode, ListReply};
use serde::{Deserialize, Serialize};

use crate::cli::User;
use crate::config;
use crate::error::{Error, Result};
use crate::session::Session;
use crate::text;
use crate::ui::show::{self, Format};

/// Runs one of the commands; the exit code is that of `import` with lines that
/// failed, else success.
pub(crate) async fn run(session: &Session, command: User) -> Result<ExitCode> {
    let done = run_one(session, command).await;
    done.map_err(|error| with_nearest(error, session.known_users()))
}

async fn run_one(session: &Session, command: User) -> Result<ExitCode> {
    match command {
        User::Add(add) => add::run(session, add).await?,
        User::List => list_show::list(session).await?,
        User::Show(name) => list_show::show(session, &name.name).await?,
        User::Passwd(passwd) => passwd::run(session, passwd).await?,
        User::Set(set) => set::run(session, *set).await?,
        User::Enable(names) => enable_disable::run(session, "enable", &names.names).await?,
        User::Disable(names) => enable_disable::run(session, "disable", &names.names).await?,
        User::Remove(remove) => remove::run(session, remove).await?,
        User::Import(options) => return import::run(session, &options).await,
        User::Export(options) => return export::run(session, options).await,
        User::Adopt(options) => adopt::run(session, options).await?,
        User::Passkey(command) => passkey::run(session, command).await?,
        User::Token(command) => token::run(session, command).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Names as records may have them; also keeps one that looks like an option
/// from becoming one of occ-init's.
pub(crate) fn check_names(names: &[String]) -> Result<()> {
    names.iter().try_for_each(|name| {
        Username::parse(name)
            .map(|_| ())
            .map_err(|error| Error::Invalid(error.to_string()))
    })
}

/// The id of one of a person's `kind`s, a token or a passkey; also keeps one that looks like
/// an option from becoming one of occ-init's or occ-gate's.
fn checked_id<'a>(kind: &str, id: &'a str) -> Result<&'a str> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if id.len() == 8 && id.bytes().all(is_digit) {
        Ok(id)
    } else {
        Err(Error::Invalid(format!(
            "'{}' is not the id of a {kind}: eight hexadecimal digits",
            text::line(id)
        )))
    }
}

/// occ-init's word that there is no such account, with the nearest name that was
/// seen last: asking again would take another exec.
pub(crate) fn with_nearest(error: Error, known: &[String]) -> Error {
    match error {
        Error::Remote(ErrorBody {
            code: Some(ErrorCode::NoSuchAccount),
            name: Some(name),
            ..
        }) => no_such_account(&name, known.iter().map(String::as_str)),
        other => other,
    }
}

/// The error for a name that is in no account, with the nearest that is.
fn no_such_account<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    Error::NoSuchAccount {
        name: name.to_owned(),
        close: config::nearest(name, known.filter(|name| Username::parse(name).is_ok()))
            .map(str::to_owned),
    }
}

/// The answer of `enable`, `disable` and `remove`: one account or several.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Changed {
    One(AccountReply),
    Several(ListReply),
}

impl Changed {
    /// True if anything changed, and the accounts concerned.
    fn parts(&self) -> (bool, &[AccountView]) {
        match self {
            Self::One(reply) => (reply.changed, std::slice::from_ref(&reply.account)),
            Self::Several(reply) => (reply.changed.unwrap_or(true), &reply.accounts),
        }
    }

    fn show(&self, session: &Session, message: impl Fn(&AccountView, bool) -> String) {
        if session.screen.format == Format::Json {
            show::json(self);
            return;
        }
        let (changed, accounts) = self.parts();
        for account in accounts {
            session.screen.message(&message(account, changed));
        }
    }
}

/// The notice of an interruption during a change.
fn may_have_changed(name: &str) -> String {
    format!("the change may have been applied; look with `occ user show {name}`")
}

#[cfg(test)]
mod tests;
