//! The origin of a request: a page of ours, or somebody else's. Pure.
//!
//! SameSite cookies are not enough: a page on another port of the same host is
//! same-site, and its requests carry our cookie. Browsers cannot be made to lie in
//! `Origin` and `Sec-Fetch-Site`; programs can, but they have no cookie.

use hyper::header::{ORIGIN, UPGRADE};
use hyper::{HeaderMap, Method};

use crate::web::http::only;

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrossOrigin {
    /// Origin names another page than ours, or none.
    Origin,
    /// Our host, but https where we see http: TLS ends at a proxy that is not
    /// among the trusted ones.
    Scheme,
    /// The browser says that another site asked.
    FetchSite,
}

/// How a request proves whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a cookie, which a browser sends whoever asks; or not at all.
    Cookie,
    /// By a password. No browser has one for us, since no answer asks for it; one that has
    /// it all the same would send it whoever asks.
    Basic,
    /// By a header that only whoever has the access token can write.
    Bearer,
}

/// Holds Origin and Sec-Fetch-Site against our own origin (`http://host:port`).
///
/// Origin has to be there when something may change (an unsafe method, or an
/// upgrade, which no preflight asks about), and has to be ours wherever it is.
/// Without it, another site may only navigate here. Programs that show an access token
/// send none: of them only what a browser added is held against us, and navigating is
/// refused as well, because no SameSite keeps a password back.
pub(crate) fn check(
    method: &Method,
    headers: &HeaderMap,
    own: &str,
    proof: Proof,
) -> Result<(), CrossOrigin> {
    match proof {
        Proof::Cookie => check_browser(method, headers, own),
        Proof::Basic => check_program(headers, own),
        Proof::Bearer => Ok(()),
    }
}

fn check_program(headers: &HeaderMap, own: &str) -> Result<(), CrossOrigin> {
    if headers.contains_key(ORIGIN) {
        let origin = only(headers.get_all(ORIGIN).iter()).ok_or(CrossOrigin::Origin)?;
        compare(origin.as_bytes(), own.as_bytes())?;
    }
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => Err(CrossOrigin::FetchSite),
    }
}

fn check_browser(method: &Method, headers: &HeaderMap, own: &str) -> Result<(), CrossOrigin> {
    let strict = !method.is_safe() || headers.contains_key(UPGRADE);
    if strict || headers.contains_key(ORIGIN) {
        let origin = only(headers.get_all(ORIGIN).iter()).ok_or(CrossOrigin::Origin)?;
        compare(origin.as_bytes(), own.as_bytes())?;
    }
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin") => Ok(()),
        Some("none") if !strict => Ok(()),
        Some(_) if !strict && is_navigation(headers) => Ok(()),
        Some(_) => Err(CrossOrigin::FetchSite),
    }
}

/// Returns whether somebody clicked a link on another site. Their cookie is
/// SameSite=Strict, so it was not sent, and its absence means nothing.
pub(crate) fn is_from_another_site(headers: &HeaderMap) -> bool {
    is_navigation(headers) && text(headers, "sec-fetch-site") == Some("cross-site")
}

/// Returns whether the browser fetches a service worker. opencode has none; one
/// that a person's opencode sent would stay in the browser and see the next one's
/// login.
pub(crate) fn is_service_worker(headers: &HeaderMap) -> bool {
    headers.contains_key("service-worker")
        || text(headers, "sec-fetch-dest") == Some("serviceworker")
}

/// Returns whether the answer is a page for a person. Plain http to another host
/// than localhost comes without Sec-Fetch-*; there, asking for HTML has to do.
pub(crate) fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    method.is_safe() && is_for_a_person(headers)
}

/// The same for a form that was sent, whatever the method.
pub(crate) fn is_for_a_person(headers: &HeaderMap) -> bool {
    !headers.contains_key(UPGRADE)
        && match text(headers, "sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            None => text(headers, "accept").is_some_and(|accept| accept.contains("text/html")),
        }
}

fn compare(origin: &[u8], own: &[u8]) -> Result<(), CrossOrigin> {
    if origin == own {
        return Ok(());
    }
    let https_host = origin.strip_prefix(b"https://");
    if https_host.is_some() && https_host == own.strip_prefix(b"http://") {
        Err(CrossOrigin::Scheme)
    } else {
        Err(CrossOrigin::Origin)
    }
}

fn is_navigation(headers: &HeaderMap) -> bool {
    text(headers, "sec-fetch-mode") == Some("navigate")
        && text(headers, "sec-fetch-dest") == Some("document")
}

/// Returns whether a form was sent by a browser that a person sits at: its answer must not
/// be a page, for a reload would send the form again. Programs look at the status. Plain
/// http to another host than localhost comes without Sec-Fetch-*.
pub(crate) fn keeps_history(headers: &HeaderMap) -> bool {
    match text(headers, "sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => {
            is_for_a_person(headers)
                && text(headers, "user-agent").is_some_and(|agent| agent.starts_with("Mozilla/"))
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or(""))
}

#[cfg(test)]
mod tests;
