//! Access tokens: what a program reaches with one, and what nobody does.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding as _};
use occ_gate::wire::{AccessToken, Event, User};
use occ_gate_testing::opencode::FakeOpencode;

use super::browser::{Answer, read_until, rest, send};
use super::harness::Gate;

fn basic(user: &str, password: &str) -> String {
    let pair = Base64::encode_string(format!("{user}:{password}").as_bytes());
    format!("Authorization: Basic {pair}")
}

fn bearer(access: &AccessToken) -> String {
    format!("Authorization: Bearer {}", *access.expose())
}

/// An access token of alice's, as a line for each way to show it.
fn alices(gate: &Gate) -> (AccessToken, [String; 2]) {
    let access = gate.monitor.access("alice");
    let lines = [basic("alice", &access.expose()), bearer(&access)];
    (access, lines)
}

fn assert_refused(answer: &Answer, what: &str) {
    let says =
        "this token is not good, or not for that user\nhint: make one on the page /_occ/account\n";
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (401, says),
        "{what}"
    );
    assert_eq!(answer.header("www-authenticate"), None, "{what}");
}

#[test]
fn programs_reach_their_persons_opencode_by_basic_and_bearer() {
    let gate = Gate::start();
    let bobs = FakeOpencode::start("bobs");
    let ready = Some((bobs.port, bobs.secret.to_owned()));
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("bob".into(), ready)));
    let (_, lines) = alices(&gate);
    for line in &lines {
        assert_eq!(
            gate.ask("GET /session?auth_token=eA==", &[line]).status,
            200
        );
        let post = gate.ask_with("POST /body", &[line], b"sent without Origin");
        assert_eq!(
            (post.status, post.text().as_str()),
            (200, "sent without Origin")
        );
    }
    let bob = bearer(&gate.monitor.access("bob"));
    assert_eq!(gate.ask("GET /b", &[&bob]).status, 200);
    assert_eq!(bobs.heads().len(), 1);
    for head in gate.opencode.heads() {
        let head = head.to_ascii_lowercase();
        let ours = "authorization: basic b3blbmnvzgu6cznjcmv0\r\n";
        assert!(
            head.contains(ours) && !head.contains("auth_token"),
            "{head}"
        );
        assert_eq!(head.matches("authorization:").count(), 1, "{head}");
    }
    // Twice for each: a token may end before it is remembered.
    assert_eq!(gate.monitor.times_asked("use-access 127.0.0.1"), 4);
}

#[test]
fn a_token_opens_no_page_of_the_gates() {
    let gate = Gate::start();
    let (access, lines) = alices(&gate);
    for line in &lines {
        let page = gate.ask("GET /_occ/account", &[line]);
        assert_eq!(page.status, 401, "{}", page.text());
        let html = "Accept: text/html";
        let page = gate.ask("GET /_occ/account", &[line, html]);
        assert_eq!(page.header("location"), Some("/_occ/login"));
        for path in ["password", "token", "token-revoke", "end-all"] {
            let form = "old=a&new=b&again=b&name=x&days=90&handle=55";
            let answer = gate.post(&format!("/_occ/account/{path}"), form, &[line]);
            assert_eq!(answer.header("location"), Some("/_occ/login"), "{path}");
        }
        let own = gate.ask_with("POST /_occ/logout", &[line], b"");
        assert_eq!(own.status, 403, "there the rules are a browser's");
        // opencode's own path that looks like one of ours.
        assert_eq!(gate.ask("GET /_occupied", &[line]).status, 200);
    }
    for asked in ["use-access", "change", "make", "revoke", "end", "list"] {
        let most = if asked == "use-access" { 2 } else { 0 };
        assert!(gate.monitor.times_asked(asked) <= most, "{asked}");
    }
    let text = access.expose();
    for value in [&text[..], &text[4..]] {
        let cookie = format!("Cookie: occ_opencode={value}");
        assert_eq!(gate.ask("GET /", &[&cookie]).status, 401, "in a cookie");
        let query = format!("GET /session?auth_token={value}&token={value}");
        assert_eq!(gate.ask(&query, &[]).status, 401, "in a query");
    }
}

#[test]
fn a_cookie_is_no_token() {
    let gate = Gate::start();
    let (token, _) = gate.alice();
    let value = token.expose();
    for secret in [value.to_string(), format!("occ_{}", *value)] {
        let bearer = format!("Authorization: Bearer {secret}");
        assert_eq!(gate.ask("GET /", &[&bearer]).status, 401);
        assert_eq!(gate.ask("GET /", &[&basic("alice", &secret)]).status, 401);
    }
    assert!(gate.opencode.heads().is_empty());
}

