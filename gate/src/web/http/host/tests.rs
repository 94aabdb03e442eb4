use super::*;
use crate::web::http::tests::headers;

fn ours(host: &str, listed: &[&str]) -> Option<bool> {
    let listed: Vec<String> = listed.iter().map(ToString::to_string).collect();
    Authority::parse(host).map(|host| host.is_ours(&listed))
}

#[test]
fn this_machines_names_are_ours() {
    for host in [
        "localhost",
        "LocalHost:3000",
        "opencode.localhost",
        "a.b.localhost:1",
        "127.0.0.1",
        "127.8.9.10:65535",
        "[::1]",
        "[::1]:3000",
    ] {
        assert_eq!(ours(host, &[]), Some(true), "{host}");
    }
}

#[test]
fn names_of_others_are_not_ours() {
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocalhost",
        "0.0.0.0",
        "10.0.0.1:3000",
        "[::2]",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0177.0.0.1",
    ] {
        assert_eq!(ours(host, &[]), Some(false), "{host}");
    }
}

#[test]
fn listed_names_are_ours() {
    let listed = ["code.example.com", "10.0.0.5", "one.example.com:8443"];
    for (host, expected) in [
        ("code.example.com", true),
        ("CODE.example.com:444", true),
        ("10.0.0.5:3000", true),
        ("one.example.com:8443", true),
        ("one.example.com", false),
        ("sub.code.example.com", false),
        ("example.com", false),
    ] {
        assert_eq!(ours(host, &listed), Some(expected), "{host}");
    }
}

#[test]
fn what_is_no_host_is_not_read() {
    for host in [
        "",
        ":",
        ":80",
        "a:",
        "a:b",
        "a:80:80",
        "a:99999",
        "a:+80",
        "a b",
        "a/b",
        "a@b",
        "a,b",
        "[::1",
        "::1",
        "[::1]x",
        "[x]",
        "a..b",
        ".a",
        "localhost.",
        "a\u{e9}",
        "a?b",
        "a#b",
    ] {
        assert_eq!(Authority::parse(host), None, "{host}");
    }
    assert_eq!(Authority::parse(&"a".repeat(300)), None);
}

#[test]
fn a_request_has_one_host_and_its_target_agrees() {
    let of = |hosts: &[&'static str], target: &str| {
        let lines: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        let found = Authority::of(&headers(&lines), &target.parse().unwrap());
        found.map(|authority| authority.text)
    };
    assert_eq!(of(&["A:1"], "/"), Ok("a:1".to_owned()));
    assert_eq!(of(&["a:1"], "http://a:1/x"), Ok("a:1".to_owned()));
    assert_eq!(of(&["a:1"], "http://b:1/x"), Err(BadHost::Contradiction));
    assert_eq!(of(&["a"], "http://a:80/x"), Err(BadHost::Contradiction));
    assert_eq!(of(&["a"], "http://u@a/x"), Err(BadHost::Contradiction));
    assert_eq!(of(&[], "/"), Err(BadHost::Unreadable));
    assert_eq!(of(&["a", "a"], "/"), Err(BadHost::Unreadable));
}
