//! Behind a proxy that adds TLS: cookies, HSTS and addresses.

use super::browser;
use super::harness::Gate;

const TRUSTING: &[&str] = &["--hosts=code.example.com", "--trusted-proxies=127.0.0.1"];
const LOGIN: &str = "user=alice&password=secret";

fn login(gate: &Gate, lines: &[&str]) -> browser::Answer {
    let head = format!(
        "POST /_occ/login HTTP/1.1\r\nHost: code.example.com\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{}\r\n\r\n{LOGIN}",
        LOGIN.len(),
        lines.join("\r\n")
    );
    browser::ask(gate.address, head.as_bytes())
}

#[test]
fn behind_tls_cookies_are_secure_and_the_browser_stays_with_https() {
    let gate = Gate::with(TRUSTING);
    let forwarded = [
        "Origin: https://code.example.com",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 6.6.6.6, 198.51.100.7",
    ];
    let answer = login(&gate, &forwarded);
    assert_eq!(answer.status, 303);
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=31536000")
    );
    let lines = answer.header_lines("set-cookie");
    assert_eq!(lines.len(), 2);
    assert!(
        lines
            .iter()
            .all(|line| line.starts_with("__Host-occ") && line.ends_with("; Secure")),
        "{lines:?}"
    );
    // This proxy is on the container's own address, where anybody inside could be.
    let asked = gate.monitor.was_asked("authenticate");
    assert!(asked.contains("address=127.0.0.1 "), "{asked}");
    // The unguarded name, which another port could have set, is nothing here.
    let (_, cookie) = gate.alice();
    let head = format!(
        "GET / HTTP/1.1\r\nHost: code.example.com\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n{cookie}\r\n\r\n"
    );
    assert_eq!(browser::ask(gate.address, head.as_bytes()).status, 401);
}

#[test]
fn the_scheme_is_part_of_the_origin() {
    let gate = Gate::with(TRUSTING);
    let answer = login(
        &gate,
        &[
            "Origin: http://code.example.com",
            "X-Forwarded-Proto: https",
        ],
    );
    assert_eq!(answer.status, 403);
}

#[test]
fn who_is_not_trusted_says_nothing() {
    let gate = Gate::with(&["--hosts=code.example.com", "--trusted-proxies=192.0.2.1"]);
    let forwarded = [
        "Origin: http://code.example.com",
        "X-Forwarded-Proto: https",
        "X-Forwarded-For: 198.51.100.7",
    ];
    let answer = login(&gate, &forwarded);
    assert_eq!(
        (answer.status, answer.header("strict-transport-security")),
        (303, None)
    );
    assert!(
        answer
            .header_lines("set-cookie")
            .iter()
            .all(|line| line.starts_with("occ") && !line.contains("Secure"))
    );
    let asked = gate.monitor.was_asked("authenticate");
    assert!(asked.contains("address=127.0.0.1 "), "{asked}");
    // The one mistake that everybody makes is told.
    let answer = login(&gate, &["Origin: https://code.example.com"]);
    assert_eq!(answer.status, 403);
    assert!(
        answer.text().contains("OCC_GATE_TRUSTED_PROXIES"),
        "{}",
        answer.text()
    );
}
