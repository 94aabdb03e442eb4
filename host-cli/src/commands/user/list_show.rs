//! `occ user list` and `occ user show`.

use accounts::wire::{AccountReply, ListReply, without_way_in};

use super::check_names;
use crate::error::Result;
use crate::occ_init;
use crate::session::Session;
use crate::ui::out;
use crate::ui::show::Format;

/// Lists the accounts, and lets the configuration follow.
pub(super) async fn list(session: &Session) -> Result<()> {
    let init = session.occ_init().await?;
    let reply: ListReply = init.accounts().await?;
    session.screen.accounts(&reply);
    if session.screen.format == Format::Text
        && let Some((sentence, first)) = without_way_in(&reply.accounts)
    {
        out::note(&format!("{sentence}: `occ user passwd {first}` sets one"));
    }
    let names = reply
        .accounts
        .into_iter()
        .map(|account| account.user_name)
        .collect();
    session.follow(|users| *users = names);
    Ok(())
}

pub(super) async fn show(session: &Session, name: &str) -> Result<()> {
    check_names(&[name.to_owned()])?;
    let init = session.occ_init().await?;
    let reply: AccountReply = init.call(occ_init::user("show", [name])).await?;
    session.screen.account(&reply);
    Ok(())
}
