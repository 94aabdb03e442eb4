//! `user enable` and `user disable`.
//!
//! To disable: kill, record, shadow and passwd, kill again. The first kill stops
//! whoever would fight back, the second whoever logged in meanwhile. The hash
//! stays, so `enable` gives exactly what was.

use super::apply::{apply, begin, warn_about};
use super::lookup::find_all;
use super::reply::several;
use crate::clock::today;
use crate::commands::output::Output;
use crate::error::Error;
use crate::log::say;
use crate::proc::kill::{AccountUids, end_processes};
use crate::restore::{Paths, Session};
use accounts::account::{Account, Username};
use accounts::record::{Record, refuse_name};
use accounts::wire::Status;

pub(super) fn enable(names: &[String], paths: &Paths) -> Result<Output, Error> {
    let mut session = begin(paths)?;
    let mut records = find_all(&session, names)?;
    let changed = set_locked(&mut session, &mut records, false)?;
    for record in &records {
        warn_if_expired(record.account());
    }
    Ok(several("enabled", changed, &records))
}

/// An expiry date is another lock than the one that `enable` opens.
fn warn_if_expired(account: &Account) {
    if account.view(today()).status == Status::Expired {
        let name = &account.name;
        say(&format!(
            "'{name}' has expired and stays shut: 'occ-init user set {name} --expires never' opens it"
        ));
    }
}

/// Shuts accounts out and ends their processes.
pub(super) fn disable(names: &[String], paths: &Paths) -> Result<Output, Error> {
    let mut session = begin(paths)?;
    if let [name] = names
        && let Some((name, reason)) = unreadable(&session, name)?
    {
        return Err(shut_out(&mut session, paths, name, reason)?);
    }
    let mut records = find_all(&session, names)?;
    let uids = rightful(&session, records.iter().map(Record::account));
    end_processes(&paths.root, &uids, false)?;
    let changed = set_locked(&mut session, &mut records, true);
    end_processes(&paths.root, &uids, true)?;
    Ok(several("disabled", changed?, &records))
}

/// An account, not the image's, whose record can't be read; and why.
fn unreadable(session: &Session, typed: &str) -> Result<Option<(Username, String)>, Error> {
    let name = Username::parse(typed)?;
    if refuse_name(&name, session.image()).is_some() {
        return Ok(None);
    }
    let mut rejected = session.records().rejected.iter();
    let found = rejected.find(|rejected| rejected.is_record_of(&name));
    Ok(found.map(|rejected| (name, rejected.reason.clone())))
}

/// Locks the lines that restore once wrote for an account, and ends what runs.
/// Never a success: its record can't say that it is disabled.
fn shut_out(
    session: &mut Session,
    paths: &Paths,
    name: Username,
    reason: String,
) -> Result<Error, Error> {
    let uid = session.uid_of_lines(&name);
    let uids = uid.map(|uid| session.context().account_uids(&name, uid));
    end_processes(&paths.root, uids.as_slice(), false)?;
    session.lock_lines(&name);
    let summary = session.restore(&|| ())?;
    end_processes(&paths.root, uids.as_slice(), true)?;
    Ok(if summary.shut.contains(&name) {
        Error::ShutOutHere { name, reason }
    } else {
        Error::bad_record(&name, reason)
    })
}

/// The uids of these accounts' processes. A record that claims another's uid is left out: it
/// must not end that person's processes.
pub(super) fn rightful<'a>(
    session: &Session,
    accounts: impl Iterator<Item = &'a Account>,
) -> Vec<AccountUids> {
    accounts
        .filter(|account| session.refusal(&account.name).is_none())
        .map(|account| session.context().account_uids(&account.name, account.uid))
        .collect()
}

fn set_locked(session: &mut Session, records: &mut [Record], locked: bool) -> Result<bool, Error> {
    let mut changed = false;
    for record in records.iter_mut() {
        if record.account().locked != locked {
            record.update(|account| account.locked = locked);
            session.save(record)?;
            changed = true;
        }
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
