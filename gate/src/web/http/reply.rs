//! Whole answers of the gate itself. Each carries the guards that `headers::guard`
//! adds for all.

use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderName, HeaderValue, LOCATION, RETRY_AFTER, VARY, X_FRAME_OPTIONS,
};
use hyper::{Response, StatusCode};
use maud::Markup;

use crate::web::files::File;
use crate::web::http::body::{self, Body};
use crate::web::http::headers;
use crate::web::pages;

/// No script at all, and no frame around us.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// No script but ours.
const SCRIPT_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page of ours.
pub(crate) fn page(status: StatusCode, markup: &Markup) -> Response<Body> {
    let reply = with_type(status, "text/html; charset=utf-8", markup.0.clone());
    let policy = HeaderValue::from_static(PAGE_POLICY);
    let reply = with(reply, CONTENT_SECURITY_POLICY, policy);
    with(reply, X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
}

/// The same for a page with a script of ours, which asks our own paths.
pub(crate) fn page_with_script(status: StatusCode, markup: &Markup) -> Response<Body> {
    let policy = HeaderValue::from_static(SCRIPT_POLICY);
    with(page(status, markup), CONTENT_SECURITY_POLICY, policy)
}

/// A file of ours that is the same for everybody.
pub(crate) fn file(
    kind: &'static str,
    content: &'static [u8],
    cached: &'static str,
) -> Response<Body> {
    let reply = Response::new(body::whole(content));
    let reply = with(reply, CONTENT_TYPE, HeaderValue::from_static(kind));
    with(reply, CACHE_CONTROL, HeaderValue::from_static(cached))
}

/// A file of ours whose name holds its digest.
pub(crate) fn hashed_file(file: &'static File, browser: &HeaderMap) -> Response<Body> {
    let is_small = headers::takes_gzip(browser) && !file.gzip().is_empty();
    let content = if is_small { file.gzip() } else { &file.content };
    let reply = self::file(file.kind, content, "max-age=31536000, immutable");
    let reply = with(reply, VARY, HeaderValue::from_static("accept-encoding"));
    if is_small {
        let gzip = HeaderValue::from_static("gzip");
        return with(reply, CONTENT_ENCODING, gzip);
    }
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

/// An answer for a script of ours.
pub(crate) fn json(value: &serde_json::Value) -> Response<Body> {
    with_type(StatusCode::OK, "application/json", value.to_string())
}

/// On to another path of ours.
pub(crate) fn see_other(path: &str) -> Response<Body> {
    let path = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    with(text(StatusCode::SEE_OTHER, ""), LOCATION, path)
}

/// For what is not a page: no session.
pub(crate) fn logged_out() -> Response<Body> {
    let line = "not logged in: open /_occ/login\n";
    text(StatusCode::UNAUTHORIZED, line)
}

/// For a program whose access token is nobody's. No answer names a way to log in by
/// password (`WWW-Authenticate`): browsers would keep one, and send it whoever asks.
pub(crate) fn wrong_token() -> Response<Body> {
    let line =
        "this token is not good, or not for that user\nhint: make one on the page /_occ/account\n";
    text(StatusCode::UNAUTHORIZED, line)
}

/// There were too many wrong access tokens.
pub(crate) fn too_many_tokens(seconds: u32) -> Response<Body> {
    let line = "too many wrong tokens: try again later\n";
    again_in(seconds, text(StatusCode::TOO_MANY_REQUESTS, line))
}

/// There were too many wrong passwords or codes.
pub(crate) fn too_many_guesses(seconds: u32) -> Response<Body> {
    let span = pages::span(seconds);
    let line = format!("too many failed attempts\nhint: try again in {span}\n");
    let kind = "text/plain; charset=utf-8";
    again_in(
        seconds,
        with_type(StatusCode::TOO_MANY_REQUESTS, kind, line),
    )
}

/// opencode is not there yet.
pub(crate) fn not_yet() -> Response<Body> {
    let line = "your opencode is not ready: try again soon\n";
    again_in(2, text(StatusCode::SERVICE_UNAVAILABLE, line))
}

/// opencode is not there any more, or the monitor.
pub(crate) fn unreached() -> Response<Body> {
    let line = "your opencode does not answer: try again soon\n";
    again_in(1, text(StatusCode::BAD_GATEWAY, line))
}

/// Somebody has too many requests open.
pub(crate) fn too_many() -> Response<Body> {
    let line = "too many of your requests are open: close some pages\n";
    again_in(1, text(StatusCode::TOO_MANY_REQUESTS, line))
}

/// Somebody restarts their opencode again and again.
pub(crate) fn restarted_before() -> Response<Body> {
    let line = "your opencode was restarted a moment ago: nothing was done\nhint: try again in a few seconds\n";
    again_in(5, text(StatusCode::TOO_MANY_REQUESTS, line))
}

/// Says when to try again.
pub(crate) fn again_in(seconds: u32, reply: Response<Body>) -> Response<Body> {
    with(reply, RETRY_AFTER, HeaderValue::from(seconds))
}

/// Empties what a browser keeps for us: two people may share one.
pub(crate) fn clearing(reply: Response<Body>) -> Response<Body> {
    let what = HeaderValue::from_static("\"cache\", \"storage\"");
    with(reply, HeaderName::from_static("clear-site-data"), what)
}

/// A path that knows other methods.
pub(crate) fn wrong_method(allowed: &'static str) -> Response<Body> {
    let line = "this path does not take that method\n";
    let reply = text(StatusCode::METHOD_NOT_ALLOWED, line);
    with(reply, ALLOW, HeaderValue::from_static(allowed))
}

/// The answer with one header more, or another value of it.
pub(crate) fn with(
    mut reply: Response<Body>,
    name: HeaderName,
    value: HeaderValue,
) -> Response<Body> {
    reply.headers_mut().insert(name, value);
    reply
}

fn with_type(status: StatusCode, kind: &'static str, content: String) -> Response<Body> {
    let mut reply = Response::new(body::whole(content));
    *reply.status_mut() = status;
    let reply = with(reply, CONTENT_TYPE, HeaderValue::from_static(kind));
    with(reply, CACHE_CONTROL, HeaderValue::from_static("no-store"))
}
