//! `user remove`: kill, tombstone, /etc; the home stays unless it is purged.

use super::apply::{apply, begin};
use super::disable::rightful;
use super::lookup::find_all;
use super::reply::several;
use crate::cli::admin::Remove;
use crate::commands::output::Output;
use crate::error::Error;
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
        let records = find_all(&session, &options.names)?;
        guard_last(&session, &records)?;
        drop(session);
        if !confirmed(&records)? {
            return Ok(Output::new(
                "Nothing was removed.".into(),
                &serde_json::json!({}),
            ));
        }
    }
    let mut session = begin(paths)?;
    let records = find_all(&session, &options.names)?;
    if !options.force {
        guard_last(&session, &records)?;
    }
    let homes = if options.purge_home {
        Some(purgeable(&session, &records)?)
    } else {
        None
    };
    let uids = rightful(&session, &records);
    end_processes(&paths.root, &uids, false)?;
    for record in &records {
        session.remove(record)?;
    }
    apply(&mut session)?;
    end_processes(&paths.root, &uids, true)?;
    if let Some(homes) = homes {
        purge(&homes, &records)?;
    }
    let text = records
        .iter()
        .map(|r| format!("User '{}' removed.", r.account().name))
        .collect::<Vec<_>>()
        .join("\n");
    Ok(several(
        text,
        true,
        records
            .iter()
            .map(|record| record.account().view())
            .collect(),
    ))
}

/// Nobody could log in afterwards: refused, unless nobody could before.
fn guard_last(session: &Session, leaving: &[Record]) -> Result<(), Error> {
    let stays = |account: &&Account| {
        leaving
            .iter()
            .all(|record| record.account().name != account.name)
    };
    let all = || session.records().accounts.values().map(Box::as_ref);
    let only_one = all().filter(stays).count() == 0;
    let last_enabled =
        all().any(|account| !account.locked) && !all().filter(stays).any(|account| !account.locked);
    if only_one || last_enabled {
        Err(Error::LastAccount)
    } else {
        Ok(())
    }
}

fn confirmed(records: &[Record]) -> Result<bool, Error> {
    if !password::can_ask() {
        return Err(Error::Usage(
            "removing needs an answer: give --yes, or use a terminal".into(),
        ));
    }
    let names: Vec<String> = records
        .iter()
        .map(|record| format!("'{}'", record.account().name))
        .collect();
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
            let name = name.clone();
            return Err(Error::Refused { name, refusal });
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
