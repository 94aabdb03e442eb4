//! `/_occ/terminal`: the page, and the websocket between it and a pty. The monitor makes
//! the pty; here only bytes are passed on. opencode has no part in it.

mod control;
mod handshake;
mod socket;

use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use hyper::body::Incoming;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rand::TryRng as _;

use self::socket::Link;
use crate::web::connections::Place;
use crate::web::http::body::Body;
use crate::web::http::reply;
use crate::web::pages;
use crate::web::sessions::Session;
use crate::web::state::{AppState, RequestContext};

pub(super) const PATH: &str = pages::TERMINAL_PATH;
pub(super) const SOCKET_PATH: &str = "/_occ/terminal/socket";

/// The page's script and style come from here alone. xterm.js writes style sheets of its
/// own, which carry the nonce. Not every browser takes a websocket of the same host for
/// its 'self'; a policy can't name an IPv6 address, for which 'self' has to do.
fn policy(context: &RequestContext, nonce: &str) -> Option<HeaderValue> {
    let scheme = if context.secure { "wss" } else { "ws" };
    let host = context.authority.as_str();
    let policy = format!(
        "default-src 'none'; script-src 'self'; connect-src 'self' {scheme}://{host}; \
         style-src 'self' 'nonce-{nonce}'; img-src 'self'; manifest-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}

/// GET /_occ/terminal
pub(super) fn page(context: &RequestContext, session: &Session) -> Response<Body> {
    let mut random = [0; 16];
    if rand::rngs::SysRng.try_fill_bytes(&mut random).is_err() {
        return reply::unreached();
    }
    let nonce = Base64UrlUnpadded::encode_string(&random);
    let page = pages::terminal(session.user.as_str(), &nonce);
    let page = reply::page(StatusCode::OK, &page);
    match policy(context, &nonce) {
        Some(policy) => reply::with(page, CONTENT_SECURITY_POLICY, policy),
        None => reply::unreached(),
    }
}

/// GET /_occ/terminal/socket. Origin was checked before, as for every upgrade.
pub(super) fn socket(
    gate: &Arc<AppState>,
    session: &Arc<Session>,
    mut request: Request<Incoming>,
) -> Response<Body> {
    let Some(accepted) = handshake::accept(request.headers()) else {
        return handshake::refusal();
    };
    let Some(size) = control::size_of_query(request.uri().query().unwrap_or_default()) else {
        return reply::text(
            StatusCode::BAD_REQUEST,
            "this is no size of a terminal\nhint: open /_occ/terminal\n",
        );
    };
    let Some(present) = gate.presence.enter(&session.user) else {
        return reply::too_many();
    };
    let place = request.extensions().get::<Arc<Place>>().map(Place::busy);
    let browser = hyper::upgrade::on(&mut request);
    let (gate, session) = (Arc::clone(gate), Arc::clone(session));
    tokio::spawn(async move {
        // It holds its place as any connection does.
        let _held = place;
        if let Ok(browser) = browser.await {
            let link = Link { gate, session };
            link.serve(TokioIo::new(browser), size, present).await;
        }
    });
    accepted
}
