use super::*;
use crate::web::http::tests::headers;

fn shown(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines
}

fn sent(lines: &[(&'static str, &'static str)]) -> Vec<String> {
    let host = HeaderValue::from_static("127.0.0.1:4096");
    let authorization = HeaderValue::from_static("Basic ours");
    let mut lines = shown(&to_opencode(&headers(lines), &host, &authorization));
    lines.retain(|line| line != "host: 127.0.0.1:4096" && line != "authorization: Basic ours");
    lines
}

#[test]
fn opencode_gets_what_the_browser_says_and_nothing_about_the_gate() {
    let kept = [
        ("accept", "*/*"),
        ("content-type", "application/json"),
        ("x-opencode-ticket", "1"),
    ];
    assert_eq!(sent(&kept), shown(&headers(&kept)));
    let stripped = [
        ("host", "evil.example"),
        ("content-length", "5"),
        ("authorization", "Basic theirs"),
        ("cookie", "occ_opencode=T"),
        ("origin", "http://localhost"),
        ("expect", "100-continue"),
        ("forwarded", "for=1.1.1.1"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-host", "h"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-anything", "x"),
        ("x-real-ip", "1.1.1.1"),
        ("connection", "close"),
        ("keep-alive", "1"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "x"),
        ("proxy-connection", "x"),
    ];
    assert_eq!(sent(&stripped), [""; 0]);
    assert_eq!(sent(&[("cookie", "a=1; occ_opencode=T")]), ["cookie: a=1"]);
}

#[test]
fn what_connection_names_ends_here() {
    let lines = [
        ("connection", "X-Secret, accept"),
        ("x-secret", "1"),
        ("accept", "*/*"),
        ("x-other", "2"),
    ];
    assert_eq!(sent(&lines), ["x-other: 2"]);
    // Ours can't be named away.
    let host = HeaderValue::from_static("h");
    let named = headers(&[("connection", "host, authorization, cookie")]);
    let got = shown(&to_opencode(&named, &host, &host));
    assert_eq!(got, ["authorization: h", "host: h"]);
}

#[test]
fn browsers_get_no_login_box_no_cors_and_no_cookie_of_ours() {
    let opencode = headers(&[
        ("content-type", "text/html"),
        ("www-authenticate", "Basic"),
        ("access-control-allow-origin", "*"),
        ("set-cookie", "occ_opencode=evil"),
        ("set-cookie", "theme=dark"),
        ("connection", "keep-alive"),
        ("strict-transport-security", "max-age=1"),
        ("content-security-policy", "default-src 'self'"),
        ("clear-site-data", "\"cookies\""),
        ("server", "Bun"),
    ]);
    assert_eq!(
        shown(&to_browser(&opencode, false)),
        [
            "cache-control: no-store",
            "content-security-policy: default-src 'self'",
            "content-type: text/html",
            "cross-origin-resource-policy: same-origin",
            "referrer-policy: same-origin",
            "set-cookie: theme=dark",
            "x-content-type-options: nosniff",
            "x-frame-options: SAMEORIGIN",
        ]
    );
    let secure = to_browser(&headers(&[("cache-control", "max-age=5")]), true);
    assert_eq!(secure["strict-transport-security"], "max-age=31536000");
    assert_eq!(secure["cache-control"], "max-age=5");
}

/// A browser would keep these for the next person at it.
#[test]
fn nothing_of_an_answer_outlives_its_page() {
    let opencode: Vec<_> = FOR_THE_HOST.iter().map(|name| (*name, "x")).collect();
    let got = to_browser(&headers(&opencode), false);
    assert!(FOR_THE_HOST.iter().all(|name| !got.contains_key(*name)));
    for name in ["alt-svc", "nel", "report-to", "reporting-endpoints"] {
        assert!(FOR_THE_HOST.contains(&name), "{name}");
    }
}

#[test]
fn auth_token_never_reaches_opencode() {
    for (from, to) in [
        ("/", "/"),
        ("/a?b=c&d", "/a?b=c&d"),
        ("/a?auth_token=x", "/a"),
        ("/a?b=1&auth_token=x&c=2", "/a?b=1&c=2"),
        ("/a?auth_token", "/a"),
        ("/a?auth%5Ftoken=x&b", "/a?b"),
        ("/a?%61uth_token=x", "/a"),
        ("/a?auth_token%=x", "/a"),
        ("/a?xauth_token=1", "/a?xauth_token=1"),
        ("/a?b=auth_token", "/a?b=auth_token"),
        ("/auth_token?b=%20%zz", "/auth_token?b=%20%zz"),
    ] {
        assert_eq!(without_auth_token(from), to, "{from}");
    }
}

#[test]
fn chunks_are_the_only_coding() {
    let plain = |lines: &[_]| is_framed_plainly(&headers(lines));
    assert!(plain(&[]));
    assert!(plain(&[("transfer-encoding", " Chunked")]));
    for coding in [
        "",
        "gzip, chunked",
        "chunked, chunked",
        "identity",
        "chunked;q=1",
    ] {
        assert!(!plain(&[("transfer-encoding", coding)]), "{coding}");
    }
    let twice = ("transfer-encoding", "chunked");
    assert!(!plain(&[twice, twice]));
}

#[test]
fn websockets_are_asked_for_once() {
    assert!(is_websocket(&headers(&[("upgrade", "WebSocket")])));
    assert!(!is_websocket(&headers(&[("upgrade", "h2c")])));
    let two = [("upgrade", "h2c"), ("upgrade", "websocket")];
    assert!(!is_websocket(&headers(&two)));
    assert!(!is_websocket(&headers(&[("upgrade", "websocket, h2c")])));
}

#[test]
fn gzip_is_taken_unless_weighed_nothing() {
    let takes = |line| takes_gzip(&headers(&[("accept-encoding", line)]));
    assert!(takes("gzip"));
    assert!(takes("br, GZIP;q=0.5"));
    assert!(!takes("gzip;q=0"));
    assert!(!takes("br"));
    assert!(!takes("gzip;q=x"));
    assert!(!takes_gzip(&headers(&[])));
}
