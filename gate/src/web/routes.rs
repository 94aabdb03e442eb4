//! Which answer a request gets: the gate's own pages under /_occ/, and for all
//! else the way to the person's opencode. Browsers come with a cookie, programs with an
//! access token, which opens opencode's paths and no page of the gate's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::programs::Checked;
use super::sessions::Session;
use crate::clock;
use crate::log::ThrottledLog;
use crate::web::http::authorization::Presented;
use crate::web::http::body::Body;
use crate::web::http::cookies::Cookie;
use crate::web::http::csrf::{
    CrossOrigin, Proof, is_for_a_person, is_from_another_site, is_service_worker, wants_page,
};
use crate::web::http::headers::{guard, is_framed_plainly};
use crate::web::http::host::BadHost;
use crate::web::http::{redirect, reply};
use crate::web::monitor_client::NoReply;
use crate::web::opencode::proxy;
use crate::web::state::{AppState, BadRequest, RequestContext};
use crate::web::{account, attempt, bar, first, login, pages, passkey, renewal, terminal};
use crate::wire::{Token, ask};

/// Longest path and query.
const LONGEST_TARGET: usize = 8 * 1024;
/// The methods of browsers and of opencode's API.
const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];
const HEALTH_WAIT: Duration = Duration::from_secs(2);

/// A browser sent `Origin: https://…` where we see http.
static UNTRUSTED_PROXY: ThrottledLog = ThrottledLog::of(
    "refused a request from a browser that speaks https: if a proxy adds TLS, name it in OCC_GATE_TRUSTED_PROXIES",
);

pub(super) async fn answer(
    gate: Arc<AppState>,
    socket: IpAddr,
    request: Request<Incoming>,
) -> Response<Body> {
    // For probes, which ask an address: whatever the Host, and nothing to learn.
    if request.uri().path() == "/_occ/health" {
        return guarded(health(&gate, request.method()).await, false);
    }
    let is_for_a_person = is_for_a_person(request.headers());
    let presented = presented(&gate, &request);
    let proof = presented.as_ref().map_or(Proof::Cookie, Presented::proof);
    let context = RequestContext::of(&request, socket, &gate.settings, proof);
    let secure = context.as_ref().is_ok_and(|context| context.secure);
    let reply = match (reject_malformed(&request), context) {
        (Some(refused), _) => refused,
        (None, Err(unfit)) => refusal(unfit),
        (None, Ok(context)) => admit(gate, context, presented, request).await,
    };
    let reply = if is_for_a_person {
        reply::for_a_person(reply)
    } else {
        reply
    };
    guarded(reply, secure)
}

fn guarded(mut reply: Response<Body>, secure: bool) -> Response<Body> {
    guard(reply.headers_mut(), secure);
    reply
}

/// Refuses requests that no browser sends, and that other servers may read in
/// another way than this one.
fn reject_malformed(request: &Request<Incoming>) -> Option<Response<Body>> {
    let target = request.uri().path_and_query();
    let (status, line) = if target.is_some_and(|path| path.as_str().len() > LONGEST_TARGET) {
        (StatusCode::URI_TOO_LONG, "this address is too long\n")
    } else if !request.uri().path().starts_with('/') || *request.method() == Method::CONNECT {
        // The asterisk of OPTIONS and CONNECT's authority are no paths.
        (
            StatusCode::BAD_REQUEST,
            "not a request for a path of this host\n",
        )
    } else if !METHODS.contains(request.method()) {
        (
            StatusCode::NOT_IMPLEMENTED,
            "this server does not know that method\n",
        )
    } else if is_service_worker(request.headers()) {
        (StatusCode::FORBIDDEN, "refused: no service workers here\n")
    } else if !is_framed_plainly(request.headers()) {
        (
            StatusCode::BAD_REQUEST,
            "a body in a coding that is not read here\n",
        )
    } else {
        return None;
    };
    // Where one request ends and the next begins may be seen in another way, too.
    let close = HeaderValue::from_static("close");
    Some(reply::with(reply::text(status, line), CONNECTION, close))
}

