//! `user remove`: kill, tombstone, /etc; the home stays unless it is purged.

use super::state::end_processes;
use super::{apply, begin, find_all, several};
use crate::cli::Remove;
use crate::command::Answer;
use crate::error::Error;
use crate::home::Homes;
use crate::restore::{Paths, Session};
use crate::secret;
use accounts::record::{Account, Record};
use accounts::records::Tombstone;

/// Removes accounts; their numbers go to nobody else.
pub(super) fn remove(options: &Remove, paths: &Paths) -> Result<Answer, Error> {
    let asks = !options.yes && !options.force;
    if asks {
        let session = begin(paths)?;
        let records = find_all(&session, &options.names)?;
        guard_last(&session, &records)?;
        drop(session);
        if !confirmed(&records)? {
            return Ok(Answer::new(
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
    end_processes(paths, &records, false)?;
    for record in &records {
        session.store.bury(record)?;
        forget(&mut session, record.account());
    }
    apply(&mut session)?;
    end_processes(paths, &records, true)?;
    if options.purge_home {
        purge(paths, &records)?;
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
    let all = || session.records.accounts.values();
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
    if !secret::can_ask() {
        return Err(Error::Usage(
            "removing needs an answer: give --yes, or use a terminal".into(),
        ));
    }
    let names: Vec<String> = records
        .iter()
        .map(|record| format!("'{}'", record.account().name))
        .collect();
    let answer = secret::ask(&format!("Remove user {}? [y/N] ", names.join(", ")))?;
    Ok(matches!(answer.as_str(), "y" | "Y" | "yes"))
}

fn forget(session: &mut Session, account: &Account) {
    session.records.accounts.remove(&account.name);
    let Account {
        name, uid, home, ..
    } = account.clone();
    session
        .records
        .tombstones
        .push(Tombstone { name, uid, home });
}

fn purge(paths: &Paths, records: &[Record]) -> Result<(), Error> {
    let homes = Homes::open(&paths.root)?;
    for record in records {
        homes.purge(&record.account().home, record.account().uid)?;
    }
    Ok(())
}
