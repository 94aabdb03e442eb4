use super::*;
use crate::web::http::tests::headers;

const OWN: &str = "http://opencode.localhost:3000";
const FROM_OWN: (&str, &str) = ("origin", OWN);

/// A line of a request.
type Line = (&'static str, &'static str);

fn checked(method: &Method, lines: &[Line]) -> Result<(), CrossOrigin> {
    check(method, &headers(lines), OWN, Proof::Cookie)
}

#[test]
fn what_changes_something_has_our_origin() {
    let post = |lines: &[Line]| checked(&Method::POST, lines);
    assert_eq!(post(&[FROM_OWN]), Ok(()));
    assert_eq!(post(&[FROM_OWN, ("sec-fetch-site", "same-origin")]), Ok(()));
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
        "https://evil.example",
    ] {
        let refused = post(&[("origin", origin)]);
        assert_eq!(refused, Err(CrossOrigin::Origin), "{origin}");
    }
    assert_eq!(post(&[FROM_OWN, FROM_OWN]), Err(CrossOrigin::Origin));
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        assert_eq!(checked(&method, &[]), Err(CrossOrigin::Origin), "{method}");
    }
}

#[test]
fn an_untrusted_proxy_with_tls_is_told_apart() {
    let seen = [("origin", "https://opencode.localhost:3000")];
    assert_eq!(checked(&Method::POST, &seen), Err(CrossOrigin::Scheme));
}

#[test]
fn an_upgrade_has_our_origin_too() {
    let upgrade = |more: &[Line]| {
        let lines = [&[("upgrade", "websocket")], more].concat();
        checked(&Method::GET, &lines)
    };
    assert_eq!(upgrade(&[FROM_OWN]), Ok(()));
    assert_eq!(upgrade(&[]), Err(CrossOrigin::Origin));
    let foreign = ("origin", "http://opencode.localhost:9");
    assert_eq!(upgrade(&[foreign]), Err(CrossOrigin::Origin));
    let same_site = upgrade(&[FROM_OWN, ("sec-fetch-site", "same-site")]);
    assert_eq!(same_site, Err(CrossOrigin::FetchSite));
}

#[test]
fn the_browsers_word_on_the_site_counts() {
    let document = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let frame = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    let script = [("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "script")];
    let get = |site, lines: [Line; 2]| {
        checked(
            &Method::GET,
            &[("sec-fetch-site", site), lines[0], lines[1]],
        )
    };
    for other in ["cross-site", "same-site", "new-word"] {
        assert_eq!(get(other, document), Ok(()), "{other}");
        for lines in [frame, script] {
            let refused = get(other, lines);
            assert_eq!(refused, Err(CrossOrigin::FetchSite), "{other} {lines:?}");
        }
        let posted = [
            ("sec-fetch-site", other),
            FROM_OWN,
            document[0],
            document[1],
        ];
        let refused = checked(&Method::POST, &posted);
        assert_eq!(refused, Err(CrossOrigin::FetchSite), "{other}");
    }
    assert_eq!(get("none", document), Ok(()));
    assert_eq!(get("same-origin", script), Ok(()));
}

#[test]
fn reading_with_a_foreign_origin_is_refused() {
    let seen = [("origin", "http://localhost:8000")];
    assert_eq!(checked(&Method::GET, &seen), Err(CrossOrigin::Origin));
}

#[test]
fn pages_are_for_people() {
    let page = |lines: &[Line]| wants_page(&Method::GET, &headers(lines));
    let html = ("accept", "text/html");
    assert!(page(&[("sec-fetch-mode", "navigate"), html]));
    assert!(page(&[("accept", "text/html,application/xhtml+xml")]));
    assert!(!page(&[("sec-fetch-mode", "cors"), html]));
    assert!(!page(&[("accept", "*/*")]));
    assert!(!page(&[]));
    assert!(!page(&[html, ("upgrade", "websocket")]));
    assert!(!wants_page(&Method::POST, &headers(&[html])));
}

#[test]
fn programs_look_at_the_status_and_people_reload() {
    let keeps = |lines: &[Line]| keeps_history(&headers(lines));
    let (html, firefox) = (("accept", "text/html"), ("user-agent", "Mozilla/5.0 (X11)"));
    assert!(keeps(&[("sec-fetch-mode", "navigate"), html]));
    assert!(keeps(&[html, firefox]));
    assert!(!keeps(&[html, ("user-agent", "curl/8.0")]));
    assert!(!keeps(&[("sec-fetch-mode", "cors"), html, firefox]));
    assert!(!keeps(&[firefox]));
    assert!(!keeps(&[]));
}

#[test]
fn programs_need_no_origin_and_browsers_do_not_pass_for_one() {
    let by = |proof, lines: &[(&'static str, &'static str)]| {
        check(&Method::POST, &headers(lines), OWN, proof)
    };
    for proof in [Proof::Basic, Proof::Bearer] {
        assert_eq!(by(proof, &[]), Ok(()));
        assert_eq!(by(proof, &[("sec-fetch-mode", "cors")]), Ok(()), "node");
        assert_eq!(
            by(proof, &[("origin", OWN), ("upgrade", "websocket")]),
            Ok(())
        );
    }
    for (lines, refused) in [
        (
            &[("origin", "https://evil.example")][..],
            CrossOrigin::Origin,
        ),
        (&[("origin", "null")], CrossOrigin::Origin),
        (&[("sec-fetch-site", "cross-site")], CrossOrigin::FetchSite),
        (&[("sec-fetch-site", "same-site")], CrossOrigin::FetchSite),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
            CrossOrigin::FetchSite,
        ),
    ] {
        assert_eq!(by(Proof::Basic, lines), Err(refused), "{lines:?}");
        assert_eq!(
            by(Proof::Bearer, lines),
            Ok(()),
            "only who has it can write it"
        );
    }
}
