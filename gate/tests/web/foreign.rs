//! Requests that pages of others cause, and names that are not ours.

use super::browser;
use super::harness::Gate;

#[test]
fn posts_without_our_origin_do_nothing() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let other_port = format!("Origin: http://127.0.0.1:{}", gate.address.port() ^ 1);
    let own = format!("Origin: {}", gate.origin());
    for lines in [
        vec![],
        vec!["Origin: null"],
        vec!["Origin: http://evil.example"],
        vec![other_port.as_str()],
        vec![own.as_str(), "Sec-Fetch-Site: same-site"],
        vec![own.as_str(), "Sec-Fetch-Site: cross-site"],
        vec![own.as_str(), own.as_str()],
    ] {
        for path in [
            "/_occ/login",
            "/_occ/logout",
            "/_occ/account/end-all",
            "/session",
        ] {
            let mut all = vec![cookie.as_str(), form];
            all.extend_from_slice(&lines);
            let answer =
                gate.ask_with(&format!("POST {path}"), &all, b"user=alice&password=secret");
            assert_eq!(answer.status, 403, "{path} {lines:?}");
            assert!(answer.header_lines("set-cookie").is_empty());
        }
    }
    assert_eq!(
        gate.monitor.times_asked("authenticate") + gate.monitor.times_asked("end"),
        0
    );
    assert!(gate.opencode.heads().is_empty());
}

#[test]
fn another_sites_websocket_is_refused() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    for origin in [
        None,
        Some("Origin: http://localhost:3000"),
        Some("Origin: null"),
    ] {
        let mut lines = vec![
            cookie.as_str(),
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
        ];
        lines.extend(origin);
        assert_eq!(
            gate.ask("GET /pty/1/connect", &lines).status,
            403,
            "{origin:?}"
        );
    }
    assert!(gate.opencode.heads().is_empty());
}

#[test]
fn pages_of_other_ports_read_nothing() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let answer = gate.ask("GET /session", &[&cookie, "Origin: http://localhost:8000"]);
    assert_eq!(answer.status, 403);
    let answer = gate.ask(
        "GET /session",
        &[
            &cookie,
            "Sec-Fetch-Site: same-site",
            "Sec-Fetch-Mode: no-cors",
            "Sec-Fetch-Dest: script",
        ],
    );
    assert_eq!(answer.status, 403);
    let answer = gate.ask(
        "GET /",
        &[
            &cookie,
            "Sec-Fetch-Site: same-site",
            "Sec-Fetch-Mode: navigate",
            "Sec-Fetch-Dest: iframe",
        ],
    );
    assert_eq!(answer.status, 403);
    assert!(gate.opencode.heads().is_empty());
    let answer = gate.ask(
        "OPTIONS /session",
        &[
            &cookie,
            "Origin: http://localhost:8000",
            "Access-Control-Request-Method: PUT",
        ],
    );
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    // Browsers say nothing of the site to plain http that is not localhost: this
    // keeps the answer from other ports' pages there.
    let answer = gate.ask("GET /session", &[&cookie]);
    assert_eq!(
        answer.header("cross-origin-resource-policy"),
        Some("same-origin")
    );
}

/// It would outlive the session of whoever's opencode sent it, and see what the
/// next person types into the login.
#[test]
fn no_service_worker_is_installed() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    for line in ["Service-Worker: script", "Sec-Fetch-Dest: serviceworker"] {
        let answer = gate.ask(
            "GET /sw.js",
            &[&cookie, line, "Sec-Fetch-Site: same-origin"],
        );
        assert_eq!(answer.status, 403, "{line}");
    }
    assert!(gate.opencode.heads().is_empty());
}

#[test]
fn a_name_that_is_not_ours_is_misdirected() {
    let gate = Gate::with(&["--hosts=code.example.com"]);
    let ask = |host: &str| {
        let head = format!("GET /_occ/login HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        browser::ask(gate.address, head.as_bytes()).status
    };
    for host in [
        "evil.example",
        "rebind.evil.example:3000",
        "0.0.0.0",
        "localhost.evil.example",
        "10.1.2.3",
    ] {
        assert_eq!(ask(host), 421, "{host}");
    }
    for host in [
        "localhost",
        "opencode.localhost:3000",
        "[::1]:3000",
        "127.0.0.1",
        "code.example.com:443",
    ] {
        assert_eq!(ask(host), 200, "{host}");
    }
}

#[test]
fn health_is_open_silent_and_asks_no_host() {
    let gate = Gate::start();
    let answer = browser::ask(
        gate.address,
        b"GET /_occ/health HTTP/1.1\r\nHost: 10.2.3.4:3000\r\nConnection: close\r\n\r\n",
    );
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok\n"));
    assert!(answer.header_lines("server").is_empty());
    gate.monitor.set(|state| state.silent = true);
    assert_eq!(gate.ask("GET /_occ/health", &[]).status, 503);
    gate.monitor.set(|state| state.silent = false);
    assert_eq!(gate.ask("POST /_occ/health", &[]).status, 405);
}

#[test]
fn a_link_on_another_site_still_finds_the_session() {
    let gate = Gate::start();
    let click = [
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-Dest: document",
        "Accept: text/html",
    ];
    let answer = gate.ask("GET /server/x/session/1", &click);
    assert_eq!(answer.status, 200);
    assert!(
        answer
            .text()
            .contains(r#"content="0; url=/server/x/session/1""#),
        "{}",
        answer.text()
    );
    let own = [
        "Sec-Fetch-Site: same-origin",
        "Sec-Fetch-Mode: navigate",
        "Sec-Fetch-Dest: document",
        "Accept: text/html",
    ];
    let answer = gate.ask("GET /server/x/session/1", &own);
    assert_eq!(
        answer.header("location"),
        Some("/_occ/login?next=/server/x/session/1")
    );
}
