//! `occ user token list` and `occ user token revoke`, answered by occ-gate.

use accounts::wire::TokensReply;

use super::{check_names, checked_id};
use crate::cli::Token;
use crate::error::Result;
use crate::session::Session;
use crate::ui::interrupt;
use crate::ui::show::{self, Format};

pub(super) async fn run(session: &Session, command: Token) -> Result<()> {
    match command {
        Token::List(name) => list(session, &name.name).await,
        Token::Revoke(revoke) => {
            let what = match &revoke.id {
                Some(id) => checked_id("token", id)?,
                None => "--all",
            };
            end(session, &revoke.name, what).await
        }
    }
}

async fn list(session: &Session, name: &str) -> Result<()> {
    let reply = call(session, name, "list", None).await?;
    session.screen.tokens(&reply);
    Ok(())
}

/// Revokes one by its id, or all.
async fn end(session: &Session, name: &str, what: &str) -> Result<()> {
    let _notice = interrupt::notice(format!(
        "it may be revoked; look with `occ user token list {name}`"
    ));
    let reply = call(session, name, "revoke", Some(what)).await?;
    let screen = session.screen;
    if screen.format == Format::Json {
        show::json(&reply);
    }
    if reply.tokens.is_empty() {
        screen.message(&format!("User '{name}' has no tokens."));
    }
    for token in &reply.tokens {
        screen.message(&format!("Token '{}' of '{name}' revoked.", token.name));
    }
    Ok(())
}

async fn call(
    session: &Session,
    name: &str,
    verb: &str,
    what: Option<&str>,
) -> Result<TokensReply> {
    check_names(&[name.to_owned()])?;
    let init = session.occ_init().await?;
    let words = ["token", verb, "--json", name].into_iter().chain(what);
    init.call_gate(words.map(str::to_owned).collect()).await
}
