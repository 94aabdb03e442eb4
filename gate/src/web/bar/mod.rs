//! The bar: one script of ours in opencode's own page, with the ways to the account page
//! and out, and the notice that the session has ended.
//!
//! It gives opencode's page nothing that the page can't do by itself: both are of one
//! origin, and the script holds no secret.

pub(crate) mod prolog;

use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{
    CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
    LAST_MODIFIED, VARY,
};
use hyper::{Response, StatusCode};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::web::http::body::Body;
use crate::web::http::csrf::wants_page;
use crate::web::http::{headers, reply};
use crate::web::sessions::Session;

/// Answers whose session it is, for the script to ask every few seconds.
pub(super) const SESSION_PATH: &str = "/_occ/session";

const SCRIPT: &str = include_str!("bar.js");

/// The script as it is sent, and the tag that loads it.
struct Script {
    path: String,
    tag: String,
    compressed: Vec<u8>,
}

static BAR: LazyLock<Script> = LazyLock::new(|| {
    let digest: [u8; 32] = Sha256::digest(SCRIPT).into();
    let part = u64::from_be_bytes(std::array::from_fn(|at| digest[at]));
    let path = format!("/_occ/assets/bar.{part:016x}.js");
    // Async: opencode's own scripts never wait for this one.
    let tag = format!("<script src=\"{path}\" async></script>");
    let compressed = compress(SCRIPT.as_bytes());
    Script {
        path,
        tag,
        compressed,
    }
});

/// The tag for opencode's page.
pub(crate) fn tag() -> &'static [u8] {
    BAR.tag.as_bytes()
}

/// The script, if that is its path. Its name holds its digest, so browsers keep it for good.
pub(super) fn file(path: &str, browser: &HeaderMap) -> Option<Response<Body>> {
    let bar = &*BAR;
    (path == bar.path).then_some(())?;
    let compressed = headers::takes_gzip(browser) && !bar.compressed.is_empty();
    let content = if compressed {
        &bar.compressed
    } else {
        SCRIPT.as_bytes()
    };
    let kind = "text/javascript; charset=utf-8";
    let reply = reply::file(kind, content, "max-age=31536000, immutable");
    let reply = reply::with(reply, VARY, HeaderValue::from_static("accept-encoding"));
    Some(if compressed {
        reply::with(reply, CONTENT_ENCODING, HeaderValue::from_static("gzip"))
    } else {
        reply
    })
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

/// Returns nothing if it fails, which it does only without memory.
fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes);
    written.and_then(|()| encoder.finish()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
