//! `user passkey`: the public keys of the login page, in the record and nowhere else.

use super::apply::{apply, begin};
use super::lookup::find;
use crate::cli::admin::PasskeyCommand;
use crate::commands::output::Output;
use crate::error::{Error, usage};
use crate::password::request_from_stdin;
use crate::restore::{Paths, Session};
use accounts::account::{Username, date_of, whole_days};
use accounts::record::{PasskeyRefusal, Record};
use accounts::wire::{PasskeyView, PasskeysReply, SCHEMA};

pub(super) fn passkey(command: &PasskeyCommand, paths: &Paths) -> Result<Output, Error> {
    match command {
        PasskeyCommand::List { name } => {
            let name = Username::parse(name)?;
            let record = find(&begin(paths)?, &name)?;
            let text = if record.account().passkeys == 0 {
                format!("User '{name}' has no passkeys.")
            } else {
                lines(&record)
            };
            Ok(answer(text, false, &record))
        }
        PasskeyCommand::Add {
            name,
            request_stdin,
        } => add(name, *request_stdin, paths),
        PasskeyCommand::Remove { name, id } => remove(name, id, paths),
    }
}

/// Adds the one that the login page was shown.
fn add(typed: &str, has_request: bool, paths: &Paths) -> Result<Output, Error> {
    let name = Username::parse(typed)?;
    if !has_request {
        return Err(usage("passkeys are added on the account page"));
    }
    let entry = request_from_stdin()?.passkey;
    let entry = entry.ok_or(Error::Request("no passkey"))?;
    let mut session = begin(paths)?;
    let mut record = find(&session, &name)?;
    record.add_passkey(entry).map_err(|refusal| match refusal {
        PasskeyRefusal::Form => Error::Request("a passkey of another form"),
        PasskeyRefusal::Full => Error::TooManyPasskeys(name.clone()),
        PasskeyRefusal::Twice => Error::PasskeyTwice(name.clone()),
    })?;
    save(&mut session, &record)?;
    Ok(answer(format!("Passkey of '{name}' added."), true, &record))
}

fn remove(typed: &str, id: &str, paths: &Paths) -> Result<Output, Error> {
    let name = Username::parse(typed)?;
    let mut session = begin(paths)?;
    let mut record = find(&session, &name)?;
    if !record.remove_passkey(id) {
        let id = id.to_owned();
        return Err(Error::NoSuchPasskey { name, id });
    }
    save(&mut session, &record)?;
    Ok(answer(
        format!("Passkey {id} of '{name}' removed."),
        true,
        &record,
    ))
}

fn save(session: &mut Session, record: &Record) -> Result<(), Error> {
    session.save(record)?;
    apply(session).map(drop)
}

fn lines(record: &Record) -> String {
    let line = |passkey: accounts::record::Passkey<'_>| {
        let made = date_of(whole_days(passkey.made_usec));
        format!("{}  {made}  {}", passkey.id, passkey.name)
    };
    record.passkeys().map(line).collect::<Vec<_>>().join("\n")
}

fn answer(text: String, changed: bool, record: &Record) -> Output {
    let passkeys = record.passkeys().map(|passkey| PasskeyView {
        id: passkey.id.to_owned(),
        name: passkey.name.to_owned(),
        made_usec: passkey.made_usec,
    });
    let reply = PasskeysReply {
        schema: SCHEMA,
        user_name: record.account().name.to_string(),
        changed,
        passkeys: passkeys.collect(),
    };
    Output::new(text, &reply)
}
