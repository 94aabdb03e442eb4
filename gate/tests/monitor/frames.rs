//! A web half that says what can't be is ended; nothing else is harmed by it.

use std::io::Write as _;

use occ_gate::wire::{FRAME_LIMIT, Reply, ask};

use crate::place::Place;
use crate::takeover::Taken;
use occ_gate_testing::until;

fn frame(json: &str) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap();
    [&length.to_le_bytes()[..], json.as_bytes()].concat()
}

#[test]
fn whoever_says_what_cannot_be_is_ended() {
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let token = alice.expose();
    let giant = u32::try_from(FRAME_LIMIT + 1)
        .unwrap()
        .to_le_bytes()
        .to_vec();
    for (number, bytes) in [
        vec![0, 0, 0, 0],
        giant,
        vec![0xff; 5000],
        frame("{}"),
        frame("not JSON"),
        frame(r#"{"id":1,"request":{"shell":{"uid":0}}}"#),
        frame(r#"{"id":1,"request":{"session":{"token":"short"}}}"#),
        frame(&format!(
            r#"{{"id":1,"request":{{"ensure":{{"token":"{}","uid":0}}}}}}"#,
            *token
        )),
        frame(&format!(
            r#"{{"id":1,"request":{{"ensure":{{"token":"{}","user":"root"}}}}}}"#,
            *token
        )),
        frame(r#"{"id":1,"request":{"ensure":{"user":"root"}}}"#),
        frame(r#"{"id":1,"request":{"idle":{"user":"bob"}}}"#),
    ]
    .into_iter()
    .enumerate()
    {
        let dead = web.pid;
        web.wire.write_all(&bytes).unwrap();
        web.is_given_up();
        web = monitor.take_over();
        assert_ne!(web.pid, dead, "{number}: another web half");
        assert!(
            !web.is_gone(&alice),
            "{number}: alice's session is still there"
        );
    }
    assert_eq!(place.starts("alice"), 0);
}

#[test]
fn half_a_frame_waits_and_harms_nobody() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let whole = frame(r#"{"id":7,"request":{"ping":{}}}"#);
    let (head, tail) = whole.split_at(9);
    web.wire.write_all(head).unwrap();
    until("the monitor to have read it", || rests(&web));
    web.wire.write_all(tail).unwrap();
    assert!(matches!(web.any_reply(7), Reply::Ping(())));
    web.wire.write_all(head).unwrap();
    web.wire.shutdown(std::net::Shutdown::Both).unwrap();
    let mut next = monitor.take_over();
    next.call(ask::Ping {});
}

/// Nothing lies unread in the wire.
fn rests(web: &Taken) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd as _;
    let mut fds = [PollFd::new(web.wire.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).unwrap() == 1
}

#[test]
fn one_that_does_not_read_is_ended() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    web.wire
        .set_write_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    let ping = frame(r#"{"id":1,"request":{"ping":{}}}"#);
    let pings = ping.repeat(1000);
    let mut sent = 0;
    // Replies pile up until the monitor has had enough; then writing fails.
    while web.wire.write_all(&pings).is_ok() {
        sent += 1;
        assert!(sent < 10_000, "the monitor keeps any number of replies");
    }
    let dead = web.pid;
    until("another web half", || {
        monitor.web_half().is_some_and(|pid| pid != dead)
    });
    let said = monitor.log();
    assert!(
        said.contains("ending the web half: it does not read"),
        "{said}"
    );
}

#[test]
fn a_web_half_that_dies_is_started_again() {
    use nix::sys::signal::{Signal, kill};
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    for _ in 0..3 {
        kill(nix::unistd::Pid::from_raw(web.pid), Signal::SIGKILL).unwrap();
        web.is_given_up();
        web = monitor.take_over();
        assert!(!web.is_gone(&alice));
    }
    web.ensure(&alice, "alice");
    assert_eq!(place.starts("alice"), 1, "her opencode never noticed");
}

#[test]
fn a_stop_is_no_death_of_the_web_half() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    until("a web half", || monitor.web_half().is_some());
    let (status, said) = monitor.stop();
    assert_eq!(status, Some(0), "{said}");
    assert!(!said.contains("the web half ended"), "{said}");
    assert!(said.contains("stopped"), "{said}");
}

#[test]
fn status_tells_how_the_web_half_fares() {
    use nix::sys::signal::{Signal, kill};
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let web = || {
        let text = std::fs::read(place.path("run/occ/gate.json")).unwrap_or_default();
        let status: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        let since = status["web"]["sinceUSec"].as_u64();
        (since.is_some(), status["web"]["restarts"].as_u64())
    };
    until("its first start is told", || web() == (true, Some(0)));
    for restarts in 1..4 {
        let mut found = None;
        until("a web half", || {
            found = monitor.web_half();
            found.is_some()
        });
        kill(nix::unistd::Pid::from_raw(found.unwrap()), Signal::SIGKILL).unwrap();
        until("its next start is told", || web() == (true, Some(restarts)));
    }
    assert!(monitor.log().contains("the web half ended: signal: 9"));
}
