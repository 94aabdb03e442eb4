//! The account page: whose sessions there are, ending them, a new password, tokens, a new
//! start of opencode.

pub(super) mod issued;

mod passkeys;
mod restart;
mod tokens;

use std::time::Instant;

use accounts::account::{check_password, weakness};
use hyper::body::Incoming;
use hyper::header::SET_COOKIE;
use hyper::{Request, Response, StatusCode};

use super::sessions::Session;
use crate::clock;
use crate::web::http::body::Body;
use crate::web::http::cookies::Cookie;
use crate::web::http::flash::Flash;
use crate::web::http::form::Form;
use crate::web::http::{form_body, reply};
use crate::web::monitor_client::NoReply;
use crate::web::pages::{self, Outcome};
use crate::web::passkey;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{ChangeReply, Gone, Handle, Rejection, Secret, ask};

/// GET /_occ/account
pub(super) async fn page<B>(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    request: &Request<B>,
) -> Response<Body> {
    let outcome = match Flash::of(request.headers(), &gate.cookies, context.secure) {
        Some(Flash::Account(outcome)) => Some(outcome),
        _ => None,
    };
    let (token, same) = (session.token.clone(), session.token.clone());
    let sessions = gate.monitor.ask(ask::ListSessions { token });
    let access = gate.monitor.ask(ask::ListAccess { token: same });
    let (sessions, access) = match tokio::join!(sessions, access) {
        (Ok(Ok(sessions)), Ok(Ok(access))) => (sessions, access),
        (Err(NoReply), _) | (_, Err(NoReply)) => return reply::unreached(),
        (Ok(Err(Gone)), _) | (_, Ok(Err(Gone))) => return reply::see_other("/_occ/login"),
    };
    let token = session.token.clone();
    let opencode = match gate.monitor.ask(ask::GetOpencode { token }).await {
        Ok(Ok(view)) => view,
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        Err(NoReply) => return reply::unreached(),
    };
    let token = session.token.clone();
    let passkeys = match gate.monitor.ask(ask::ListPasskeys { token }).await {
        Ok(Ok(passkeys)) => passkeys,
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        Err(NoReply) => return reply::unreached(),
    };
    let issued = outcome
        .as_ref()
        .is_some_and(|outcome| *outcome == Outcome::TokenMade);
    let issued = issued.then(|| gate.issued.take(session.token.hash(), Instant::now()));
    let issued = issued.flatten().map(|access| access.expose());
    let is_offering = passkey::are_offered(gate, context);
    let page = pages::Account {
        user: session.user.as_str(),
        display_name: &session.display_name,
        sessions: &sessions,
        access: gate.settings.tokens.then_some(&access),
        passkeys: is_offering.then_some(&passkeys),
        issued: issued.as_deref().map(String::as_str),
        origin: &context.origin(),
        now: clock::now(),
        outcome: outcome.as_ref(),
        opencode: &opencode,
    };
    let page = passkey::page(StatusCode::OK, &pages::account(&page), is_offering);
    if outcome.is_none() {
        return page;
    }
    Flash::taken(page, &gate.cookies, context.secure)
}

/// Redirects to the account page, which tells the outcome of a form.
fn redirect_with(gate: &AppState, context: &RequestContext, outcome: Outcome) -> Response<Body> {
    let reply = reply::see_other("/_occ/account");
    Flash::Account(outcome).give(reply, &gate.cookies, context.secure)
}

/// A form of the page.
#[derive(Clone, Copy)]
pub(super) enum AccountForm {
    Password,
    Restart,
    MakeToken,
    RevokeToken,
    Revoke,
    EndAll,
    AddPasskey,
    RemovePasskey,
}

impl AccountForm {
    /// The form that is sent to a path.
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/_occ/account/password" => Some(Self::Password),
            pages::RESTART_PATH => Some(Self::Restart),
            "/_occ/account/token" => Some(Self::MakeToken),
            "/_occ/account/token-revoke" => Some(Self::RevokeToken),
            "/_occ/account/revoke" => Some(Self::Revoke),
            "/_occ/account/end-all" => Some(Self::EndAll),
            "/_occ/account/passkey" => Some(Self::AddPasskey),
            "/_occ/account/passkey-remove" => Some(Self::RemovePasskey),
            _ => None,
        }
    }
}