async fn admit(
    gate: Arc<AppState>,
    context: RequestContext,
    presented: Option<Presented>,
    request: Request<Incoming>,
) -> Response<Body> {
    if let Some(file) = file(request.uri().path()) {
        return match *request.method() {
            Method::GET | Method::HEAD => file,
            _ => reply::wrong_method("GET, HEAD"),
        };
    }
    if let Some(presented) = presented {
        return program(gate, context, &presented, request).await;
    }
    if let Some(script) = bar::file(request.uri().path(), request.headers()) {
        return match *request.method() {
            Method::GET | Method::HEAD => script,
            _ => reply::wrong_method("GET, HEAD"),
        };
    }
    // Nobody did anything: no session is used by this.
    if request.uri().path() == bar::SESSION_PATH {
        return look(&gate, &context, &request).await;
    }
    let session = match session_of(&gate, &context, &request).await {
        Ok(session) => session,
        Err(NoReply) => return reply::unreached(),
    };
    if is_own(request.uri().path()) {
        return match request.uri().path() {
            terminal::PATH => on_terminal(&context, session, &request),
            terminal::SOCKET_PATH => on_socket(&gate, session, request),
            path if passkey::has(path) => {
                passkey::answer(&gate, &context, session.as_deref(), request).await
            }
            _ => own(gate, context, session, request).await,
        };
    }
    match session {
        Some(session) => proxy::forward(gate, context, session, request).await,
        None => without_session(&request),
    }
}

/// The access token that a program showed for a path of opencode's. A request with a
/// cookie of ours is a browser's, and goes by the rules for those.
fn presented(gate: &AppState, request: &Request<Incoming>) -> Option<Presented> {
    let is_browsers = gate.cookies.has_session(request.headers());
    let is_programs = gate.settings.tokens && !is_browsers && !is_own(request.uri().path());
    is_programs.then(|| Presented::of(request.headers()))?
}

async fn program(
    gate: Arc<AppState>,
    context: RequestContext,
    presented: &Presented,
    request: Request<Incoming>,
) -> Response<Body> {
    let (programs, now) = (&gate.programs, clock::now());
    let checked = programs.find(&gate.monitor, presented, context.address, now);
    match checked.await {
        Ok(Checked::Good(session)) => proxy::forward(gate, context, session, request).await,
        Ok(Checked::Refused) => reply::wrong_token(),
        Ok(Checked::SlowDown(seconds)) => reply::too_many_tokens(seconds),
        Err(NoReply) => reply::unreached(),
    }
}

/// Paths of the gate's; opencode has none of them.
fn is_own(path: &str) -> bool {
    path == "/_occ" || path.starts_with("/_occ/")
}

/// Answers whether there is a session; that does not count as using it.
async fn look(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<Incoming>,
) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return reply::wrong_method("GET, HEAD");
    }
    let Some(token) = token_of(gate, context, request) else {
        return bar::session(None);
    };
    let (sessions, now) = (&gate.sessions, clock::now());
    match sessions.look(&gate.monitor, &token, now).await {
        Ok(session) => bar::session(session.as_deref()),
        Err(NoReply) => reply::unreached(),
    }
}

/// The token that the browser showed.
fn token_of(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<Incoming>,
) -> Option<Token> {
    let (cookies, secure) = (&gate.cookies, context.secure);
    let cookie = cookies.get(request.headers(), Cookie::Session, secure);
    cookie.and_then(Token::parse)
}

/// The session whose token the browser showed.
async fn session_of(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<Incoming>,
) -> Result<Option<Arc<Session>>, NoReply> {
    let Some(token) = token_of(gate, context, request) else {
        return Ok(None);
    };
    let (sessions, now) = (&gate.sessions, clock::now());
    sessions.find(&gate.monitor, &token, now).await
}

async fn own(
    gate: Arc<AppState>,
    context: RequestContext,
    session: Option<Arc<Session>>,
    request: Request<Incoming>,
) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let session = session.as_deref();
    // hyper leaves the body of an answer to HEAD out.
    let method = match request.method() {
        &Method::HEAD => Method::GET,
        other => other.clone(),
    };
    match (path.as_str(), &method) {
        ("/_occ" | "/_occ/", &Method::GET) => reply::see_other("/_occ/account"),
        ("/_occ/login", &Method::GET) if session.is_none() && first::is_open(&gate).await => {
            reply::see_other(first::PATH)
        }
        ("/_occ/login", &Method::GET) => login::page(&gate, &context, session, &request),
        (first::PATH, &Method::GET) => first::page(&gate, &context, &request).await,
        (first::PATH, &Method::POST) => first::submit(&gate, &context, session, request).await,
        ("/_occ/login", &Method::POST) => login::submit(&gate, &context, session, request).await,
        ("/_occ/prompt", &Method::GET) => login::question(&gate, &context, &request),
        ("/_occ/prompt", &Method::POST) => login::answer(&gate, &context, session, request).await,
        ("/_occ/renew", &Method::GET) => renewal::page(&gate, &context, &request),
        ("/_occ/renew", &Method::POST) => renewal::submit(&gate, &context, session, request).await,
        ("/_occ/logout", &Method::POST) => account::logout(&gate, &context, session).await,
        ("/_occ/account", &Method::GET) => match session {
            Some(session) => account::page(&gate, &context, session, &request).await,
            None => without_session(&request),
        },
        // Nothing is done by a link: the forms are on that page.
        (path, &Method::GET) if is_account_form(path) => reply::see_other("/_occ/account"),
        (path, &Method::POST) if is_account_form(path) => match session {
            Some(session) => account::submit(&gate, &context, session, request).await,
            None => reply::see_other("/_occ/login"),
        },
        ("/_occ/account", _) => reply::wrong_method("GET, HEAD"),
        (path, _)
            if is_account_form(path)
                || matches!(
                    path,
                    "/_occ/login" | "/_occ/prompt" | "/_occ/renew" | first::PATH
                ) =>
        {
            reply::wrong_method("GET, HEAD, POST")
        }
        _ => reply::text(
            StatusCode::NOT_FOUND,
            "nothing is at this address\nhint: check how it is spelled\n",
        ),
    }
}

