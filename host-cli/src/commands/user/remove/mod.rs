//! `occ user remove`.

use accounts::wire::{AccountView, Status};

use super::{Changed, check_names, may_have_changed, no_such_account};
use crate::cli::Remove;
use crate::error::{Error, Result};
use crate::occ_init::{self, OccInit, switched_on};
use crate::session::Session;
use crate::ui::{interrupt, prompt};

/// Removes accounts, all in one exec.
pub(super) async fn run(session: &Session, remove: Remove) -> Result<()> {
    let names = &remove.names.names;
    check_names(names)?;
    let init = session.occ_init().await?;
    if !(remove.yes || remove.force) {
        prompt::require(session.no_input, "a confirmation", "--yes")?;
        confirm(&init, names, remove.purge_home).await?;
    }
    let _notice = interrupt::notice(may_have_changed(&names[0]));
    let changed: Changed = init.call(flags(&remove)).await?;
    changed.show(session, |account, _| {
        format!("User '{}' removed.", account.user_name)
    });
    session.follow(|users| {
        users.retain(|user| !names.contains(user));
    });
    Ok(())
}

fn flags(remove: &Remove) -> Vec<String> {
    let switches = [
        ("--yes", true),
        ("--force", remove.force),
        ("--purge-home", remove.purge_home),
    ];
    let names = remove.names.names.iter().map(String::as_str);
    occ_init::user("remove", switched_on(switches).chain(names))
}

/// Asks, unless the removal would be refused anyway.
async fn confirm(init: &OccInit, names: &[String], purge: bool) -> Result<()> {
    let accounts = init.accounts().await?.accounts;
    let homes = refuse(&accounts, names)?;
    if prompt::confirm(&question(names, &homes, purge))? {
        Ok(())
    } else {
        Err(Error::Declined("not removed".into()))
    }
}

/// Their homes, if all exist and somebody who can log in remains.
fn refuse(accounts: &[AccountView], names: &[String]) -> Result<Vec<String>> {
    let find = |name: &String| accounts.iter().find(|account| account.user_name == *name);
    let mut homes = Vec::new();
    for name in names {
        let there = accounts.iter().map(|account| account.user_name.as_str());
        let account = find(name).ok_or_else(|| no_such_account(name, there))?;
        homes.push(account.home_directory.clone());
    }
    let is_enabled = |account: &&AccountView| account.status == Status::Enabled;
    let (removed, remaining): (Vec<_>, Vec<_>) = accounts
        .iter()
        .partition(|account| names.contains(&account.user_name));
    let none_can_log_in = removed.iter().any(is_enabled) && !remaining.iter().any(is_enabled);
    if remaining.is_empty() || none_can_log_in {
        Err(Error::LastAccount)
    } else {
        Ok(homes)
    }
}

fn question(names: &[String], homes: &[String], purge: bool) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    let quoted = quoted.join(", ");
    let (noun, kept) = match names {
        [_] => ("user", "The home directory is kept."),
        _ => ("users", "Home directories are kept."),
    };
    if purge {
        format!("Remove {noun} {quoted} and delete {}?", homes.join(", "))
    } else {
        format!("Remove {noun} {quoted}? {kept}")
    }
}

#[cfg(test)]
mod tests;
