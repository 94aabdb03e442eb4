//! What all pages of the gate carry.

use super::harness::Gate;

#[test]
fn pages_run_no_script_are_not_framed_and_not_kept() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor
        .set(|state| drop(state.instances.insert("alice".into(), None)));
    for (path, lines) in [
        ("/_occ/login", vec![]),
        ("/_occ/account", vec![cookie.as_str()]),
        ("/", vec![cookie.as_str(), "Accept: text/html"]),
    ] {
        let answer = gate.ask(&format!("GET {path}"), &lines);
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self';")
                && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(answer.header("strict-transport-security"), None);
        let text = answer.text();
        assert!(
            text.contains("<html lang=\"en\">")
                && !text.contains("<script")
                && !text.contains("style="),
            "{text}"
        );
        let style = text
            .split("rel=\"stylesheet\" href=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let style = gate.ask(&format!("GET {style}"), &[]);
        assert_eq!(
            (style.status, style.header("content-type")),
            (200, Some("text/css; charset=utf-8"))
        );
    }
}

#[test]
fn an_opencode_that_starts_or_fails_has_its_page() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor
        .set(|state| drop(state.instances.insert("alice".into(), None)));
    let answer = gate.ask("GET /session/1", &[&cookie, "Accept: text/html"]);
    assert!(answer.text().contains("Starting your opencode…"));
    assert!(
        answer
            .text()
            .contains(r#"http-equiv="refresh" content="1""#)
    );
    gate.monitor
        .set(|state| drop(state.instances.remove("alice")));
    let answer = gate.ask("GET /session/1", &[&cookie, "Accept: text/html"]);
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("Your home directory is missing"),
        "{}",
        answer.text()
    );
    let answer = gate.ask("GET /session", &[&cookie]);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("2"))
    );
}
