//! `occ user add`.

use accounts::account::Username;
use accounts::wire::{AccountReply, AccountView, SCHEMA};

use super::may_have_changed;
use super::source::New;
use super::ssh_keys;
use crate::cli::Add;
use crate::error::{Error, Result};
use crate::occ_init::{self, OccInit, switched_on};
use crate::session::Session;
use crate::ui::{interrupt, prompt};

/// The name that a question proposes.
const PROPOSED: &str = "opencode";

pub(super) async fn run(session: &Session, add: Add) -> Result<()> {
    if let Some(name) = &add.name {
        check(name)?;
    }
    let keys = add
        .ssh_key_file
        .as_deref()
        .map(ssh_keys::read)
        .transpose()?;
    let given = New::from_flags(add.source, add.no_password)?;
    let init = session.occ_init().await?;
    require_input(session, &add, given.is_none())?;
    let (name, new) = match (add.name.clone(), given) {
        (Some(name), Some(new)) => (name, new),
        (name, given) => match ask(&init, &add, name, given).await? {
            Answer::New(name, new) => (name, new),
            Answer::Exists(account) => {
                let reply = AccountReply {
                    schema: SCHEMA,
                    changed: false,
                    account,
                    generated_password: None,
                };
                unchanged(session, reply);
                return Ok(());
            }
        },
    };
    let request = new.request(keys)?;
    let _notice = interrupt::notice(may_have_changed(&name));
    let args = flags(&add, &name, matches!(new, New::Nothing), request.is_some());
    let reply: AccountReply = init
        .call_with(args, request.as_deref().map(Vec::as_slice))
        .await?;
    finish(session, reply, &new);
    Ok(())
}

/// Fails before anything is done when somebody would have to be asked in vain.
fn require_input(session: &Session, add: &Add, has_no_password: bool) -> Result<()> {
    if add.name.is_none() {
        prompt::require(session.no_input, "a name", "it, as in `occ user add alice`")?;
    }
    if has_no_password {
        prompt::require(
            session.no_input,
            "a password",
            "--password-stdin or --generate",
        )?;
    }
    Ok(())
}

fn check(name: &str) -> Result<()> {
    Username::new_account(name)
        .map(|_| ())
        .map_err(|error| Error::Invalid(error.to_string()))
}

enum Answer {
    New(String, New),
    Exists(AccountView),
}

/// Asks for what is missing; that a name is taken comes before the password.
async fn ask(
    init: &OccInit,
    add: &Add,
    name: Option<String>,
    given: Option<New>,
) -> Result<Answer> {
    let accounts = init.accounts().await?.accounts;
    let name = match name {
        Some(name) => name,
        None => prompt::text("Username", PROPOSED)?,
    };
    check(&name)?;
    match accounts
        .into_iter()
        .find(|account| account.user_name == name)
    {
        Some(account) if add.if_missing => return Ok(Answer::Exists(account)),
        Some(_) => return Err(Error::Exists(name)),
        None => {}
    }
    let new = match given {
        Some(new) => new,
        None => New::Password(prompt::new_password(&name)?),
    };
    Ok(Answer::New(name, new))
}

fn flags(add: &Add, name: &str, no_password: bool, request: bool) -> Vec<String> {
    let groups = (!add.groups.is_empty()).then(|| add.groups.join(","));
    let values = [
        ("uid", add.uid.map(|uid| uid.to_string())),
        ("comment", add.comment.clone()),
        ("shell", add.shell.clone()),
        ("groups", groups),
    ];
    let values = values
        .into_iter()
        .filter_map(|(flag, value)| Some(format!("--{flag}={}", value?)));
    let values: Vec<String> = values.collect();
    let switches = [
        ("--no-password", no_password),
        ("--request-stdin", request),
        ("--disabled", add.disabled),
        ("--force", add.force),
        ("--if-missing", add.if_missing),
        ("--restore", add.restore),
        ("--new-uid", add.new_uid),
    ];
    let values = values.iter().map(String::as_str);
    occ_init::user("add", values.chain(switched_on(switches)).chain([name]))
}

fn finish(session: &Session, mut reply: AccountReply, new: &New) {
    if !reply.changed {
        return unchanged(session, reply);
    }
    let name = reply.account.user_name.clone();
    let message = format!("User '{name}' created (uid {}).", reply.account.uid);
    session
        .screen
        .password_change(&mut reply, &message, new.generated());
    if matches!(new, New::Password(_) | New::Hash(_)) {
        session.screen.message("Password: ********");
    }
    session.follow(|users| users.push(name));
}

/// The password that was given or made is not the account's: it is not shown.
fn unchanged(session: &Session, mut reply: AccountReply) {
    let name = reply.account.user_name.clone();
    let message = format!(
        "User '{name}' exists already (uid {}); nothing was changed.",
        reply.account.uid
    );
    session.screen.password_change(&mut reply, &message, None);
    session.follow(|users| users.push(name));
}

#[cfg(test)]
mod tests;
