use hyper::header::HeaderValue;

use super::*;

fn in_header(value: &'static str) -> Option<String> {
    let mut headers = HeaderMap::new();
    headers.insert("x-opencode-directory", HeaderValue::from_static(value));
    named(None, &headers)
}

#[test]
fn directories_are_found_and_asked_for_again() {
    let found = named(
        Some("a=b&directory=%2Fhome%2Falice%2Fa+b%26c&x"),
        &HeaderMap::new(),
    )
    .unwrap();
    assert_eq!(found, "/home/alice/a b&c");
    assert_eq!(query(&found), "?directory=/home/alice/a%20b%26c");
    assert_eq!(
        named(Some(&query("/\u{e9}+?#%")[1..]), &HeaderMap::new()).unwrap(),
        "/\u{e9}+?#%"
    );
    assert_eq!(in_header("/home/a+b&c%20d").unwrap(), "/home/a+b&c d");
    assert_eq!(in_header("%zz"), None);
    assert_eq!(named(Some("directory="), &HeaderMap::new()), None);
    assert_eq!(named(None, &HeaderMap::new()), None);
}
