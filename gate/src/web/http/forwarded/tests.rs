use super::*;
use crate::web::http::tests::headers;

/// This container, for these tests.
fn is_own_address(address: IpAddr) -> bool {
    address.is_loopback() || address.to_string() == "10.9.9.9"
}

fn seen(socket: &str, trusted: &[&str], lines: &[(&'static str, &'static str)]) -> (String, bool) {
    let trusted: Vec<IpNet> = trusted.iter().map(|text| text.parse().unwrap()).collect();
    let peer = peer(
        socket.parse().unwrap(),
        &headers(lines),
        &trusted,
        is_own_address,
    );
    (peer.address.to_string(), peer.secure)
}

#[test]
fn without_trust_only_the_socket_counts() {
    let lines = [
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-proto", "https"),
    ];
    for trusted in [&[][..], &["10.0.0.0/8"]] {
        let got = seen("9.9.9.9", trusted, &lines);
        assert_eq!(got, ("9.9.9.9".into(), false));
    }
}

#[test]
fn a_trusted_proxy_is_believed_as_far_as_trust_goes() {
    let trusted = ["10.0.0.0/8", "fd00::/8"];
    for (forwarded, expected) in [
        ("1.1.1.1", "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1,10.1.1.1", "1.1.1.1"),
        ("10.2.2.2", "10.2.2.2"),
        ("2001:db8::1, fd00::1", "2001:db8::1"),
        ("::ffff:1.1.1.1", "1.1.1.1"),
        ("1.1.1.1, nonsense", "10.0.0.1"),
        ("", "10.0.0.1"),
    ] {
        let lines = [
            ("x-forwarded-for", forwarded),
            ("x-forwarded-proto", "https"),
        ];
        let got = seen("10.0.0.1", &trusted, &lines);
        assert_eq!(got, (expected.into(), true), "{forwarded}");
    }
    let lines = [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-for", "1.1.1.1"),
    ];
    let got = seen("::ffff:10.0.0.1", &trusted, &lines);
    assert_eq!(got, ("1.1.1.1".into(), false));
}

#[test]
fn the_nearest_proxy_says_whether_it_is_https() {
    for (proto, secure) in [
        ("https", true),
        ("http", false),
        ("https, http", false),
        ("http, https", true),
        ("", false),
    ] {
        let lines = [("x-forwarded-proto", proto)];
        let got = seen("10.0.0.1", &["10.0.0.1/32"], &lines);
        assert_eq!(got, ("10.0.0.1".into(), secure), "{proto}");
    }
}

#[test]
fn widest_range_trusts_all() {
    let lines = [("x-forwarded-proto", "https")];
    assert!(seen("8.8.8.8", &["0.0.0.0/0"], &lines).1);
    assert!(seen("::8", &["::/0"], &lines).1);
}

/// Programs of people in the container connect from its own addresses.
#[test]
fn whoever_is_inside_does_not_say_whose_a_request_is() {
    let lines = [
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-proto", "https"),
    ];
    for inside in ["10.9.9.9", "127.0.0.1", "127.3.3.3", "::1"] {
        let trusted = ["10.0.0.0/8", "127.0.0.0/8", "::1/128"];
        assert_eq!(seen(inside, &trusted, &lines), (inside.into(), true));
        assert_eq!(seen(inside, &[], &lines), (inside.into(), false));
    }
}