/// POST /_occ/account/…
pub(super) async fn submit(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    kind: AccountForm,
    request: Request<Incoming>,
) -> Response<Body> {
    let headers = request.headers().clone();
    let form = match form_body::read(request, gate.limits.form_time).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    match kind {
        AccountForm::Password => change_password(gate, context, session, &form).await,
        AccountForm::Restart => restart::submit(gate, context, session, &form).await,
        AccountForm::MakeToken => tokens::make(gate, context, session, &form).await,
        AccountForm::RevokeToken => tokens::revoke(gate, context, session, &form).await,
        AccountForm::AddPasskey => passkeys::add(gate, context, session, &headers, &form).await,
        AccountForm::RemovePasskey => passkeys::remove(gate, context, session, &form).await,
        AccountForm::Revoke => revoke(gate, context, session, &form).await,
        AccountForm::EndAll => {
            let token = session.token.clone();
            let ended = gate.monitor.ask(ask::EndAll { token }).await;
            after_logout(gate, context, session, ended.is_ok())
        }
    }
}

/// The session, or token, of a line of the page.
fn handle(form: &Form) -> Option<Handle> {
    let number = form.text("handle")?.parse().ok()?;
    Some(Handle(number))
}

/// Ends another session of the person.
async fn revoke(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let Some(handle) = handle(form) else {
        return reply::see_other("/_occ/account");
    };
    let token = session.token.clone();
    match gate.monitor.ask(ask::Revoke { token, handle }).await {
        Ok(Ok(())) => redirect_with(gate, context, Outcome::SessionEnded),
        Ok(Err(Gone)) => reply::see_other("/_occ/login"),
        Err(NoReply) => reply::unreached(),
    }
}

/// POST /_occ/logout; also without a session, so that the cookie goes.
pub(super) async fn logout(
    gate: &AppState,
    context: &RequestContext,
    session: Option<&Session>,
) -> Response<Body> {
    let Some(session) = session else {
        return forget(gate, context);
    };
    let token = session.token.clone();
    let ended = gate.monitor.ask(ask::End { token }).await;
    after_logout(gate, context, session, ended.is_ok())
}

/// Reports that a session is over only if it is.
fn after_logout(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    ended: bool,
) -> Response<Body> {
    if !ended {
        return reply::unreached();
    }
    gate.sessions.gone(session.token.hash());
    forget(gate, context)
}

/// The browser drops the session, and what opencode's page kept in it. The
/// device cookie stays: it opens nothing.
fn forget(gate: &AppState, context: &RequestContext) -> Response<Body> {
    let mut reply = reply::clearing(reply::see_other("/_occ/login?notice=logged-out"));
    if let Some(line) = gate.cookies.set(Cookie::Session, "", context.secure, 0) {
        reply.headers_mut().append(SET_COOKIE, line);
    }
    reply
}

async fn change_password(
    gate: &AppState,
    context: &RequestContext,
    session: &Session,
    form: &Form,
) -> Response<Body> {
    let (old, new) = match new_password(form) {
        Ok(passwords) => passwords,
        Err(why) => return redirect_with(gate, context, Outcome::Failed(why)),
    };
    let weakness = weakness(new.expose()).map(str::to_owned);
    let token = session.token.clone();
    let request = ask::ChangePassword { token, old, new };
    let outcome = match gate.monitor.ask(request).await {
        Ok(Ok(ChangeReply::Changed)) => Outcome::Changed { weakness },
        Ok(Ok(ChangeReply::Rejected { why, text })) => {
            Outcome::Failed(rejected(why, text.as_str()))
        }
        Ok(Ok(ChangeReply::SlowDown { seconds })) => Outcome::Failed(format!(
            "Too many failed attempts. Try again in {}.",
            pages::span(seconds)
        )),
        Ok(Err(Gone)) => return reply::see_other("/_occ/login"),
        _ => Outcome::Failed(
            "Changing the password is not possible right now. Try again in a moment.".to_owned(),
        ),
    };
    redirect_with(gate, context, outcome)
}

/// With PAM's words about a new password, if it has any.
fn rejected(why: Rejection, text: &str) -> String {
    match (why, text.trim()) {
        (Rejection::Old, _) => "Your current password is wrong.".to_owned(),
        (Rejection::New, "") => "The new password was not accepted.".to_owned(),
        (Rejection::New, words) => format!("The new password was not accepted: {words}"),
    }
}

/// The old password and the new one, typed twice.
fn new_password(form: &Form) -> Result<(Secret, Secret), String> {
    let field = |name| form.bytes(name).cloned().unwrap_or_default();
    let (old, new, again) = (field("old"), field("new"), field("again"));
    if new != again {
        return Err("The two new passwords differ.".to_owned());
    }
    check_password(&new).map_err(|why| format!("The new password can't be used: {why}."))?;
    match (Secret::new(old), Secret::new(new)) {
        (Some(old), Some(new)) => Ok((old, new)),
        _ => Err("A password is longer than 255 bytes.".to_owned()),
    }
}

#[cfg(test)]
mod tests;
