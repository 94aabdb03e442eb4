//! The gate's own pages and files, under /_occ/ and at the few paths that browsers ask
//! for by themselves.

use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};

use super::sessions::Session;
use crate::web::account::AccountForm;
use crate::web::attempt::Attempt;
use crate::web::http::body::Body;
use crate::web::http::csrf::{is_from_another_site, wants_page};
use crate::web::http::{redirect, reply};
use crate::web::state::{AppState, RequestContext};
use crate::web::{account, attempt, files, first, login, pages, passkey, renewal, terminal};

const ACCOUNT: &str = "/_occ/account";

/// The pages of a login, each with a form that is sent to the page's own path.
#[derive(Clone, Copy)]
enum LoginPage {
    First,
    Password,
    Question,
    Renewal,
}

impl LoginPage {
    fn at(path: &str) -> Option<Self> {
        match path {
            first::PATH => Some(Self::First),
            "/_occ/login" => Some(Self::Password),
            attempt::QUESTION_PATH => Some(Self::Question),
            attempt::RENEWAL_PATH => Some(Self::Renewal),
            _ => None,
        }
    }
}

/// Paths of the gate's; opencode has none of them.
pub(super) fn is_own(path: &str) -> bool {
    path == "/_occ" || path.starts_with("/_occ/")
}

/// Returns whether a request only reads. hyper leaves the body of an answer to HEAD out.
pub(super) fn is_read<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Files that browsers ask for before the login too, some of them without cookies.
pub(super) fn file<B>(request: &Request<B>) -> Option<Response<Body>> {
    let path = request.uri().path();
    let (kind, content) = match path {
        pages::ICON_PATH => ("image/svg+xml", pages::ICON.as_bytes()),
        "/favicon.ico" => ("image/x-icon", pages::FAVICON),
        pages::MANIFEST_PATH => ("application/manifest+json", pages::MANIFEST.as_bytes()),
        _ => return files::find(path).map(|file| reply::hashed_file(file, request.headers())),
    };
    Some(reply::file(kind, content, "max-age=86400"))
}

/// Answers a request for a path of the gate's.
pub(super) async fn answer(
    gate: &Arc<AppState>,
    context: &RequestContext,
    session: Option<Arc<Session>>,
    request: Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path();
    if let Some(page) = LoginPage::at(path) {
        return on_login(gate, context, page, session.as_deref(), request).await;
    }
    if let Some(form) = AccountForm::at(path) {
        return on_account_form(gate, context, form, session.as_deref(), request).await;
    }
    match path {
        "/_occ" | "/_occ/" if is_read(&request) => reply::see_other(ACCOUNT),
        ACCOUNT => on_account(gate, context, session.as_deref(), &request).await,
        "/_occ/logout" => on_logout(gate, context, session.as_deref(), &request).await,
        terminal::PATH => on_terminal(context, session.as_deref(), &request),
        terminal::SOCKET_PATH => on_socket(gate, session.as_ref(), request),
        path if passkey::has(path) => {
            passkey::answer(gate, context, session.as_deref(), request).await
        }
        _ => reply::text(
            StatusCode::NOT_FOUND,
            "nothing is at this address\nhint: check how it is spelled\n",
        ),
    }
}

async fn on_login(
    gate: &AppState,
    context: &RequestContext,
    page: LoginPage,
    session: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    if is_read(&request) {
        return match page {
            LoginPage::First => first::page(gate, context, &request).await,
            LoginPage::Password if session.is_none() && first::is_open(gate).await => {
                reply::see_other(first::PATH)
            }
            LoginPage::Password => login::page(gate, context, session, &request),
            LoginPage::Question | LoginPage::Renewal => attempt::page(gate, context, &request),
        };
    }
    if *request.method() != Method::POST {
        return reply::wrong_method("GET, HEAD, POST");
    }
    let attempt = match Attempt::read(gate, context, session, request).await {
        Ok(attempt) => attempt,
        Err(refused) => return refused,
    };
    match page {
        LoginPage::First => first::submit(attempt).await,
        LoginPage::Password => login::with_password(&attempt).await,
        LoginPage::Question => login::answer(&attempt).await,
        LoginPage::Renewal => renewal::submit(attempt).await,
    }
}

async fn on_account(
    gate: &AppState,
    context: &RequestContext,
    session: Option<&Session>,
    request: &Request<Incoming>,
) -> Response<Body> {
    match session {
        _ if !is_read(request) => reply::wrong_method("GET, HEAD"),
        Some(session) => account::page(gate, context, session, request).await,
        None => without_session(request),
    }
}

async fn on_account_form(
    gate: &AppState,
    context: &RequestContext,
    form: AccountForm,
    session: Option<&Session>,
    request: Request<Incoming>,
) -> Response<Body> {
    match (request.method(), session) {
        // Nothing is done by a link: the forms are on that page.
        _ if is_read(&request) => reply::see_other(ACCOUNT),
        (&Method::POST, Some(session)) => {
            account::submit(gate, context, session, form, request).await
        }
        (&Method::POST, None) => reply::see_other("/_occ/login"),
        _ => reply::wrong_method("GET, HEAD, POST"),
    }
}

async fn on_logout(
    gate: &AppState,
    context: &RequestContext,
    session: Option<&Session>,
    request: &Request<Incoming>,
) -> Response<Body> {
    match *request.method() {
        _ if is_read(request) => reply::see_other(ACCOUNT),
        Method::POST => account::logout(gate, context, session).await,
        _ => reply::wrong_method("GET, HEAD, POST"),
    }
}

fn on_terminal(
    context: &RequestContext,
    session: Option<&Session>,
    request: &Request<Incoming>,
) -> Response<Body> {
    match session {
        _ if !is_read(request) => reply::wrong_method("GET, HEAD"),
        Some(session) => terminal::page(context, session),
        None => without_session(request),
    }
}

fn on_socket(
    gate: &Arc<AppState>,
    session: Option<&Arc<Session>>,
    request: Request<Incoming>,
) -> Response<Body> {
    match session {
        _ if *request.method() != Method::GET => reply::wrong_method("GET"),
        Some(session) => terminal::socket(gate, session, request),
        None => without_session(&request),
    }
}

/// Leads people to the login; programs get 401.
pub(super) fn without_session<B>(request: &Request<B>) -> Response<Body> {
    if !wants_page(request.method(), request.headers()) {
        return reply::logged_out();
    }
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    if is_from_another_site(request.headers()) {
        return reply::page(StatusCode::OK, &pages::follow(redirect::local_path(path)));
    }
    reply::see_other(&attempt::path_for(path))
}
