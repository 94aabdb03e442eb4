//! The forms for passkeys on the account page.

use hyper::{HeaderMap, Response};

use super::redirect_with;
use crate::web::http::body::Body;
use crate::web::http::form::Form;
use crate::web::http::reply;
use crate::web::monitor_client::NoReply;
use crate::web::pages::Outcome;
use crate::web::passkey::Shown;
use crate::web::sessions::Session;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{AddReply, Gone, Handle, PASSKEYS_LIMIT, PasskeyName, ask};

/// POST /_occ/account/passkey
pub(super) async fn add(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    headers: &HeaderMap,
    form: &Form,
) -> Response<Body> {
    let failed = |why: String| redirect_with(gate, context, Outcome::PasskeyFailed(why));
    let name = form.text("name").unwrap_or("").trim();
    let name = match PasskeyName::try_from(Box::from(name)) {
        Ok(name) => name,
        Err(why) => return failed(format!("{why}.")),
    };
    let Some(shown) = Shown::of(gate, context, headers, form) else {
        return failed("The passkey was not added. Try again.".to_owned());
    };
    let ask = ask::AddPasskey {
        token: session.token.clone(),
        challenge: shown.challenge,
        name,
        credential: shown.credential,
        proof: shown.proof,
    };
    match gate.monitor.ask(ask).await {
        Ok(Ok(AddReply::Added)) => redirect_with(gate, context, Outcome::PasskeyAdded),
        Ok(Ok(reply)) => failed(why(&reply)),
        Ok(Err(Gone)) => reply::see_other("/_occ/login"),
        Err(NoReply) => reply::unreached(),
    }
}

fn why(reply: &AddReply) -> String {
    match reply {
        AddReply::NotKept => {
            "That device cannot keep passkeys. Use another one, such as a phone.".to_owned()
        }
        AddReply::Twice => "That passkey is in use already.".to_owned(),
        AddReply::Full => format!(
            "There are too many passkeys: a person has at most {PASSKEYS_LIMIT}. Remove one that you do not use."
        ),
        AddReply::TooOften => {
            "You changed many passkeys within an hour. Try again later.".to_owned()
        }
        AddReply::Unavailable => {
            "Passkeys cannot be kept right now. An administrator finds the reason in the log."
                .to_owned()
        }
        AddReply::Added | AddReply::Refused => "The passkey was not added. Try again.".to_owned(),
    }
}

/// POST /_occ/account/passkey-remove
pub(super) async fn remove(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let handle = form.text("handle").and_then(|handle| handle.parse().ok());
    let Some(handle) = handle.map(Handle) else {
        return reply::see_other("/_occ/account");
    };
    let token = session.token.clone();
    let outcome = match gate.monitor.ask(ask::RemovePasskey { token, handle }).await {
        Ok(Ok(true)) => Outcome::PasskeyRemoved,
        Ok(Ok(false)) => Outcome::PasskeyFailed(
            "The passkey is still good: it cannot be removed right now. Tell an administrator."
                .to_owned(),
        ),
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        Err(NoReply) => return reply::unreached(),
    };
    redirect_with(gate, context, outcome)
}