#[test]
fn an_unknown_token_and_one_of_somebody_else_look_the_same() {
    let gate = Gate::start();
    let (access, [right, _]) = alices(&gate);
    assert_eq!(gate.ask("GET /", &[&right]).status, 200);
    let text = access.expose();
    let unknown = AccessToken::new([200; 32]).expose();
    for (user, password) in [
        ("alice", unknown.as_str()),
        ("bob", text.as_str()),
        ("", text.as_str()),
        ("Alice", text.as_str()),
        ("alice", "occ_"),
        ("alice", &text[..46]),
        ("alice", &text.replace("occ_", "occ_ ")),
    ] {
        let answer = gate.ask("GET /", &[&basic(user, password)]);
        assert_refused(&answer, &format!("{user}:{password}"));
    }
    let before = gate.monitor.times_asked("use-access");
    assert_refused(&gate.ask("GET /", &[&basic("bob", &text)]), "bob's");
    let after = gate.monitor.times_asked("use-access");
    assert_eq!(
        after,
        before + 2,
        "the monitor is asked about it as about another"
    );
    assert_eq!(
        gate.ask("GET /", &[&right]).status,
        200,
        "the right one is good"
    );
    // A browser's header for something else is nothing, as before.
    let (_, cookie) = gate.alice();
    let other = basic("proxy", "password");
    assert_eq!(gate.ask("GET /", &[&cookie, &other]).status, 200);
    let answer = gate.ask("GET /", &[&other]);
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, None)
    );
}

#[test]
fn wrong_tokens_are_slowed_down_and_right_ones_are_not() {
    let gate = Gate::start();
    let (_, lines) = alices(&gate);
    gate.monitor.set(|state| state.access.slow_down = Some(7));
    let wrong = bearer(&AccessToken::new([200; 32]));
    let answer = gate.ask("GET /", &[&wrong]);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (429, Some("7"))
    );
    for line in &lines {
        assert_eq!(gate.ask("GET /", &[line]).status, 200);
    }
}

/// A browser keeps a password only if it was asked for one; these would still send it.
#[test]
fn a_browsers_password_is_no_way_in_for_another_site() {
    let gate = Gate::start();
    let (_, [basic, bearer]) = alices(&gate);
    for lines in [
        &["Origin: https://evil.example"][..],
        &["Origin: null"],
        &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
        &["Sec-Fetch-Site: same-site", "Sec-Fetch-Mode: no-cors"],
        &[
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Mode: navigate",
            "Sec-Fetch-Dest: document",
        ],
    ] {
        let lines = [lines, &[basic.as_str()]].concat();
        for request in ["GET /", "POST /session"] {
            assert_eq!(gate.ask(request, &lines).status, 403, "{request} {lines:?}");
        }
        let upgrade = [&lines[..], &["Upgrade: websocket", "Connection: Upgrade"]].concat();
        assert_eq!(gate.ask("GET /pty/1/connect", &upgrade).status, 403);
    }
    assert!(gate.opencode.heads().is_empty());
    // With a cookie a request is a browser's, whatever else it shows.
    let (_, cookie) = gate.alice();
    for line in [&basic, &bearer] {
        let lines = [cookie.as_str(), line, "Origin: https://evil.example"];
        assert_eq!(gate.ask("GET /", &lines).status, 403);
        let lines = [cookie.as_str(), line];
        assert_eq!(gate.ask("POST /session", &lines).status, 403, "no Origin");
        let stale = format!("Cookie: occ_opencode={}", "A".repeat(43));
        assert_eq!(gate.ask("GET /", &[&stale, line]).status, 401);
    }
    // A preflight shows no token and gets no leave.
    let preflight = [
        "Origin: https://evil.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: authorization",
    ];
    let answer = gate.ask("OPTIONS /session", &preflight);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    // Another host's name is not ours for programs either.
    let head =
        format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{bearer}\r\nConnection: close\r\n\r\n");
    let answer = super::browser::ask(gate.address, head.as_bytes());
    assert_eq!(answer.status, 421);
}

#[test]
fn a_revoked_token_is_cut_off_at_once() {
    let gate = Gate::start();
    let (access, [basic, bearer]) = alices(&gate);
    let (_, cookie) = gate.alice();
    let stream = |line: &str| {
        let head = format!(
            "GET /global/event HTTP/1.1\r\nHost: {}\r\n{line}\r\n\r\n",
            gate.address
        );
        let mut stream = send(gate.address, head.as_bytes());
        read_until(&mut stream, b"\r\n\r\n");
        stream
    };
    let mut events = stream(&basic);
    let mut browsers = stream(&cookie);
    let head = format!(
        "GET /pty/1/connect HTTP/1.1\r\nHost: {}\r\n{bearer}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n\r\n",
        gate.address
    );
    let mut websocket = send(gate.address, head.as_bytes());
    let answer = read_until(&mut websocket, b"\r\n\r\n");
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    websocket.write_all(b"\x81\x05hello").unwrap();
    websocket.read_exact(&mut [0; 7]).unwrap();
    let begin = Instant::now();
    gate.monitor.revoke(&access);
    rest(&mut events);
    rest(&mut websocket);
    let cut = begin.elapsed();
    assert!(cut < Duration::from_secs(1), "{cut:?}");
    assert_refused(&gate.ask("GET /", &[&basic]), "revoked");
    gate.opencode.emit("still here");
    read_until(&mut browsers, b"still here\n\n");
}

