//! `user enable` and `user disable`.
//!
//! To disable: kill, record, shadow and passwd, kill again. The first kill stops
//! whoever would fight back, the second whoever logged in meanwhile. The hash
//! stays, so `enable` gives exactly what was.

use super::{apply, begin, find_all, several, warn_about};
use crate::command::{Answer, is_live};
use crate::error::Error;
use crate::process;
use crate::restore::{Paths, Session};
use crate::say::say;
use accounts::id::Uid;
use accounts::record::{Account, Record};

/// Lets accounts log in again.
pub(super) fn enable(names: &[String], paths: &Paths) -> Result<Answer, Error> {
    let mut session = begin(paths)?;
    let mut records = find_all(&session, names)?;
    let changed = set_locked(&mut session, &mut records, false)?;
    Ok(answer("enabled", changed, &records))
}

/// Shuts accounts out and ends their processes.
pub(super) fn disable(names: &[String], paths: &Paths) -> Result<Answer, Error> {
    let mut session = begin(paths)?;
    let mut records = find_all(&session, names)?;
    let uids = rightful_uids(&session, &records);
    end_processes(paths, &uids, false)?;
    let changed = set_locked(&mut session, &mut records, true);
    end_processes(paths, &uids, true)?;
    Ok(answer("disabled", changed?, &records))
}

/// The uids that really are these accounts': a record that claims another's
/// must not end that person's processes.
pub(super) fn rightful_uids(session: &Session, records: &[Record]) -> Vec<Uid> {
    let accounts = records.iter().map(Record::account);
    accounts
        .filter(|account| session.refusal(&account.name).is_none())
        .map(|account| account.uid)
        .collect()
}

/// Kills what runs for the uids, where that is ours to do. `says` once.
pub(crate) fn end_processes(paths: &Paths, uids: &[Uid], says: bool) -> Result<(), Error> {
    if !is_live(&paths.root) {
        return Ok(());
    }
    if !process::may_sweep() {
        if says {
            say("occ-init is not PID 1 here: processes of the account were not ended");
        }
        return Ok(());
    }
    for &uid in uids {
        if !process::sweep(uid) {
            return Err(Error::StillRunning(uid));
        }
    }
    Ok(())
}

fn set_locked(session: &mut Session, records: &mut [Record], locked: bool) -> Result<bool, Error> {
    let mut changed = false;
    for record in records
        .iter_mut()
        .filter(|record| record.account().locked != locked)
    {
        record.update(|account| account.locked = locked);
        session.save(record)?;
        changed = true;
    }
    // Even with nothing changed: the lines may have been edited by hand.
    let summary = apply(session)?;
    for record in records.iter() {
        let name = &record.account().name;
        // Their lines could be locked, and that is what was asked for.
        if summary.shut.contains(name) {
            say(&format!(
                "'{name}' is shut out, but was not restored: 'occ-init check' says why"
            ));
        } else {
            warn_about(&summary, name)?;
        }
    }
    Ok(changed)
}

fn answer(word: &str, changed: bool, records: &[Record]) -> Answer {
    let accounts: Vec<&Account> = records.iter().map(Record::account).collect();
    let text = accounts
        .iter()
        .map(|account| format!("User '{}' {word}.", account.name))
        .collect::<Vec<_>>()
        .join("\n");
    several(
        text,
        changed,
        accounts.into_iter().map(Account::view).collect(),
    )
}
