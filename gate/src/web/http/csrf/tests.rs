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
