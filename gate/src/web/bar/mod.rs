//! The bar: one script of ours in opencode's own page, with the ways to the account page
//! and out, and the notice that the session has ended.
//!
//! It gives opencode's page nothing that the page can't do by itself: both are of one
//! origin, and the script holds no secret.

pub(crate) mod prolog;

use std::sync::LazyLock;

use hyper::header::{
    CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, LAST_MODIFIED,
};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::web::files::FILES;
use crate::web::http::body::Body;
use crate::web::http::csrf::wants_page;
use crate::web::http::reply;
use crate::web::sessions::Session;

/// Answers whose session it is, for the script to ask every few seconds.
pub(super) const SESSION_PATH: &str = "/_occ/session";

/// The tag for opencode's page. Async: opencode's own scripts never wait for this one.
static TAG: LazyLock<String> =
    LazyLock::new(|| format!("<script src=\"{}\" async></script>", FILES.bar.path));

pub(crate) fn tag() -> &'static [u8] {
    TAG.as_bytes()
}

/// Answers the script: whose session it is, or 401. The person's name is no news to a page
/// of theirs; it tells a page that somebody else has logged in since.
pub(super) fn session(session: Option<&Session>) -> Response<Body> {
    match session {
        Some(session) => reply::json(&json!({ "user": session.user.as_str() })),
        None => reply::logged_out(),
    }
}

/// Returns whether a request is for a page in a window of its own.
pub(crate) fn is_for_document<B>(request: &hyper::Request<B>) -> bool {
    let aim = request.headers().get("sec-fetch-dest");
    wants_page(request.method(), request.headers()) && aim.is_none_or(|aim| aim == "document")
}

/// Returns whether an answer is a page to be shown: found, HTML, and no download.
pub(crate) fn is_document(status: StatusCode, headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    let kind = kind.and_then(|kind| kind.split(|byte| *byte == b';').next());
    status == StatusCode::OK
        && kind.is_some_and(|kind| kind.trim_ascii().eq_ignore_ascii_case(b"text/html"))
        && !headers.contains_key(CONTENT_DISPOSITION)
}

/// Removes the headers that describe the bytes of a page as opencode sent it.
pub(crate) fn forget_bytes(headers: &mut HeaderMap) {
    for name in [ETAG, LAST_MODIFIED, hyper::header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    for name in ["accept-ranges", "content-digest", "repr-digest", "digest"] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
