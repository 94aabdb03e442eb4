//! The account page: whose sessions there are, ending them, a new password, tokens, a new
//! start of opencode, passkeys, the second step.

pub(super) mod issued;

mod passkeys;
mod restart;
mod second;
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
use crate::wire::{
    AccessEntry, ChangePasswordReply, Gone, Handle, OpencodeView, PasskeyEntry, Rejection,
    SecondView, Secret, SessionEntry, ask,
};

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
    let shown = match AccountState::of(gate, session).await {
        Ok(shown) => shown,
        Err(reply) => return reply,
    };
    let hash = session.token.hash();
    let shows_second = matches!(outcome, Some(Outcome::SecondBegun | Outcome::SecondOn));
    let issued_second = shows_second.then(|| gate.issued_second.take(hash, Instant::now()));
    let issued_second = issued_second.flatten();
    let issued = outcome
        .as_ref()
        .is_some_and(|outcome| *outcome == Outcome::TokenMade);
    let issued = issued.then(|| gate.issued.take(hash, Instant::now()));
    let issued = issued.flatten().map(|access| access.expose());
    let is_offering = passkey::are_offered(gate, context);
    let page = pages::Account {
        user: session.user.as_str(),
        display_name: &session.display_name,
        sessions: &shown.sessions,
        access: gate.settings.tokens.then_some(&shown.access),
        passkeys: is_offering.then_some(&shown.passkeys),
        issued: issued.as_deref().map(String::as_str),
        origin: &context.origin(),
        now: clock::now(),
        outcome: outcome.as_ref(),
        opencode: &shown.opencode,
        second: shown.second,
        issued_second: issued_second.as_ref(),
    };
    let page = passkey::page(StatusCode::OK, &pages::account(&page), is_offering);
    if outcome.is_none() {
        return page;
    }
    Flash::taken(page, &gate.cookies, context.secure)
}

/// The person's account, as the monitor knows it.
struct AccountState {
    sessions: Vec<SessionEntry>,
    access: Vec<AccessEntry>,
    opencode: OpencodeView,
    second: SecondView,
    passkeys: Vec<PasskeyEntry>,
}

impl AccountState {
    /// Returns the answer to give instead where a question has no reply.
    async fn of(gate: &AppState, session: &Session) -> Result<Self, Response<Body>> {
        let (monitor, token) = (&gate.monitor, || session.token.clone());
        let (sessions, access, opencode, second, passkeys) = tokio::try_join!(
            or_answer(monitor.ask(ask::ListSessions { token: token() })),
            or_answer(monitor.ask(ask::ListAccess { token: token() })),
            or_answer(monitor.ask(ask::GetOpencode { token: token() })),
            or_answer(monitor.ask(ask::GetSecond { token: token() })),
            or_answer(monitor.ask(ask::ListPasskeys { token: token() })),
        )?;
        Ok(Self {
            sessions,
            access,
            opencode,
            second,
            passkeys,
        })
    }
}

async fn or_answer<T>(
    reply: impl Future<Output = Result<Result<T, Gone>, NoReply>>,
) -> Result<T, Response<Body>> {
    match reply.await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(Gone)) => Err(reply::see_other("/_occ/login")),
        Err(NoReply) => Err(reply::unreached()),
    }
}

/// The end of a form: the outcome that the account page tells, or another answer.
type Ended = Result<Outcome, Response<Body>>;

/// Redirects to the account page, which tells the outcome of a form. Its part about the
/// second step is not to be seen without scrolling.
fn redirect_with(gate: &AppState, context: &RequestContext, outcome: Outcome) -> Response<Body> {
    let path = if outcome.is_about_second() {
        "/_occ/account#second"
    } else {
        "/_occ/account"
    };
    let reply = reply::see_other(path);
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
    BeginSecond,
    ConfirmSecond,
    EndSecond,
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
            "/_occ/account/second-begin" => Some(Self::BeginSecond),
            "/_occ/account/second-confirm" => Some(Self::ConfirmSecond),
            "/_occ/account/second-end" => Some(Self::EndSecond),
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
    let ended = match kind {
        AccountForm::Password => change_password(gate, session, &form).await,
        AccountForm::Restart => restart::submit(gate, session, &form).await,
        AccountForm::MakeToken => tokens::make(gate, session, &form).await,
        AccountForm::RevokeToken => tokens::revoke(gate, session, &form).await,
        AccountForm::AddPasskey => passkeys::add(gate, context, session, &headers, &form).await,
        AccountForm::RemovePasskey => passkeys::remove(gate, session, &form).await,
        AccountForm::Revoke => revoke(gate, session, &form).await,
        AccountForm::EndAll => {
            let token = session.token.clone();
            let ended = gate.monitor.ask(ask::EndAll { token }).await;
            Err(after_logout(gate, context, session, ended.is_ok()))
        }
        AccountForm::BeginSecond => second::begin(gate, session, &form).await,
        AccountForm::ConfirmSecond => second::confirm(gate, session, &form).await,
        AccountForm::EndSecond => second::end(gate, session, &form).await,
    };
    match ended {
        Ok(outcome) => redirect_with(gate, context, outcome),
        Err(answer) => answer,
    }
}

/// The session, token or passkey of a line of the page.
fn handle(form: &Form) -> Option<Handle> {
    let number = form.text("handle")?.parse().ok()?;
    Some(Handle(number))
}

/// The answer to a form without one.
fn to_page() -> Response<Body> {
    reply::see_other("/_occ/account")
}

/// Ends another session of the person.
async fn revoke(gate: &AppState, session: &Session, form: &Form) -> Ended {
    let handle = handle(form).ok_or_else(to_page)?;
    let token = session.token.clone();
    or_answer(gate.monitor.ask(ask::Revoke { token, handle })).await?;
    Ok(Outcome::SessionEnded)
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

async fn change_password(gate: &AppState, session: &Session, form: &Form) -> Ended {
    let (old, new) = match new_password(form) {
        Ok(passwords) => passwords,
        Err(why) => return Ok(Outcome::Failed(why)),
    };
    let weakness = weakness(new.expose()).map(str::to_owned);
    let token = session.token.clone();
    let request = ask::ChangePassword { token, old, new };
    Ok(match gate.monitor.ask(request).await {
        Ok(Ok(ChangePasswordReply::Changed)) => Outcome::Changed { weakness },
        Ok(Ok(ChangePasswordReply::Rejected { why, text })) => {
            Outcome::Failed(rejected(why, text.as_str()))
        }
        Ok(Ok(ChangePasswordReply::SlowDown { seconds })) => Outcome::Failed(slow_down(seconds)),
        Ok(Err(Gone)) => return Err(reply::see_other("/_occ/login")),
        Ok(Ok(ChangePasswordReply::Unavailable)) | Err(NoReply) => Outcome::Failed(
            "Changing the password is not possible right now. Try again in a moment.".to_owned(),
        ),
    })
}

fn slow_down(seconds: u32) -> String {
    let span = pages::span(seconds);
    format!("Too many failed attempts. Try again in {span}.")
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
