//! The forms for passkeys on the account page.

use hyper::HeaderMap;

use super::{Ended, handle, or_answer, to_page};
use crate::web::http::form::Form;
use crate::web::pages::Outcome;
use crate::web::passkey::Shown;
use crate::web::sessions::Session;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{AddPasskeyReply, PASSKEYS_LIMIT, PasskeyName, ask};

/// POST /_occ/account/passkey
pub(super) async fn add(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    headers: &HeaderMap,
    form: &Form,
) -> Ended {
    let name = form.text("name").unwrap_or("").trim();
    let name = match PasskeyName::try_from(Box::from(name)) {
        Ok(name) => name,
        Err(why) => return Ok(Outcome::PasskeyFailed(format!("{why}."))),
    };
    let Some(shown) = Shown::of(gate, context, headers, form) else {
        return Ok(Outcome::PasskeyFailed(
            "The passkey was not added. Try again.".to_owned(),
        ));
    };
    let ask = ask::AddPasskey {
        token: session.token.clone(),
        challenge: shown.challenge,
        name,
        credential: shown.credential,
        proof: shown.proof,
    };
    Ok(match or_answer(gate.monitor.ask(ask)).await? {
        AddPasskeyReply::Added => Outcome::PasskeyAdded,
        reply => Outcome::PasskeyFailed(why(&reply)),
    })
}

fn why(reply: &AddPasskeyReply) -> String {
    match reply {
        AddPasskeyReply::NotKept => {
            "That device cannot keep passkeys. Use another one, such as a phone.".to_owned()
        }
        AddPasskeyReply::Twice => "That passkey is in use already.".to_owned(),
        AddPasskeyReply::Full => format!(
            "There are too many passkeys: a person has at most {PASSKEYS_LIMIT}. Remove one that you do not use."
        ),
        AddPasskeyReply::TooOften => {
            "You changed many passkeys within an hour. Try again later.".to_owned()
        }
        AddPasskeyReply::Unavailable => {
            "Passkeys cannot be kept right now. An administrator finds the reason in the log."
                .to_owned()
        }
        AddPasskeyReply::Added | AddPasskeyReply::Refused => {
            "The passkey was not added. Try again.".to_owned()
        }
    }
}

/// POST /_occ/account/passkey-remove
pub(super) async fn remove(gate: &AppState, session: &Session, form: &Form) -> Ended {
    let handle = handle(form).ok_or_else(to_page)?;
    let token = session.token.clone();
    let ask = ask::RemovePasskey { token, handle };
    if or_answer(gate.monitor.ask(ask)).await? {
        return Ok(Outcome::PasskeyRemoved);
    }
    Ok(Outcome::PasskeyFailed(
        "The passkey is still good: it cannot be removed right now. Tell an administrator."
            .to_owned(),
    ))
}
