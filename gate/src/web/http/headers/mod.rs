//! The headers that pass between browser and opencode. Pure.

use hyper::HeaderMap;
use hyper::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CACHE_CONTROL, CONNECTION, COOKIE, HOST, HeaderName,
    HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING, UPGRADE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

use crate::web::http::cookies::Cookies;
use crate::web::http::form::Form;
use crate::web::http::only;

/// RFC 9110 §7.6.1 and its older relatives: these end at each hop.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Other headers of a browser that opencode does not get: those that the gate writes
/// itself, and those that name a request's source. The source is always loopback here,
/// and no client may say otherwise.
const WITHHELD: [&str; 9] = [
    "authorization",
    "content-length",
    "cookie",
    "expect",
    "origin",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
];

/// Headers of an answer that a browser keeps for the whole host, beyond the page that sent
/// them: the next person at that browser would have them too. A login box is the browser's
/// own; the server's name is nobody's business.
const FOR_THE_HOST: [&str; 15] = [
    "www-authenticate",
    "server",
    "clear-site-data",
    "alt-svc",
    "nel",
    "report-to",
    "reporting-endpoints",
    "expect-ct",
    "public-key-pins",
    "public-key-pins-report-only",
    "accept-ch",
    "critical-ch",
    "service-worker-allowed",
    "use-as-dictionary",
    "secure-session-registration",
];

/// A browser's headers as opencode gets them: `Host` and `Authorization` are
/// ours, and nothing is left of the gate's cookies, of hops and of forwarding.
/// Without `Origin` opencode's own CORS rules, which let every localhost page
/// in, have nothing to answer to. `Content-Length` is written anew from the body
/// that we read.
pub(crate) fn to_opencode(
    browser: &HeaderMap,
    host: &HeaderValue,
    authorization: &HeaderValue,
) -> HeaderMap {
    let mut headers = passed(browser, |name, _| {
        WITHHELD.contains(&name) || name.starts_with("x-forwarded-")
    });
    if let Some(others) = Cookies::without_gates(browser) {
        headers.insert(COOKIE, others);
    }
    headers.insert(HOST, host.clone());
    headers.insert(AUTHORIZATION, authorization.clone());
    headers
}

/// Marks a request to opencode as a websocket's beginning.
pub(crate) fn ask_for_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Returns whether a request or an answer turns a connection into a websocket.
pub(crate) fn is_websocket(headers: &HeaderMap) -> bool {
    only(headers.get_all(UPGRADE).iter())
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// opencode's headers as the browser gets them. No login box of the browser's
/// pops up, nobody else's page may read or frame, and only assets are cached.
pub(crate) fn to_browser(opencode: &HeaderMap, secure: bool) -> HeaderMap {
    let mut headers = passed(opencode, |name, value| match name {
        "set-cookie" => Cookies::sets_gates(value),
        _ => FOR_THE_HOST.contains(&name) || name.starts_with("access-control-"),
    });
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    guard(&mut headers, secure);
    headers
}

/// Adds the headers that every answer carries.
pub(crate) fn guard(headers: &mut HeaderMap, secure: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not no-referrer: browsers then send `Origin: null` with forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    // Pages of other ports of this host, whose requests carry our cookie, embed
    // nothing; browsers that send no Sec-Fetch-Site to plain http keep to this.
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    if secure {
        headers.insert(
            STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    } else {
        headers.remove(STRICT_TRANSPORT_SECURITY);
    }
}

/// Returns whether a body is framed in a way that has one meaning: by its length or
/// in chunks. hyper reads other codings before `chunked`, and chunks twice, as
/// chunks.
pub(crate) fn is_framed_plainly(headers: &HeaderMap) -> bool {
    let is_chunked = |coding: &HeaderValue| {
        coding
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"chunked")
    };
    !headers.contains_key(TRANSFER_ENCODING)
        || only(headers.get_all(TRANSFER_ENCODING).iter()).is_some_and(is_chunked)
}

/// Returns whether a browser takes gzip: `gzip` with a weight above zero.
pub(crate) fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|choice| {
            let (coding, weight) = choice.split_once(';').unwrap_or((choice, "q=1"));
            let weight = weight
                .trim()
                .strip_prefix("q=")
                .and_then(|weight| weight.parse::<f32>().ok());
            coding.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
        })
}

/// Path and query for opencode. `auth_token` goes: opencode reads it before it
/// reads our Authorization, under any spelling that decodes to that name.
pub(crate) fn without_auth_token(path_and_query: &str) -> String {
    let Some((path, query)) = path_and_query.split_once('?') else {
        return path_and_query.to_owned();
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|field| !is_auth_token(field))
        .collect();
    if kept.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{}", kept.join("&"))
    }
}

fn is_auth_token(field: &str) -> bool {
    let key = field.split('=').next().unwrap_or("");
    let form = Form::parse(key.as_bytes());
    // What we can't decode, somebody else might.
    form.is_none_or(|form| form.bytes("auth_token").is_some())
}

/// Leaves out what ends at each hop, and what `is_withheld` says.
fn passed(headers: &HeaderMap, is_withheld: impl Fn(&str, &HeaderValue) -> bool) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let is_hop = HOP_BY_HOP.contains(&name.as_str()) || is_named_hop(headers, name);
        if !is_hop && !is_withheld(name.as_str(), value) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// Returns whether `Connection` lists the header.
fn is_named_hop(headers: &HeaderMap, name: &HeaderName) -> bool {
    let name = name.as_str().as_bytes();
    let lines = headers.get_all(CONNECTION).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .any(|hop| hop.trim_ascii().eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests;
