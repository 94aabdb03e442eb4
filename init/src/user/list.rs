//! `user list`, `user show`, `user keys`: read records, take no lock.

use super::{absent, one, parse_name};
use crate::command::Answer;
use crate::error::Error;
use crate::restore::{Paths, View};
use accounts::record::Account;
use accounts::wire::{AccountView, ListReply, SCHEMA, Status};

/// All accounts, sorted by name.
pub(super) fn list(paths: &Paths, names_only: bool) -> Result<Answer, Error> {
    let accounts: Vec<AccountView> = View::read(paths)?
        .records
        .accounts
        .values()
        .map(Account::view)
        .collect();
    let text = if names_only {
        accounts
            .iter()
            .map(|account| account.user_name.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    } else if accounts.is_empty() {
        "No users configured.".to_owned()
    } else {
        table(&accounts)
    };
    Ok(Answer::new(
        text,
        &ListReply {
            schema: SCHEMA,
            changed: None,
            accounts,
        },
    ))
}

/// One account.
pub(super) fn show(paths: &Paths, typed: &str) -> Result<Answer, Error> {
    let view = find(paths, typed, Account::view)?;
    let text = format!(
        "Username: {}\nStatus: {}\nUID: {}\nName: {}\nHome: {}\nShell: {}\nGroups: {}",
        view.user_name,
        word(view.status),
        view.uid,
        view.real_name,
        view.home_directory,
        view.shell,
        view.member_of.join(" ")
    );
    Ok(one(text, false, view, None))
}

/// The ssh keys of an enabled account, as sshd's AuthorizedKeysCommand wants them.
pub(super) fn keys(paths: &Paths, typed: &str) -> Result<Answer, Error> {
    let keys = find(paths, typed, |account| {
        if account.locked {
            Vec::new()
        } else {
            account.ssh_keys.clone()
        }
    })?;
    Ok(Answer::new(keys.join("\n"), &keys))
}

fn find<T>(paths: &Paths, typed: &str, look: impl Fn(&Account) -> T) -> Result<T, Error> {
    let name = parse_name(typed)?;
    let view = View::read(paths)?;
    view.records
        .accounts
        .get(&name)
        .map(look)
        .ok_or_else(|| absent(&view.records, &view.image, &name))
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Enabled => "enabled",
        Status::Disabled => "disabled",
    }
}

/// Columns wide enough for what is in them.
fn table(accounts: &[AccountView]) -> String {
    let rows: Vec<[String; 5]> =
        std::iter::once(["Username", "Status", "UID", "Home", "Shell"].map(str::to_owned))
            .chain(accounts.iter().map(|a| {
                [
                    a.user_name.clone(),
                    word(a.status).into(),
                    a.uid.to_string(),
                    a.home_directory.clone(),
                    a.shell.clone(),
                ]
            }))
            .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].len())
            .max()
            .unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    let line = |row: &[String; 5]| {
        let [name, status, uid, home, shell] = row;
        let [w0, w1, w2, w3] = widths;
        format!("{name:w0$}  {status:w1$}  {uid:w2$}  {home:w3$}  {shell}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