#[test]
fn an_opencode_that_only_programs_use_is_stopped_when_idle() {
    let gate = Gate::with(&["--idle=1s"]);
    let (_, [line, _]) = alices(&gate);
    assert_eq!(gate.ask("GET /", &[&line]).status, 200);
    gate.monitor.was_asked("idle");
    gate.monitor.tell(Event::InstanceGone {
        user: User::cut("alice"),
    });
    assert_eq!(gate.ask("GET /", &[&line]).status, 200, "and starts again");
}

#[test]
fn tokens_are_made_and_revoked_on_the_account_page() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let page = gate.ask("GET /_occ/account", &[&cookie]).text();
    for there in ["laptop", "from 192.0.2.1", r#"name="handle" value="55""#] {
        assert!(page.contains(there), "{there}: {page}");
    }
    let new = AccessToken::new([99; 32]).expose();
    let answer = gate.post("/_occ/account/token", "name=+my+phone+&days=30", &[&cookie]);
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/_occ/account"))
    );
    gate.monitor.was_asked("make-access my phone 2592000");
    let flash = answer.cookie("occ-flash_opencode").unwrap();
    let decoded = base64ct::Base64UrlUnpadded::decode_vec(flash.split('=').nth(1).unwrap());
    let decoded = String::from_utf8(decoded.unwrap()).unwrap();
    assert!(!decoded.contains("occ_"), "no cookie carries it: {decoded}");
    // Another session of hers does not see it; this one does, once.
    let (_, elsewhere) = gate.alice();
    for (cookie, shown) in [(&elsewhere, false), (&cookie, true), (&cookie, false)] {
        let page = gate
            .ask("GET /_occ/account", &[&format!("{cookie}; {flash}")])
            .text();
        let typed = format!("opencode attach -u alice -p {} {}", *new, gate.origin());
        assert_eq!(page.contains(&typed), shown, "{page}");
        assert_eq!(page.contains(new.as_str()), shown);
    }
    let told = |path: &str, form: &str| {
        let answer = gate.post(&format!("/_occ/account/{path}"), form, &[&cookie]);
        let flash = answer.cookie("occ-flash_opencode").unwrap();
        gate.ask("GET /_occ/account", &[&format!("{cookie}; {flash}")])
            .text()
    };
    for (form, says) in [
        ("name=&days=90", "Give the token a name"),
        ("name=a%1b&days=90", "characters that cannot be shown"),
        ("name=a&days=36500", "Choose how long"),
        ("name=a", "Choose how long"),
    ] {
        let page = told("token", form);
        assert!(page.contains(says), "{form}: {page}");
    }
    assert_eq!(gate.monitor.times_asked("make-access"), 1);
    gate.monitor.set(|state| state.access.is_full = true);
    assert!(told("token", "name=a&days=7").contains("a person has at most 20"));
    assert!(told("token-revoke", "handle=55").contains("That token is revoked."));
    assert!(told("token-revoke", "handle=66").contains("a restart may bring it back"));
    gate.post("/_occ/account/token-revoke", "handle=x", &[&cookie]);
    assert_eq!(gate.monitor.times_asked("revoke-access"), 2);
    // Not from elsewhere.
    let evil = gate.ask_with(
        "POST /_occ/account/token",
        &[
            &cookie,
            "Origin: https://evil.example",
            "Content-Type: application/x-www-form-urlencoded",
        ],
        b"name=a&days=7",
    );
    assert_eq!(evil.status, 403);
}

#[test]
fn a_name_that_is_too_long_for_an_account_is_nobodys() {
    let gate = Gate::start();
    let (access, _) = alices(&gate);
    let long = format!("alice{}", "x".repeat(500));
    assert_refused(
        &gate.ask("GET /", &[&basic(&long, &access.expose())]),
        "long",
    );
}

#[test]
fn an_administrator_can_do_without_tokens() {
    let gate = Gate::with(&["--tokens=0"]);
    let (_, lines) = alices(&gate);
    for line in &lines {
        assert_eq!(gate.ask("GET /", &[line]).status, 401);
    }
    assert_eq!(gate.monitor.times_asked("use-access"), 0);
    let (_, cookie) = gate.alice();
    let page = gate.ask("GET /_occ/account", &[&cookie]).text();
    assert!(page.contains("Change your password") && !page.contains("oken"));
}
