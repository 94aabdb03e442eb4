//! The forms for access tokens on the account page.

use std::time::Instant;

use hyper::Response;

use super::{handle, redirect_with};
use crate::web::http::body::Body;
use crate::web::http::form::Form;
use crate::web::http::reply;
use crate::web::monitor_client::NoReply;
use crate::web::pages::Outcome;
use crate::web::sessions::Session;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{ACCESS_LIMIT, AccessName, Gone, Lifetime, MakeReply, ask};

/// POST /_occ/account/token
pub(super) async fn make(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let (name, lifetime) = match read(form) {
        Ok(read) => read,
        Err(why) => return redirect_with(gate, context, Outcome::TokenFailed(why)),
    };
    let token = session.token.clone();
    let ask = ask::MakeAccess {
        token,
        name,
        lifetime,
    };
    let outcome = match gate.monitor.ask(ask).await {
        Ok(Ok(MakeReply::Made { access })) => {
            let session = session.token.hash();
            gate.issued.put(session, access, Instant::now());
            Outcome::TokenMade
        }
        Ok(Ok(MakeReply::Full)) => Outcome::TokenFailed(format!(
            "There are too many tokens: a person has at most {ACCESS_LIMIT}. Revoke one that you do not use."
        )),
        Ok(Ok(MakeReply::TooOften)) => {
            Outcome::TokenFailed("You made many tokens within an hour. Try again later.".to_owned())
        }
        Ok(Ok(MakeReply::Unavailable)) => Outcome::TokenFailed(
            "Tokens cannot be kept right now. An administrator finds the reason in the log."
                .to_owned(),
        ),
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        Err(NoReply) => return reply::unreached(),
    };
    redirect_with(gate, context, outcome)
}

/// Name and lifetime as chosen.
fn read(form: &Form) -> Result<(AccessName, Lifetime), String> {
    let name = form.text("name").unwrap_or("").trim();
    let name = AccessName::try_from(Box::from(name)).map_err(|why| format!("{why}."))?;
    let days = form.text("days").and_then(|days| days.parse::<u16>().ok());
    let lifetime = days.and_then(|days| Lifetime::try_from(days).ok());
    let lifetime = lifetime.ok_or("Choose how long the token is good for.")?;
    Ok((name, lifetime))
}

/// POST /_occ/account/token-revoke
pub(super) async fn revoke(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let Some(handle) = handle(form) else {
        return reply::see_other("/_occ/account");
    };
    let token = session.token.clone();
    match gate.monitor.ask(ask::RevokeAccess { token, handle }).await {
        Ok(Ok(true)) => redirect_with(gate, context, Outcome::TokenRevoked),
        Ok(Ok(false)) => redirect_with(
            gate,
            context,
            Outcome::TokenFailed(
                "The token is revoked, but this cannot be written to disk: a restart may bring it back. Tell an administrator."
                    .to_owned(),
            ),
        ),
        Ok(Err(Gone)) => reply::see_other("/_occ/login"),
        Err(NoReply) => reply::unreached(),
    }
}
