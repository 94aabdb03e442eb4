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
        let account = find(name).ok_or_else(|| no_such_account(name, accounts))?;
        homes.push(account.home_directory.clone());
    }
    let is_enabled = |account: &&AccountView| account.status == Status::Enabled;
    let remaining: Vec<_> = accounts
        .iter()
        .filter(|account| !names.contains(&account.user_name))
        .collect();
    let takes_an_enabled_one = names
        .iter()
        .filter_map(find)
        .any(|account| is_enabled(&account));
    let none_can_log_in = takes_an_enabled_one && !remaining.iter().any(is_enabled);
    if remaining.is_empty() || none_can_log_in {
        Err(Error::LastAccount)
    } else {
        Ok(homes)
    }
}

fn question(names: &[String], homes: &[String], purge: bool) -> String {
    let quoted = names
        .iter()
        .map(|name| format!("'{name}'"))
        .collect::<Vec<_>>()
        .join(", ");
    let noun = if names.len() == 1 { "user" } else { "users" };
    if purge {
        format!("Remove {noun} {quoted} and delete {}?", homes.join(", "))
    } else {
        format!(
            "Remove {noun} {quoted}? {} kept.",
            if names.len() == 1 {
                "The home directory is"
            } else {
                "Home directories are"
            }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, status: Status) -> AccountView {
        AccountView {
            user_name: name.into(),
            uid: 10000,
            gid: 10000,
            real_name: String::new(),
            home_directory: format!("/home/{name}"),
            shell: "/bin/bash".into(),
            member_of: vec![],
            status,
            last_password_change_usec: None,
        }
    }

    fn code(accounts: &[AccountView], names: &[&str]) -> u8 {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        refuse(accounts, &names).map_or_else(|error| error.kind().exit_code(), |_| 0)
    }

    #[test]
    fn the_last_account_and_the_last_that_can_log_in_stay() {
        let (alice, bob) = (
            account("alice", Status::Enabled),
            account("bob", Status::Disabled),
        );
        assert_eq!(code(std::slice::from_ref(&alice), &["alice"]), 5);
        assert_eq!(code(&[alice.clone(), bob.clone()], &["alice"]), 5);
        assert_eq!(code(&[alice.clone(), bob.clone()], &["bob"]), 0);
        assert_eq!(code(&[alice.clone(), bob.clone()], &["alice", "bob"]), 5);
        assert_eq!(
            code(&[account("a", Status::Disabled), bob.clone()], &["bob"]),
            0
        );
        assert_eq!(code(&[alice, bob], &["bob", "bobb"]), 3);
    }

    #[test]
    fn removal_question_names_users_and_homes() {
        let names = ["alice".to_owned(), "bob".to_owned()];
        let homes = ["/home/alice".to_owned(), "/home/bob".to_owned()];
        assert_eq!(
            question(&names[..1], &homes[..1], false),
            "Remove user 'alice'? The home directory is kept."
        );
        assert_eq!(
            question(&names, &homes, true),
            "Remove users 'alice', 'bob' and delete /home/alice, /home/bob?"
        );
    }
}
