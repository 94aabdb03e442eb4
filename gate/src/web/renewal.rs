//! A new password at the login, in place of one that has expired or that an administrator
//! wants changed. Only whoever has just shown the right one gets here.

use accounts::account::weakness;
use hyper::Response;
use hyper::header::{HeaderValue, LOCATION};

use crate::web::attempt::{Attempt, LoggedIn};
use crate::web::http::body::Body;
use crate::web::http::flash::Flash;
use crate::web::pages::{Notice, Outcome};
use crate::wire::{Secret, ask};

/// POST /_occ/renew
pub(super) async fn submit(mut attempt: Attempt<'_>) -> Response<Body> {
    attempt.refused = Notice::NotRenewed;
    let Some(conversation) = attempt.conversation() else {
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
        Some(_) if is_login(&reply) => warn(&attempt, reply, weakness),
        _ => reply,
    }
}

/// Returns whether the browser is logged in by this answer: it gets a session.
fn is_login(reply: &Response<Body>) -> bool {
    reply.extensions().get::<LoggedIn>().is_some()
}

/// Leads to the account page, which warns of a password that is easy to guess.
fn warn(
    attempt: &Attempt<'_>,
    mut reply: Response<Body>,
    weakness: Option<String>,
) -> Response<Body> {
    let account = HeaderValue::from_static("/_occ/account");
    reply.headers_mut().insert(LOCATION, account);
    let (cookies, secure) = (&attempt.gate.cookies, attempt.context.secure);
    Flash::Account(Outcome::Changed { weakness }).give(reply, cookies, secure)
}
