//! `user import --update`: an account that is there becomes what its line says; what is empty
//! there stays. Uid and home never change, and nobody is locked or unlocked: that is `user
//! disable`, which also ends their processes.

use crate::admission::{self, Context};
use crate::clock::now_usec;
use crate::error::Error;
use accounts::account::{Account, PasswordHash, RealName, Shell};
use accounts::admin::import::{Entry, Item, Secret};

/// Returns the account as its line wants it, and `None` if it is so already.
pub(super) fn updated(
    context: &Context<'_>,
    present: &Account,
    item: &Item<'_>,
) -> Result<Option<Account>, Error> {
    let mut account = present.clone();
    match item {
        Item::Entry(entry) => update_by_entry(&mut account, entry)?,
        Item::Record(record) => update_by_record(&mut account, record.account())?,
    }
    admission::check_new_groups(context, present, &account)?;
    let has_password = matches!(
        item,
        Item::Entry(Entry {
            secret: Secret::Password(_),
            ..
        })
    );
    Ok((account != *present || has_password).then_some(account))
}

fn update_by_entry(account: &mut Account, entry: &Entry<'_>) -> Result<(), Error> {
    let uid = entry
        .uid
        .is_none_or(|uid| uid == u64::from(account.uid.get()));
    let home = entry
        .home
        .is_none_or(|home| home == account.home.to_string());
    let locked = entry.locked.is_none_or(|locked| locked == account.locked);
    check_stays(account, uid, home, locked)?;
    if let Some(comment) = entry.comment {
        account.real_name = RealName::parse(comment)?;
    }
    if let Some(shell) = entry.shell {
        account.shell = Shell::parse(shell)?;
    }
    let groups = entry.groups();
    if !groups.is_empty() {
        account.member_of = groups;
    }
    match entry.secret {
        Secret::None => (),
        Secret::Password(password) => drop(super::plain(password)?),
        Secret::Hash(hash) => set_hash(account, PasswordHash::parse(hash)?, now_usec()),
    }
    Ok(())
}

fn update_by_record(account: &mut Account, record: &Account) -> Result<(), Error> {
    let uid = record.uid == account.uid;
    let home = record.home == account.home;
    check_stays(account, uid, home, record.locked == account.locked)?;
    account.real_name.clone_from(&record.real_name);
    account.shell.clone_from(&record.shell);
    account.member_of.clone_from(&record.member_of);
    account.ssh_keys.clone_from(&record.ssh_keys);
    account.aging = record.aging;
    if let Some(hash) = record.hash.clone() {
        let changed = record.password_changed_usec.unwrap_or_else(now_usec);
        set_hash(account, hash, changed);
    }
    account.must_change = record.must_change;
    Ok(())
}

fn set_hash(account: &mut Account, hash: PasswordHash, changed_usec: u64) {
    if account.hash.as_ref() != Some(&hash) {
        account.set_password(hash, changed_usec);
    }
}

/// Fails if the line asks for another uid or home, or another state than the account's.
fn check_stays(account: &Account, uid: bool, home: bool, locked: bool) -> Result<(), Error> {
    let what = match (uid, home, locked) {
        (false, ..) => "uid",
        (_, false, _) => "home",
        (.., false) => "locked",
        _ => return Ok(()),
    };
    let name = account.name.clone();
    Err(Error::Stays { name, what })
}
