//! What all pages of the gate carry.

use super::harness::Gate;

#[test]
fn pages_run_no_script_are_not_framed_and_not_kept() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("alice".into(), None)));
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
fn trouble_is_a_page_for_people_and_a_line_for_programs() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor.set(|state| state.opencodes.uid = Some(54321));
    for (request, host, status, heading) in [
        ("GET /_occ/nothing", None, 404, "No such page"),
        ("GET /", Some("192.0.2.1:3000"), 421, "Not this address"),
        ("POST /_occ/login", None, 403, "Refused"),
        ("GET /", None, 502, "No answer"),
        ("DELETE /_occ/account", None, 403, "Refused"),
    ] {
        let address = gate.address.to_string();
        let ask = |accept: &str| {
            super::browser::ask(
                gate.address,
                format!(
                    "{request} HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n",
                    host.unwrap_or(&address)
                )
                .as_bytes(),
            )
        };
        let page = ask("text/html,*/*");
        assert_eq!(page.status, status, "{request}");
        let text = page.text();
        assert!(
            text.contains(&format!("<h1>{heading}</h1>"))
                && text.contains("role=\"alert\"") == (status != 404),
            "{request}: {text}"
        );
        assert_eq!(page.header("x-frame-options"), Some("DENY"));
        let line = ask("application/json");
        assert_eq!(line.status, status, "{request}");
        assert_eq!(
            line.header("content-type"),
            Some("text/plain; charset=utf-8")
        );
    }
}

#[test]
fn an_opencode_that_hangs_has_its_page() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let begin = std::time::Instant::now();
    let answer = gate.ask("GET /silent", &[&cookie, "Accept: text/html"]);
    assert_eq!(answer.status, 502);
    assert!(
        begin.elapsed() < std::time::Duration::from_secs(45),
        "not twice"
    );
    assert!(
        answer.text().contains("Your opencode does not answer"),
        "{}",
        answer.text()
    );
}

#[test]
fn own_paths_answer_head_and_lead_to_the_account() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let head = gate.ask("HEAD /_occ/login", &[]);
    let get = gate.ask("GET /_occ/login", &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), get.header("content-length"));
    assert_eq!(gate.ask("HEAD /_occ/account", &[&cookie]).status, 200);
    for path in ["/_occ", "/_occ/"] {
        let answer = gate.ask(&format!("GET {path}"), &[&cookie]);
        assert_eq!(answer.header("location"), Some("/_occ/account"), "{path}");
    }
    let origin = format!("Origin: {}", gate.origin());
    assert_eq!(gate.ask("POST /_occ/icon.svg", &[&origin]).status, 405);
    assert!(gate.opencode.heads().is_empty());
}

#[test]
fn an_opencode_that_starts_or_fails_has_its_page() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("alice".into(), None)));
    let answer = gate.ask("GET /session/1", &[&cookie, "Accept: text/html"]);
    assert!(answer.text().contains("Starting your opencode…"));
    assert!(
        answer
            .text()
            .contains(r#"http-equiv="refresh" content="1""#)
    );
    gate.monitor
        .set(|state| drop(state.opencodes.all.remove("alice")));
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
        (503, Some("30"))
    );
}

/// Browsers ask for these without cookies, some before anybody logs in.
#[test]
fn icon_and_manifest_are_everybodys() {
    let gate = Gate::start();
    for (path, kind, begins) in [
        ("/favicon.ico", "image/x-icon", &b"\0\0\x01\0"[..]),
        ("/_occ/icon.svg", "image/svg+xml", b"<svg"),
        ("/site.webmanifest", "application/manifest+json", b"{"),
    ] {
        let answer = gate.ask(&format!("GET {path}"), &[]);
        let got = (answer.status, answer.header("content-type"));
        assert_eq!(got, (200, Some(kind)), "{path}");
        assert!(answer.body.starts_with(begins), "{path}");
    }
    let manifest = gate.ask("GET /site.webmanifest", &[]);
    let manifest: serde_json::Value = serde_json::from_slice(&manifest.body).unwrap();
    assert_eq!(manifest["display"], "standalone");
    let icon = manifest["icons"][0]["src"].as_str().unwrap();
    assert_eq!(gate.ask(&format!("GET {icon}"), &[]).status, 200);
    let page = gate.ask("GET /_occ/login", &[]).text();
    assert!(page.contains(r#"rel="manifest" href="/site.webmanifest""#));
}

#[test]
fn whoever_waits_for_their_turn_sees_their_place() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor.set(|state| {
        state.opencodes.all.insert("alice".into(), None);
        state.opencodes.ahead = Some(3);
    });
    let answer = gate.ask("GET /", &[&cookie, "Accept: text/html"]);
    let text = answer.text();
    assert!(text.contains("3 start before yours."), "{text}");
}
