//! What reaches opencode, and what comes back.

use occ_gate::wire::{Event, User};

use occ_gate_testing::until;

use super::browser;
use super::harness::Gate;
use occ_gate_testing::opencode::FakeOpencode;

#[test]
fn opencode_gets_its_secret_and_nothing_of_the_gates() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let sent = format!("{cookie}; theme=dark");
    let answer = gate.ask(
        "GET /session?auth_token=eA==&directory=%2Fhome&auth%5Ftoken=x",
        &[
            &sent,
            "Authorization: Basic eDp5",
            "X-Forwarded-For: 1.1.1.1",
            "X-Forwarded-Host: evil",
            "Forwarded: for=1.1.1.1",
            "X-Opencode-Ticket: 1",
            "Connection: X-Secret",
            "X-Secret: hop",
        ],
    );
    assert_eq!(answer.status, 200);
    let head = gate.opencode.heads().remove(0).to_ascii_lowercase();
    assert!(
        head.starts_with("get /session?directory=%2fhome http/1.1\r\n"),
        "{head}"
    );
    for there in [
        "x-opencode-ticket: 1",
        "cookie: theme=dark\r\n",
        "authorization: basic b3blbmnvzgu6cznjcmv0\r\n",
    ] {
        assert!(head.contains(there), "{there}: {head}");
    }
    assert_eq!(head.matches("authorization: basic ").count(), 1, "{head}");
    assert_eq!(head.matches("host: ").count(), 1, "{head}");
    for absent in [
        "occ_opencode",
        "edp5",
        "1.1.1.1",
        "evil",
        "x-secret",
        "connection: x",
    ] {
        assert!(!head.contains(absent), "{absent}: {head}");
    }
}

#[test]
fn browsers_get_no_cookie_no_cors_and_no_login_box() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let answer = gate.ask("GET /hop", &[&cookie]);
    assert_eq!(answer.text(), "hop");
    assert_eq!(answer.header("set-cookie"), Some("theme=dark"));
    for absent in ["access-control-allow-origin", "x-hop"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
    assert_eq!(answer.header("x-frame-options"), Some("SAMEORIGIN"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn large_bodies_pass_in_both_directions() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let body: Vec<u8> = (0..3_000_000u32)
        .map(|number| number.to_le_bytes()[1])
        .collect();
    let origin = format!("Origin: {}", gate.origin());
    let answer = gate.ask_with("POST /body", &[&cookie, &origin], &body);
    assert_eq!(answer.status, 200);
    assert!(answer.body == body);
}

#[test]
fn connections_to_opencode_are_used_again() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    for _ in 0..20 {
        assert_eq!(gate.ask("GET /", &[&cookie]).status, 200);
    }
    assert_eq!(gate.opencode.connections(), 1);
    assert_eq!(gate.monitor.times_asked("session"), 1, "remembered");
    assert_eq!(gate.monitor.times_asked("ensure"), 1);
}

#[test]
fn a_port_of_somebody_else_gets_no_secret() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    gate.monitor.set(|state| state.opencodes.uid = Some(54321));
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 502);
    assert_eq!(gate.opencode.connections(), 0, "not even connected");
}

#[test]
fn a_new_start_of_opencode_is_found() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    assert_eq!(gate.ask("GET /", &[&cookie]).status, 200);
    // With its end told.
    let second = FakeOpencode::start("second");
    let ready = Some((second.port, second.secret.to_owned()));
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("alice".into(), ready)));
    gate.monitor.tell(Event::InstanceGone {
        user: User::cut("alice"),
    });
    until("the second opencode", || {
        assert_eq!(gate.ask("GET /", &[&cookie]).status, 200);
        !second.heads().is_empty()
    });
    // And with its end not told yet: the old secret is wrong at the new one.
    let third = FakeOpencode::start("third");
    let ready = Some((second.port, "wrong".to_owned()));
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("alice".into(), ready)));
    gate.monitor.tell(Event::InstanceGone {
        user: User::cut("alice"),
    });
    let answers = |status| gate.ask("GET /", &[&cookie]).status == status;
    until("the wrong secret", || answers(401));
    let answer = gate.ask("GET /", &[&cookie]);
    assert_eq!(answer.header("www-authenticate"), None);
    let ready = Some((third.port, third.secret.to_owned()));
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("alice".into(), ready)));
    until("the third opencode", || answers(200));
    assert!(!third.heads().is_empty());
}

#[test]
fn api_requests_wait_for_opencode() {
    let gate = Gate::start();
    let (_, cookie) = gate.alice();
    let ready = Some((gate.opencode.port, gate.opencode.secret.to_owned()));
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("alice".into(), None)));
    let head = format!(
        "GET /session HTTP/1.1\r\nHost: {}\r\n{cookie}\r\nConnection: close\r\n\r\n",
        gate.address
    );
    let mut waiting: Vec<_> = (0..5)
        .map(|_| browser::send(gate.address, head.as_bytes()))
        .collect();
    gate.monitor.was_asked("ensure");
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("alice".into(), ready)));
    gate.monitor.tell(Event::InstanceReady {
        user: User::cut("alice"),
    });
    for stream in &mut waiting {
        assert_eq!(browser::parse(&browser::rest(stream)).status, 200);
    }
}

#[test]
fn each_person_has_their_own() {
    let gate = Gate::start();
    let bobs = FakeOpencode::start("bobs");
    let ready = Some((bobs.port, bobs.secret.to_owned()));
    gate.monitor
        .set(|state| drop(state.opencodes.all.insert("bob".into(), ready)));
    let (_, alice) = gate.alice();
    let bob = format!(
        "Cookie: occ_opencode={}",
        gate.monitor.session("bob").expose().as_str()
    );
    for _ in 0..3 {
        assert_eq!(gate.ask("GET /a", &[&alice]).status, 200);
        assert_eq!(gate.ask("GET /b", &[&bob]).status, 200);
    }
    assert!(
        gate.opencode
            .heads()
            .iter()
            .all(|head| head.starts_with("GET /a "))
    );
    assert!(bobs.heads().iter().all(|head| head.starts_with("GET /b ")));
    assert_eq!((gate.opencode.heads().len(), bobs.heads().len()), (3, 3));
}
