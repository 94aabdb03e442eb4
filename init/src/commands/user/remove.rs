//! `user remove`: kill, tombstone, /etc; the home stays unless it is purged.

use super::apply::{apply, begin};
use super::disable::rightful;
use super::lookup::find_all;
use super::reply::several;
use crate::cli::admin::Remove;
use crate::commands::output::Output;
use crate::error::{Error, usage};
use crate::home::Homes;
use crate::password;
use crate::proc::kill::end_processes;
use crate::restore::{Paths, Session};
use accounts::account::Account;
use accounts::record::Record;

/// Removes accounts; their numbers go to nobody else.
pub(super) fn remove(options: &Remove, paths: &Paths) -> Result<Output, Error> {
    let asks = !options.yes && !options.force;
    if asks {
        let session = begin(paths)?;
        let records = find_all(&session, &options.who.names)?;
        guard_last(&session, &records)?;
        drop(session);
        if !confirmed(&records)? {
            let text = "Nothing was removed.".to_owned();
            return Ok(Output::new(text, &serde_json::json!({})));
        }
    }
    let mut session = begin(paths)?;
    let records = find_all(&session, &options.who.names)?;
    if !options.force {
        guard_last(&session, &records)?;
    }
    let purgeable = || purgeable(&session, &records);
    let homes = options.purge_home.then(purgeable).transpose()?;
    let uids = rightful(&session, records.iter().map(Record::account));
    end_processes(&paths.root, &uids, false)?;
    for record in &records {
        session.remove(record)?;
    }
    apply(&mut session)?;
    end_processes(&paths.root, &uids, true)?;
    if let Some(homes) = homes {
        purge(&homes, &records)?;
    }
    Ok(several("removed", true, &records))
}

/// Nobody could log in afterwards: refused, unless nobody could before.
fn guard_last(session: &Session, leaving: &[Record]) -> Result<(), Error> {
    let stays = |account: &&Account| {
        let mut leaving = leaving.iter().map(Record::account);
        leaving.all(|other| other.name != account.name)
    };
    let all = || session.records().accounts.values().map(Box::as_ref);
    let staying = || all().filter(stays);
    let is_last_enabled = all().any(|one| !one.locked) && staying().all(|one| one.locked);
    if staying().next().is_none() || is_last_enabled {
        Err(Error::LastAccount)
    } else {
        Ok(())
    }
}

fn confirmed(records: &[Record]) -> Result<bool, Error> {
    if !password::can_ask() {
        return Err(usage(
            "removing needs an answer: give --yes, or use a terminal",
        ));
    }
    let name = |record: &Record| format!("'{}'", record.account().name);
    let names: Vec<String> = records.iter().map(name).collect();
    let answer = password::ask(&format!("Remove user {}? [y/N] ", names.join(", ")))?;
    Ok(matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// Homes that may all be deleted: none is claimed by a record that has no right
/// to it, none belongs to another uid. Asked before anything is changed.
fn purgeable(session: &Session, records: &[Record]) -> Result<Homes, Error> {
    let homes = Homes::open(&session.paths().root, &session.image().home_bases)?;
    for Account {
        name, uid, home, ..
    } in records.iter().map(Record::account)
    {
        if let Some(refusal) = session.refusal(name) {
            return Err(Error::refused(name, refusal));
        }
        if let Some(owner) = homes.owner(home)?.filter(|&owner| owner != uid.get()) {
            let (home, uid) = (home.clone(), *uid);
            return Err(Error::ForeignHome { home, owner, uid });
        }
    }
    Ok(homes)
}

fn purge(homes: &Homes, records: &[Record]) -> Result<(), Error> {
    let mut accounts = records.iter().map(Record::account);
    accounts.try_for_each(|account| homes.purge(&account.home, account.uid))
}
