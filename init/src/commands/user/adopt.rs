//! `user adopt`: an account made inside by useradd(8) gets a record, so that it
//! survives the next update. Its lines stay as they are, but for what is told.

use super::apply::{apply, begin, warn_about};
use super::reply::one;
use crate::admission::{self, Context};
use crate::clock::now_usec;
use crate::commands::output::Output;
use crate::error::Error;
use crate::log::say;
use crate::restore::{Paths, ReadOnlySession};
use crate::store::Store;
use accounts::account::Username;
use accounts::admin::adopt::{self, Found, Loss, NotAdoptable};
use accounts::record::Record;

pub(super) fn adopt(typed: &str, dry_run: bool, paths: &Paths) -> Result<Output, Error> {
    let name = Username::parse(typed)?;
    if dry_run {
        let view = ReadOnlySession::read(paths)?;
        let store = Store::find(&paths.store)?;
        let found = check(&view.context(store.as_ref(), paths), &name)?;
        tell(&found);
        let uid = found.account.uid;
        let text = format!("User '{name}' would be adopted (uid {uid}).");
        return Ok(one(text, false, &found.account));
    }
    let mut session = begin(paths)?;
    let found = check(&session.context(), &name)?;
    let record = Record::new(found.account.clone());
    session.admit(&record)?;
    session.forget_in_snapshot(&name);
    let summary = apply(&mut session)?;
    warn_about(&summary, &name)?;
    tell(&found);
    let account = record.account();
    let text = format!("User '{name}' adopted (uid {}).", account.uid);
    Ok(one(text, true, account))
}

/// Says what is not as it was.
fn tell(found: &Found) {
    let account = &found.account;
    let name = &account.name;
    for loss in &found.losses {
        say(&format!("'{name}': {loss}{}", next_step(loss, name)));
    }
    if account.locked {
        say(&format!(
            "'{name}' is disabled: its password was locked; 'occ-init user enable {name}' lets it in"
        ));
    }
}

fn next_step(loss: &Loss, name: &Username) -> String {
    match loss {
        Loss::Group(group) => format!(
            "; the line '{}: {name}' in /etc/occ/groups.allow of the image would",
            group.escape_debug()
        ),
        Loss::Hash(_) => format!("; 'occ-init user passwd {name}' sets a new one"),
        Loss::Range(..) => String::new(),
    }
}

/// The rules for new accounts, but that lines of that name are there.
fn check(context: &Context<'_>, name: &Username) -> Result<Found, Error> {
    // A snapshot does not tell the image's accounts from those made before it.
    let mut image = context.image.clone();
    let is_it = |other: &str, _| other == name.folded();
    image.accounts.forget_people(image.uids, is_it);
    let context = Context {
        image: &image,
        ..*context
    };
    if admission::present(&context, name)?.is_some() {
        return Err(Error::Exists(name.clone()));
    }
    admission::check_not_removed(&context, name)?;
    let (uids, groups) = (image.uids, &image.groups_allow);
    let found = adopt::find(name, context.etc, uids, groups, now_usec());
    let refused = |reason| Error::NotAdoptable {
        name: name.clone(),
        reason,
    };
    let found = found.map_err(|reason| match reason {
        NotAdoptable::NoLine => Error::NoSuchAccount(name.to_string()),
        NotAdoptable::Uid(invalid) => invalid.into(),
        NotAdoptable::Text(invalid) => invalid.into(),
        reason => refused(reason),
    })?;
    let account = &found.account;
    match admission::check_uid(&context, name, account.uid.get().into()) {
        Ok(_) => (),
        Err(Error::UidTaken { uid, owner }) => {
            return Err(refused(NotAdoptable::UidTaken(uid, owner)));
        }
        Err(other) => return Err(other),
    }
    admission::check_home(&context, account.home.clone())?;
    Ok(found)
}