fn on_terminal(
    context: &RequestContext,
    session: Option<Arc<Session>>,
    request: &Request<Incoming>,
) -> Response<Body> {
    match (request.method(), session) {
        (&Method::GET | &Method::HEAD, Some(session)) => terminal::page(context, &session),
        (&Method::GET | &Method::HEAD, None) => without_session(request),
        _ => reply::wrong_method("GET, HEAD"),
    }
}

fn on_socket(
    gate: &Arc<AppState>,
    session: Option<Arc<Session>>,
    request: Request<Incoming>,
) -> Response<Body> {
    match (request.method(), session) {
        (&Method::GET, Some(session)) => terminal::socket(gate, &session, request),
        (&Method::GET, None) => without_session(&request),
        _ => reply::wrong_method("GET"),
    }
}

/// The addresses of the forms of the account page.
fn is_account_form(path: &str) -> bool {
    let form = path.strip_prefix("/_occ/account/");
    path == "/_occ/logout"
        || matches!(
            form,
            Some(
                "password"
                    | "revoke"
                    | "end-all"
                    | "restart"
                    | "token"
                    | "token-revoke"
                    | "passkey"
                    | "passkey-remove"
            )
        )
}

/// Leads people to the login; programs get 401.
fn without_session<B>(request: &Request<B>) -> Response<Body> {
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

fn refusal(unfit: BadRequest) -> Response<Body> {
    match unfit {
        BadRequest::Host(BadHost::Unreadable) => reply::text(
            StatusCode::BAD_REQUEST,
            "no host, or none that can be read\n",
        ),
        BadRequest::Host(BadHost::Contradiction) => {
            reply::text(StatusCode::BAD_REQUEST, "two hosts in one request\n")
        }
        BadRequest::Misdirected => reply::text(
            StatusCode::MISDIRECTED_REQUEST,
            "this server does not answer to that name\nhint: administrators list names in OCC_GATE_HOSTS\n",
        ),
        BadRequest::CrossOrigin(CrossOrigin::Scheme) => {
            UNTRUSTED_PROXY.write();
            reply::text(
                StatusCode::FORBIDDEN,
                "refused: the browser speaks https, but this server was not told\nhint: administrators name the proxy in OCC_GATE_TRUSTED_PROXIES\n",
            )
        }
        BadRequest::CrossOrigin(CrossOrigin::Origin | CrossOrigin::FetchSite) => reply::text(
            StatusCode::FORBIDDEN,
            "refused: another site asked for this\nhint: open the page here and try again\n",
        ),
    }
}

async fn health(gate: &AppState, method: &Method) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return reply::wrong_method("GET, HEAD");
    }
    match tokio::time::timeout(HEALTH_WAIT, gate.monitor.ask(ask::Ping {})).await {
        Ok(Ok(())) => reply::text(StatusCode::OK, "ok\n"),
        _ => reply::text(StatusCode::SERVICE_UNAVAILABLE, "not ok\n"),
    }
}

/// Files that browsers ask for before the login too, some of them without cookies.
fn file(path: &str) -> Option<Response<Body>> {
    const FOR_GOOD: &str = "max-age=31536000, immutable";
    const FOR_A_DAY: &str = "max-age=86400";
    let (kind, content, cached) = match path {
        pages::STYLE_PATH => ("text/css; charset=utf-8", pages::STYLE.as_bytes(), FOR_GOOD),
        pages::ICON_PATH => ("image/svg+xml", pages::ICON.as_bytes(), FOR_A_DAY),
        "/favicon.ico" => ("image/x-icon", pages::FAVICON, FOR_A_DAY),
        pages::MANIFEST_PATH => {
            let kind = "application/manifest+json";
            (kind, pages::MANIFEST.as_bytes(), FOR_A_DAY)
        }
        _ => {
            let asset = pages::asset(path)?;
            return Some(reply::file(asset.kind, &asset.content, FOR_GOOD));
        }
    };
    Some(reply::file(kind, content, cached))
}
