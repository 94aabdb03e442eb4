//! The way of every request: the gate's own paths, and for all else the person's
//! opencode. Browsers come with a cookie, programs with an
//! access token, which opens opencode's paths and no page of the gate's.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};

use super::own_paths::{file, is_own, is_read, without_session};
use super::programs::Checked;
use super::sessions::Session;
use crate::clock;
use crate::log::{self, ThrottledLog};
use crate::web::http::authorization::Presented;
use crate::web::http::body::Body;
use crate::web::http::cookies::Cookie;
use crate::web::http::csrf::{CrossOrigin, Proof, is_for_a_person, is_service_worker};
use crate::web::http::headers::{guard, is_framed_plainly};
use crate::web::http::host::BadHost;
use crate::web::http::reply;
use crate::web::monitor_client::NoReply;
use crate::web::opencode::proxy;
use crate::web::state::{AppState, BadRequest, RequestContext};
use crate::web::{bar, own_paths};
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
        return guarded(health(&gate, &request).await, false);
    }
    let is_for_a_person = is_for_a_person(request.headers());
    let presented = presented(&gate, &request);
    let proof = presented.as_ref().map_or(Proof::Cookie, Presented::proof);
    let context = RequestContext::of(&request, socket, &gate.settings, proof);
    let secure = context.as_ref().is_ok_and(|context| context.secure);
    let reply = match (reject_malformed(&request), context) {
        (Some(refused), _) => refused,
        (None, Err(unfit)) => {
            log::debug(|| refused_line(socket, &request, unfit));
            refusal(unfit)
        }
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
    if let Some(file) = file(&request) {
        return if is_read(&request) {
            file
        } else {
            reply::wrong_method("GET, HEAD")
        };
    }
    if let Some(presented) = presented {
        return program(gate, context, &presented, request).await;
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
        let title = own_title(&context, &request);
        let reply = own_paths::answer(&gate, &context, session, request).await;
        log::debug(|| format!("{title}: {}", reply.status()));
        return reply;
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

/// Answers whether there is a session; that does not count as using it.
async fn look(
    gate: &AppState,
    context: &RequestContext,
    request: &Request<Incoming>,
) -> Response<Body> {
    if !is_read(request) {
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

/// Longest part of a line that is a stranger's.
const LONGEST_SHOWN: usize = 200;

fn shown(text: &str) -> String {
    text.chars().take(LONGEST_SHOWN).collect()
}

/// A request for a page of ours in the log. Queries may hold anything; such a path holds no
/// secret.
fn own_title(context: &RequestContext, request: &Request<Incoming>) -> String {
    let (method, path) = (request.method(), shown(request.uri().path()));
    format!("{method} {path} from {}", context.address)
}

/// The headers that decided about a request that was not looked at.
fn refused_line(socket: IpAddr, request: &Request<Incoming>, unfit: BadRequest) -> String {
    let of = |name| {
        let values = request.headers().get_all(name).iter();
        let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        shown(&values.collect::<Vec<_>>().join(", "))
    };
    format!(
        "{} from {socket} refused: {unfit:?}; Host '{}', Origin '{}', X-Forwarded-Proto '{}'",
        request.method(),
        of("host"),
        of("origin"),
        of("x-forwarded-proto"),
    )
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

async fn health(gate: &AppState, request: &Request<Incoming>) -> Response<Body> {
    if !is_read(request) {
        return reply::wrong_method("GET, HEAD");
    }
    match tokio::time::timeout(HEALTH_WAIT, gate.monitor.ask(ask::Ping {})).await {
        Ok(Ok(())) => reply::text(StatusCode::OK, "ok\n"),
        _ => reply::text(StatusCode::SERVICE_UNAVAILABLE, "not ok\n"),
    }
}
