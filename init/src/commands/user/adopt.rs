//! `user adopt`: an account made inside by useradd(8) gets a record, so that it
//! survives the next update. Its lines stay as they are.

use super::apply::{apply, begin, warn_about};
use super::reply::one;
use crate::admission;
use crate::clock::now_usec;
use crate::commands::output::Output;
use crate::error::Error;
use crate::log::say;
use crate::restore::{Paths, Session};
use accounts::account::Username;
use accounts::admin::adopt::{self, Found, NotAdoptable};
use accounts::record::{Problem, Record};

pub(super) fn adopt(typed: &str, paths: &Paths) -> Result<Output, Error> {
    let name = Username::parse(typed)?;
    let mut session = begin(paths)?;
    let found = check(&session, &name)?;
    let record = Record::new(found.account);
    let account = record.account();
    session.admit(&record)?;
    let summary = apply(&mut session)?;
    warn_about(&summary, &name)?;
    for group in found.ungranted {
        say(&Problem::Group(name.clone(), group).to_string());
    }
    if let Some(reason) = account.hash_refused {
        say(&Problem::Hash(name.clone(), reason).to_string());
    }
    if account.locked {
        say(&format!(
            "'{name}' is disabled: its password was locked; 'user enable {name}' lets it in"
        ));
    }
    let text = format!("User '{name}' adopted (uid {}).", account.uid);
    Ok(one(text, true, account))
}

/// The rules for new accounts, but that lines of that name are there.
fn check(session: &Session, name: &Username) -> Result<Found, Error> {
    let context = session.context();
    if admission::present(&context, name)?.is_some() {
        return Err(Error::Exists(name.clone()));
    }
    admission::check_not_removed(&context, name)?;
    let image = context.image;
    let (uids, groups) = (image.uids, &image.groups_allow);
    let found = adopt::find(name, context.etc, uids, groups, now_usec());
    let found = found.map_err(|reason| match reason {
        NotAdoptable::NoLine => Error::NoSuchAccount(name.to_string()),
        NotAdoptable::Uid(invalid) => invalid.into(),
        NotAdoptable::Text(invalid) => invalid.into(),
        reason => Error::NotAdoptable {
            name: name.clone(),
            reason,
        },
    })?;
    let account = &found.account;
    admission::check_uid(&context, name, account.uid.get().into())?;
    admission::check_home(&context, account.home.clone())?;
    Ok(found)
}
