//! The forms for access tokens on the account page.

use std::time::Instant;

use super::{Ended, handle, or_answer, to_page};
use crate::web::http::form::Form;
use crate::web::pages::Outcome;
use crate::web::sessions::Session;
use crate::web::state::AppState;
use crate::wire::{ACCESS_LIMIT, AccessName, Lifetime, MakeAccessReply, ask};

/// POST /_occ/account/token
pub(super) async fn make(gate: &AppState, session: &Session, form: &Form) -> Ended {
    let (name, lifetime) = match read(form) {
        Ok(read) => read,
        Err(why) => return Ok(Outcome::TokenFailed(why)),
    };
    let token = session.token.clone();
    let ask = ask::MakeAccess {
        token,
        name,
        lifetime,
    };
    Ok(match or_answer(gate.monitor.ask(ask)).await? {
        MakeAccessReply::Made { access } => {
            let session = session.token.hash();
            gate.issued.put(session, access, Instant::now());
            Outcome::TokenMade
        }
        MakeAccessReply::Full => Outcome::TokenFailed(format!(
            "There are too many tokens: a person has at most {ACCESS_LIMIT}. Revoke one that you do not use."
        )),
        MakeAccessReply::TooOften => {
            Outcome::TokenFailed("You made many tokens within an hour. Try again later.".to_owned())
        }
        MakeAccessReply::Unavailable => Outcome::TokenFailed(
            "Tokens cannot be kept right now. An administrator finds the reason in the log."
                .to_owned(),
        ),
    })
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
pub(super) async fn revoke(gate: &AppState, session: &Session, form: &Form) -> Ended {
    let handle = handle(form).ok_or_else(to_page)?;
    let token = session.token.clone();
    let ask = ask::RevokeAccess { token, handle };
    if or_answer(gate.monitor.ask(ask)).await? {
        return Ok(Outcome::TokenRevoked);
    }
    Ok(Outcome::TokenFailed(
        "The token is revoked, but this cannot be written to disk: a restart may bring it back. Tell an administrator."
            .to_owned(),
    ))
}
