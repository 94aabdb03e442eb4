//! Who caused a request: a page of ours, or one of somebody else. Pure.
//!
//! SameSite cookies are not enough: a page on another port of the same host is
//! same-site, and its requests carry our cookie. Browsers cannot be made to lie
//! in `Origin` and `Sec-Fetch-Site`; programs can, but they have no cookie.

use hyper::header::{ORIGIN, UPGRADE};
use hyper::{HeaderMap, Method};

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// Origin names another page than ours, or none.
    Origin,
    /// Our host, but https where we see http: TLS ends at a proxy that is not
    /// among the trusted ones.
    Scheme,
    /// The browser says that another site asked.
    FetchSite,
}

/// Holds Origin and Sec-Fetch-Site against our own origin (`http://host:port`).
///
/// Origin has to be there when something may change (an unsafe method, or an
/// upgrade, which no preflight asks about), and has to be ours wherever it is.
/// Without it, another site may only navigate here.
pub(crate) fn check(method: &Method, headers: &HeaderMap, own: &str) -> Result<(), Foreign> {
    let strict = !method.is_safe() || headers.contains_key(UPGRADE);
    let mut origins = headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) if strict => return Err(Foreign::Origin),
        (None, _) => {}
        (Some(origin), None) => compare(origin.as_bytes(), own)?,
        (Some(_), Some(_)) => return Err(Foreign::Origin),
    }
    match text(headers, "sec-fetch-site") {
        None | Some("same-origin") => Ok(()),
        Some("none") if !strict => Ok(()),
        Some(_) if !strict && is_navigation(headers) => Ok(()),
        Some(_) => Err(Foreign::FetchSite),
    }
}

/// Whether somebody clicked a link on another site. Their cookie is SameSite=Strict,
/// so it was not sent, and its absence says nothing.
pub(crate) fn is_from_another_site(headers: &HeaderMap) -> bool {
    is_navigation(headers) && text(headers, "sec-fetch-site") == Some("cross-site")
}

/// Whether the browser fetches a service worker. opencode has none; one that a
/// person's opencode sent would stay in the browser and see the next one's login.
pub(crate) fn is_service_worker(headers: &HeaderMap) -> bool {
    headers.contains_key("service-worker")
        || text(headers, "sec-fetch-dest") == Some("serviceworker")
}

/// Whether a person is to look at the answer. Plain http to another host than
/// localhost comes without Sec-Fetch-*; there, asking for HTML has to do.
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

fn compare(origin: &[u8], own: &str) -> Result<(), Foreign> {
    if origin == own.as_bytes() {
        return Ok(());
    }
    let host =
        |origin: &[u8], scheme: &str| origin.strip_prefix(scheme.as_bytes()).map(<[u8]>::to_vec);
    match (host(origin, "https://"), host(own.as_bytes(), "http://")) {
        (Some(theirs), Some(ours)) if theirs == ours => Err(Foreign::Scheme),
        _ => Err(Foreign::Origin),
    }
}

fn is_navigation(headers: &HeaderMap) -> bool {
    text(headers, "sec-fetch-mode") == Some("navigate")
        && text(headers, "sec-fetch-dest") == Some("document")
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    const OWN: &str = "http://opencode.localhost:3000";

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        map
    }

    #[test]
    fn what_changes_something_has_our_origin() {
        let post = |lines: &[_]| check(&Method::POST, &headers(lines), OWN);
        assert_eq!(post(&[("origin", OWN)]), Ok(()));
        assert_eq!(
            post(&[("origin", OWN), ("sec-fetch-site", "same-origin")]),
            Ok(())
        );
        assert_eq!(post(&[]), Err(Foreign::Origin));
        for origin in [
            "null",
            "",
            "http://opencode.localhost:3001",
            "http://opencode.localhost",
            "http://opencode.localhost:3000/",
            "http://evil.example",
            "http://opencode.localhost:3000.evil.example",
            "HTTP://opencode.localhost:3000",
            "http://opencode.localhost:3000, http://evil.example",
        ] {
            assert_eq!(
                post(&[("origin", origin)]),
                Err(Foreign::Origin),
                "{origin}"
            );
        }
        assert_eq!(
            post(&[("origin", OWN), ("origin", OWN)]),
            Err(Foreign::Origin)
        );
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(
                check(&method, &headers(&[]), OWN),
                Err(Foreign::Origin),
                "{method}"
            );
        }
    }

    #[test]
    fn an_untrusted_proxy_with_tls_is_told_apart() {
        let seen = headers(&[("origin", "https://opencode.localhost:3000")]);
        assert_eq!(check(&Method::POST, &seen, OWN), Err(Foreign::Scheme));
        let seen = headers(&[("origin", "https://evil.example")]);
        assert_eq!(check(&Method::POST, &seen, OWN), Err(Foreign::Origin));
    }

    #[test]
    fn an_upgrade_has_our_origin_too() {
        let get = |lines: &[_]| check(&Method::GET, &headers(lines), OWN);
        assert_eq!(get(&[("upgrade", "websocket")]), Err(Foreign::Origin));
        assert_eq!(
            get(&[
                ("upgrade", "websocket"),
                ("origin", "http://opencode.localhost:9")
            ]),
            Err(Foreign::Origin)
        );
        assert_eq!(get(&[("upgrade", "websocket"), ("origin", OWN)]), Ok(()));
        assert_eq!(
            get(&[
                ("upgrade", "websocket"),
                ("origin", OWN),
                ("sec-fetch-site", "same-site")
            ]),
            Err(Foreign::FetchSite)
        );
    }

    #[test]
    fn the_browsers_word_on_the_site_counts() {
        let site = |method: &Method, site, more: &[_]| {
            let mut lines = vec![("sec-fetch-site", site)];
            lines.extend_from_slice(more);
            check(method, &headers(&lines), OWN)
        };
        let document = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        let frame = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
        let script = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")];
        for other in ["cross-site", "same-site", "new-word"] {
            assert_eq!(site(&Method::GET, other, &document), Ok(()), "{other}");
            assert_eq!(
                site(&Method::GET, other, &frame),
                Err(Foreign::FetchSite),
                "{other}"
            );
            assert_eq!(
                site(&Method::GET, other, &script),
                Err(Foreign::FetchSite),
                "{other}"
            );
            let posted = [("origin", OWN), document[0], document[1]];
            assert_eq!(
                site(&Method::POST, other, &posted),
                Err(Foreign::FetchSite),
                "{other}"
            );
        }
        assert_eq!(site(&Method::GET, "none", &document), Ok(()));
        assert_eq!(site(&Method::GET, "same-origin", &script), Ok(()));
    }

    #[test]
    fn reading_with_a_foreign_origin_is_refused() {
        let seen = headers(&[("origin", "http://localhost:8000")]);
        assert_eq!(check(&Method::GET, &seen, OWN), Err(Foreign::Origin));
    }

    #[test]
    fn pages_are_for_people() {
        let page = |lines: &[_]| wants_page(&Method::GET, &headers(lines));
        assert!(page(&[
            ("sec-fetch-mode", "navigate"),
            ("accept", "text/html")
        ]));
        assert!(page(&[("accept", "text/html,application/xhtml+xml")]));
        assert!(!page(&[
            ("sec-fetch-mode", "cors"),
            ("accept", "text/html")
        ]));
        assert!(!page(&[("accept", "*/*")]));
        assert!(!page(&[]));
        assert!(!page(&[("accept", "text/html"), ("upgrade", "websocket")]));
        assert!(!wants_page(
            &Method::POST,
            &headers(&[("accept", "text/html")])
        ));
    }
}
