//! `user list`, `user show`, `user keys`: read records, take no lock.

use super::lookup::absent;
use super::reply::one;
use crate::cli::globals::Globals;
use crate::clock::today;
use crate::commands::output::Output;
use crate::error::Error;
use crate::image;
use crate::log::say;
use crate::restore::{Paths, ReadOnlySession, must_be_root};
use crate::store::Store;
use accounts::account::{Account, Username, date_of};
use accounts::reconcile::strangers;
use accounts::record::Records;
use accounts::wire::{AccountView, ListReply, SCHEMA, Status, without_way_in};

/// All accounts, sorted by name.
pub(super) fn list(paths: &Paths, global: &Globals) -> Result<Output, Error> {
    let records = records(paths)?;
    let today = today();
    let views = records.accounts.values().map(|account| account.view(today));
    let accounts: Vec<AccountView> = views.collect();
    if !records.tombstones.is_empty() {
        let passwd = image::read_optional(&paths.etc().join("passwd"))?;
        for stranger in strangers(&records.tombstones, &passwd.unwrap_or_default()) {
            say(&stranger.to_string());
        }
    }
    if !global.json
        && !global.quiet
        && let Some((sentence, first)) = without_way_in(&accounts)
    {
        say(&format!(
            "{sentence}: 'occ-init user passwd {first}' sets one"
        ));
    }
    let text = if global.quiet {
        let names = accounts.iter().map(|account| account.user_name.as_str());
        names.collect::<Vec<_>>().join("\n")
    } else if accounts.is_empty() {
        "No users configured.".to_owned()
    } else {
        table(&accounts)
    };
    let reply = ListReply {
        schema: SCHEMA,
        changed: None,
        accounts,
    };
    Ok(Output::new(text, &reply))
}

/// Those of the store alone: the account files have nothing to say about them.
fn records(paths: &Paths) -> Result<Records, Error> {
    must_be_root()?;
    let uids = image::uid_range(&paths.root)?;
    match Store::find(&paths.store)? {
        Some(store) => Ok(store.load(uids)?.records),
        None => Ok(Records::default()),
    }
}

pub(super) fn show(paths: &Paths, typed: &str) -> Result<Output, Error> {
    let session = ReadOnlySession::read(paths)?;
    let account = of_view(&session, &Username::parse(typed)?)?;
    let view = account.view(today());
    let expires = account.aging.expire.map(date_of);
    let must_change = if view.password_change_now {
        "yes"
    } else {
        "no"
    };
    let text = format!(
        "Username: {}\nStatus: {}\nUID: {}\nName: {}\nHome: {}\nShell: {}\nGroups: {}\n\
         Expires: {}\nMust change password: {must_change}\nPassword: {}\nSSH keys: {}\nPasskeys: {}",
        view.user_name,
        word(view.status),
        view.uid,
        view.real_name,
        view.home_directory,
        view.shell,
        view.member_of.join(" "),
        expires.as_deref().unwrap_or("never"),
        if account.hash.is_some() {
            "set"
        } else {
            "none"
        },
        account.ssh_keys.len(),
        account.passkeys,
    );
    Ok(one(text, false, account))
}

/// The ssh keys of an enabled account, as sshd's AuthorizedKeysCommand wants them.
pub(super) fn keys(paths: &Paths, typed: &str) -> Result<Output, Error> {
    let name = Username::parse(typed)?;
    let view = ReadOnlySession::read(paths)?;
    let account = of_view(&view, &name)?;
    // A record on the volume names whom it likes, root too: sshd asks for all.
    let is_ours = view.plan().restored.contains(&name);
    let keys: &[String] = if account.locked || !is_ours {
        &[]
    } else {
        &account.ssh_keys
    };
    Ok(Output::new(keys.join("\n"), &keys))
}

fn of_view<'a>(view: &'a ReadOnlySession, name: &Username) -> Result<&'a Account, Error> {
    let account = view.records.get(name.as_str().as_bytes());
    account.ok_or_else(|| absent(&view.records, &view.image, name))
}

const fn word(status: Status) -> &'static str {
    match status {
        Status::Enabled => "enabled",
        Status::Disabled => "disabled",
        Status::Expired => "expired",
    }
}

/// Columns wide enough for what is in them.
fn table(accounts: &[AccountView]) -> String {
    let mut rows = vec![["Username", "Status", "UID", "Home", "Shell"].map(str::to_owned)];
    rows.extend(accounts.iter().map(|account| {
        [
            account.user_name.clone(),
            word(account.status).to_owned(),
            account.uid.to_string(),
            account.home_directory.clone(),
            account.shell.clone(),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let [w0, w1, w2, w3] = [0, 1, 2, 3].map(width);
    let line = |[name, status, uid, home, shell]: &[String; 5]| {
        format!("{name:w0$}  {status:w1$}  {uid:w2$}  {home:w3$}  {shell}")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
