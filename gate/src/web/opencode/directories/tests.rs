use super::*;
use crate::web::http::tests::headers;

fn in_header(value: &'static str) -> Option<String> {
    named(None, &headers(&[("x-opencode-directory", value)]))
}

fn in_query(query: &str) -> Option<String> {
    named(Some(query), &HeaderMap::new())
}

#[test]
fn directories_are_found_and_asked_for_again() {
    let found = in_query("a=b&directory=%2Fhome%2Falice%2Fa+b%26c&x").unwrap();
    assert_eq!(found, "/home/alice/a b&c");
    assert_eq!(query(&found), "?directory=/home/alice/a%20b%26c");
    let odd = "/\u{e9}+?#%";
    assert_eq!(in_query(&query(odd)[1..]).unwrap(), odd);
    assert_eq!(in_header("/home/a+b&c%20d").unwrap(), "/home/a+b&c d");
    assert_eq!(in_header("%zz"), None);
    assert_eq!(in_query("directory="), None);
    assert_eq!(named(None, &HeaderMap::new()), None);
}
