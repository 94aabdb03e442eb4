use super::*;

const SCRIPT: &str = include_str!("bar.js");

#[test]
fn script_knows_the_paths_that_are_routed() {
    for path in [
        SESSION_PATH,
        "/_occ/account",
        "/_occ/terminal",
        "/_occ/account/restart",
        "/_occ/logout",
        "/_occ/login",
    ] {
        assert!(SCRIPT.contains(&format!("\"{path}\"")), "{path}");
    }
}

#[test]
fn script_makes_nothing_of_text() {
    for way in [
        "innerHTML",
        "outerHTML",
        "insertAdjacent",
        "document.write",
        "eval(",
    ] {
        assert!(!SCRIPT.contains(way), "{way}");
    }
    assert!(SCRIPT.is_ascii(), "a page may be of any charset");
}

#[test]
fn documents_are_pages_in_a_window() {
    let request = |lines: &[(&str, &str)]| {
        let mut request = hyper::Request::get("/");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        is_for_document(&request.body(()).unwrap())
    };
    let navigate = ("sec-fetch-mode", "navigate");
    assert!(request(&[("accept", "text/html,*/*")]));
    assert!(request(&[navigate, ("sec-fetch-dest", "document")]));
    assert!(!request(&[navigate, ("sec-fetch-dest", "iframe")]));
    assert!(!request(&[("accept", "*/*")]));
    assert!(!request(&[
        ("sec-fetch-mode", "cors"),
        ("accept", "text/html")
    ]));
}

#[test]
fn html_that_is_found_gets_the_bar() {
    for (status, lines, expected) in [
        (200, vec![("content-type", "text/html")], true),
        (
            200,
            vec![("content-type", "Text/HTML ; charset=utf-8")],
            true,
        ),
        (404, vec![("content-type", "text/html")], false),
        (206, vec![("content-type", "text/html")], false),
        (200, vec![("content-type", "text/html5")], false),
        (200, vec![("content-type", "application/json")], false),
        (200, vec![], false),
        (
            200,
            vec![
                ("content-type", "text/html"),
                ("content-disposition", "attachment"),
            ],
            false,
        ),
    ] {
        let mut headers = HeaderMap::new();
        for (name, value) in &lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(
            is_document(status, &headers),
            expected,
            "{status} {lines:?}"
        );
    }
}
