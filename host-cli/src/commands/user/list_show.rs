//! `occ user list` and `occ user show`.

use accounts::wire::{AccountReply, ListReply};

use super::{arguments, check_names};
use crate::error::Result;
use crate::session::Session;
use crate::{config, occ_init};

/// Lists the accounts, and lets the configuration follow.
pub(super) async fn list(session: &Session) -> Result<()> {
    let (docker, container) = session.running().await?;
    let reply: ListReply = occ_init::call(&docker, &container, arguments("list"), None).await?;
    session.screen.accounts(&reply);
    let names = reply
        .accounts
        .into_iter()
        .map(|account| account.user_name)
        .collect();
    config::follow(&session.mirror, |users| *users = names);
    Ok(())
}

/// Shows one account.
pub(super) async fn show(session: &Session, name: &str) -> Result<()> {
    check_names(&[name.to_owned()])?;
    let (docker, container) = session.running().await?;
    let mut args = arguments("show");
    args.push(name.to_owned());
    let reply: AccountReply = occ_init::call(&docker, &container, args, None).await?;
    session.screen.account(&reply);
    Ok(())
}
