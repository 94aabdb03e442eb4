//! Whole answers of the gate itself. Each carries the guards that `headers::guard`
//! adds for all.

use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};
use maud::Markup;

use crate::web::http::body::{self, Body};
use crate::web::pages;

/// No script at all, and no frame around us.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Empties what a browser keeps for us: two people may share one.
pub(crate) const CLEAR: (HeaderName, HeaderValue) = (
    HeaderName::from_static("clear-site-data"),
    HeaderValue::from_static("\"cache\", \"storage\""),
);

/// A page.
pub(crate) fn page(status: StatusCode, markup: &Markup) -> Response<Body> {
    let mut reply = with_type(status, "text/html; charset=utf-8", markup.0.clone());
    let headers = reply.headers_mut();
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(PAGE_POLICY),
    );
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    reply
}

/// One line of text, and a hint if there is one to give.
pub(crate) fn text(status: StatusCode, line: &'static str) -> Response<Body> {
    let mut reply = with_type(status, "text/plain; charset=utf-8", line.to_owned());
    reply.extensions_mut().insert(Said(line));
    reply
}

/// The plain text of an answer of ours.
#[derive(Clone, Copy)]
struct Said(&'static str);

/// Trouble in plain text becomes a page, for a person to read.
pub(crate) fn for_a_person(reply: Response<Body>) -> Response<Body> {
    let status = reply.status();
    let is_trouble = status.is_client_error() || status.is_server_error();
    let said = reply.extensions().get::<Said>().filter(|_| is_trouble);
    let Some(Said(line)) = said.copied() else {
        return reply;
    };
    let mut page = page(status, &pages::trouble(status, line));
    for (name, value) in reply.headers() {
        if !page.headers().contains_key(name) {
            page.headers_mut().append(name.clone(), value.clone());
        }
    }
    page
}

/// On to another path of ours.
pub(crate) fn see_other(path: &str) -> Response<Body> {
    let mut reply = text(StatusCode::SEE_OTHER, "");
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    reply.headers_mut().insert(LOCATION, path);
    reply
}

/// For what is not a page: no session.
pub(crate) fn logged_out() -> Response<Body> {
    text(
        StatusCode::UNAUTHORIZED,
        "not logged in: open /_occ/login\n",
    )
}

/// opencode is not there yet.
pub(crate) fn not_yet() -> Response<Body> {
    let mut reply = text(
        StatusCode::SERVICE_UNAVAILABLE,
        "your opencode is not ready: try again soon\n",
    );
    reply
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("2"));
    reply
}

/// opencode is not there any more, or the monitor.
pub(crate) fn unreached() -> Response<Body> {
    let mut reply = text(
        StatusCode::BAD_GATEWAY,
        "your opencode does not answer: try again soon\n",
    );
    reply
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    reply
}

/// A path that knows other methods.
pub(crate) fn wrong_method(allowed: &'static str) -> Response<Body> {
    let mut reply = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not take that method\n",
    );
    reply
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}

fn with_type(status: StatusCode, kind: &'static str, content: String) -> Response<Body> {
    let mut reply = Response::new(body::whole(content));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
