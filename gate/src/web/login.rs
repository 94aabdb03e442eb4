//! Logging in: the form, and the answers to PAM's further questions.

use hyper::header::USER_AGENT;
use hyper::{Request, Response, StatusCode};
use zeroize::Zeroizing;

use super::pages::{LoginForm, Notice};
use super::sessions::Session;
use crate::web::attempt::{Attempt, next_of, query_of, status_of};
use crate::web::http::body::Body;
use crate::web::http::flash::Flash;
use crate::web::http::reply;
use crate::web::pages;
use crate::web::passkey;
use crate::web::state::{AppState, RequestContext};
use crate::wire::{Agent, Secret, User, ask};

/// GET /_occ/login
pub(super) fn page<B>(
    gate: &AppState,
    context: &RequestContext,
    session: Option<&Session>,
    request: &Request<B>,
) -> Response<Body> {
    let query = query_of(request);
    let next = next_of(&query);
    if session.is_some() {
        return reply::see_other(next);
    }
    let is_logged_out = query.text("notice") == Some("logged-out");
    let logged_out = is_logged_out.then_some(Notice::LoggedOut);
    let (status, notice, user) = match Flash::of(request.headers(), &gate.cookies, context.secure) {
        Some(Flash::Login { notice, user }) => (status_of(notice), Some(notice), user),
        _ => (StatusCode::OK, logged_out, String::new()),
    };
    let form = LoginForm {
        host: context.authority.as_str(),
        next,
        user: &user,
        notice,
        passkeys: passkey::are_offered(gate, context),
    };
    let page = passkey::page(status, &pages::login(&form), form.passkeys);
    if user.is_empty() && status == StatusCode::OK {
        return page;
    }
    Flash::taken(page, &gate.cookies, context.secure)
}

/// POST /_occ/login: logs in with the name and password of a form.
pub(super) async fn with_password(attempt: &Attempt<'_>) -> Response<Body> {
    // What can't be anybody's still goes to the monitor: every failure takes
    // the same time there.
    let (user, password) = credentials(attempt.typed(), attempt.form.bytes("password"));
    let agent = attempt.headers.get(USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    let request = ask::Authenticate {
        user,
        password,
        address: attempt.context.address,
        agent: Agent::cut(agent),
        device: attempt.device(),
    };
    attempt.ask(request).await
}

/// POST /_occ/prompt
pub(super) async fn answer(attempt: &Attempt<'_>) -> Response<Body> {
    let conversation = attempt.conversation();
    let text = attempt.form.bytes("answer").cloned().and_then(Secret::new);
    let (Some(conversation), Some(text)) = (conversation, text) else {
        return attempt.failed(Notice::Refused);
    };
    attempt.ask(ask::Answer { conversation, text }).await
}

/// Name and password for the monitor; none at all if either can't be.
fn credentials(user: &str, password: Option<&Zeroizing<Vec<u8>>>) -> (User, Secret) {
    match (User::new(user), password.cloned().and_then(Secret::new)) {
        (Some(user), Some(password)) => (user, password),
        _ => <(User, Secret)>::default(),
    }
}
