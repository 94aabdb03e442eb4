//! The beginning of a websocket (RFC 6455 §4.2). Pure.

use hyper::header::{HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION};
use hyper::{Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::web::http::body::{self, Body};
use crate::web::http::headers;
use crate::web::http::{only, reply};

/// Length of 16 bytes in base64.
const KEY_LENGTH: usize = 24;

/// The answer that begins one, without extensions. Returns `None` for any other request.
pub(super) fn accept(request: &HeaderMap) -> Option<Response<Body>> {
    let version = only(request.get_all(SEC_WEBSOCKET_VERSION).iter())?;
    let key = only(request.get_all(SEC_WEBSOCKET_KEY).iter())?;
    let is_one = headers::is_websocket(request)
        && version.as_bytes() == b"13"
        && key.as_bytes().len() == KEY_LENGTH;
    let accept = is_one.then(|| derive_accept_key(key.as_bytes()))?;
    let mut answer = Response::new(body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    headers::ask_for_websocket(answer.headers_mut());
    let name = HeaderName::from_static("sec-websocket-accept");
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_str(&accept).ok()?);
    Some(answer)
}

pub(super) fn refusal() -> Response<Body> {
    let line = "only a websocket begins here\nhint: open /_occ/terminal\n";
    let refusal = reply::text(StatusCode::UPGRADE_REQUIRED, line);
    let refusal = reply::with(
        refusal,
        SEC_WEBSOCKET_VERSION,
        HeaderValue::from_static("13"),
    );
    let upgrade = HeaderValue::from_static("websocket");
    reply::with(refusal, hyper::header::UPGRADE, upgrade)
}
