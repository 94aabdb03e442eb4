//! `occ user passkey list` and `occ user passkey remove`. People add theirs on the account
//! page.

use accounts::wire::PasskeysReply;

use super::{check_names, checked_id};
use crate::cli::Passkey;
use crate::error::Result;
use crate::occ_init;
use crate::session::Session;
use crate::ui::interrupt;
use crate::ui::show::{self, Format};

pub(super) async fn run(session: &Session, command: Passkey) -> Result<()> {
    match command {
        Passkey::List(name) => list(session, &name.name).await,
        Passkey::Remove { name, id } => remove(session, &name, checked_id("passkey", &id)?).await,
    }
}

async fn list(session: &Session, name: &str) -> Result<()> {
    let reply = call(session, "list", name, None).await?;
    session.screen.passkeys(&reply);
    Ok(())
}

async fn remove(session: &Session, name: &str, id: &str) -> Result<()> {
    let _notice = interrupt::notice(format!(
        "it may be removed; look with `occ user passkey list {name}`"
    ));
    let reply = call(session, "remove", name, Some(id)).await?;
    if session.screen.format == Format::Json {
        show::json(&reply);
    }
    let message = format!("Passkey {id} of '{name}' removed.");
    session.screen.message(&message);
    Ok(())
}

async fn call(
    session: &Session,
    verb: &str,
    name: &str,
    id: Option<&str>,
) -> Result<PasskeysReply> {
    check_names(&[name.to_owned()])?;
    let init = session.occ_init().await?;
    let words = [verb, name].into_iter().chain(id);
    init.call(occ_init::user("passkey", words)).await
}
