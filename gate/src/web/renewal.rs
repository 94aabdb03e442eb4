//! A new password at the login, in place of one that has expired or that an administrator
//! wants changed. Only whoever has just shown the right one gets here.

use accounts::account::weakness;
use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use super::sessions::Session;
use crate::web::attempt::{self, Attempt};
use crate::web::http::body::Body;
use crate::web::http::flash::Flash;
use crate::web::http::form::Form;
use crate::web::http::reply;
use crate::web::pages::{self, Notice, Outcome, RenewalForm};
use crate::web::state::{AppState, RequestContext};
use crate::wire::{Conversation, Secret, ask};

/// GET /_occ/renew
pub(super) fn page<B>(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<B>,
) -> Response<Body> {
    let query = request.uri().query().unwrap_or("");
    let query = Form::parse(query.as_bytes()).unwrap_or_default();
    let next = attempt::next_of(&query);
    match Flash::of(request.headers(), &gate.cookies, context.secure) {
        Some(Flash::Renewal {
            conversation,
            user,
            text,
        }) => {
            let form = RenewalForm {
                conversation,
                next,
                user: &user,
                text: &text,
            };
            reply::page(StatusCode::OK, &pages::renewal(&form))
        }
        _ => reply::see_other(&attempt::path_for(next)),
    }
}

/// POST /_occ/renew
pub(super) async fn submit(
    gate: &AppState,
    context: &RequestContext,
    old: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    let mut attempt = match Attempt::read(gate, context, old, request).await {
        Ok(attempt) => attempt,
        Err(refused) => return refused,
    };
    attempt.refused = Notice::NotRenewed;
    let conversation = attempt.form.text("conversation");
    let conversation = conversation.and_then(|number| number.parse().ok().map(Conversation));
    let Some(conversation) = conversation else {
        return attempt.failed(Notice::NotRenewed);
    };
    let field = |name| attempt.form.bytes(name).cloned().unwrap_or_default();
    let (new, again) = (field("new"), field("again"));
    if new != again {
        return attempt.needed(conversation, "The two new passwords differ.");
    }
    let weakness = weakness(&new).map(str::to_owned);
    let Some(new) = Secret::new(new) else {
        let why = "The new password is longer than 255 bytes.";
        return attempt.needed(conversation, why);
    };
    let reply = attempt.ask(ask::RenewPassword { conversation, new }).await;
    match weakness {
        Some(_) if is_login(&reply) => warn(gate, context, reply, weakness),
        _ => reply,
    }
}

/// Returns whether the browser is logged in by this answer: it gets a session.
fn is_login(reply: &Response<Body>) -> bool {
    reply.extensions().get::<attempt::LoggedIn>().is_some()
}

/// Leads to the account page, which warns of a password that is easy to guess.
fn warn(
    gate: &AppState,
    context: &RequestContext,
    mut reply: Response<Body>,
    weakness: Option<String>,
) -> Response<Body> {
    let account = hyper::header::HeaderValue::from_static("/_occ/account");
    reply.headers_mut().insert(hyper::header::LOCATION, account);
    Flash::Account(Outcome::Changed { weakness }).give(reply, &gate.cookies, context.secure)
}
