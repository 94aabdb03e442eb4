//! Whoever is shut out loses sessions, streams and processes within a second.

use std::time::{Duration, Instant};

use occ_gate::wire::{EnsureReply, Event, Gone, Token, ask};

use crate::place::{Place, hash};
use crate::takeover::Taken;
use occ_gate_testing::{turns, until};

/// Alice with an opencode and something that left its process group; bob too.
fn busy() -> Place {
    turns::alone();
    let place = Place::with(&["alice", "bob"]);
    place.behave("alice", "children");
    place
}

fn both(web: &mut Taken, place: &Place) -> [Token; 2] {
    [("alice", 1), ("bob", 2)].map(|(name, number)| {
        let token = web.log_in(place, name, number).token;
        web.ensure(&token, name);
        token
    })
}

fn assert_shut_out(mut place: Place, change: impl FnOnce(&mut Place)) {
    let monitor = place.start();
    let mut web = monitor.take_over();
    let [alice, bob] = both(&mut web, &place);
    until("her child", || monitor.processes_of(10_000).len() == 2);
    let starts = place.starts("alice");
    change(&mut place);
    let started = Instant::now();
    let hash = alice.hash();
    web.event(|event| matches!(event, Event::Gone { token_hash } if *token_hash == hash));
    let cut = started.elapsed();
    until("her processes to be gone", || {
        monitor.processes_of(10_000).is_empty()
    });
    let ended = started.elapsed();
    assert!(
        cut < Duration::from_secs(1) && ended < Duration::from_secs(2),
        "{cut:?}, {ended:?}"
    );
    assert!(matches!(web.call(ask::Ensure { token: alice }), Err(Gone)));
    assert!(
        matches!(
            web.call(ask::Ensure { token: bob }),
            Ok(EnsureReply::Ready { .. })
        ),
        "bob goes on"
    );
    assert_eq!(place.starts("alice"), starts);
}

#[test]
fn disabling() {
    assert_shut_out(busy(), |place| {
        let alice = place.person("alice");
        alice.hash = format!("!{}", alice.hash);
        alice.shell = "/usr/sbin/nologin";
        alice.expire = "1";
        place.write_accounts();
    });
}

#[test]
fn a_lock_alone() {
    assert_shut_out(busy(), |place| {
        let alice = place.person("alice");
        alice.hash = format!("!{}", alice.hash);
        place.write_accounts();
    });
}

#[test]
fn another_password() {
    assert_shut_out(busy(), |place| {
        place.person("alice").hash = hash("set by an administrator");
        place.write_accounts();
    });
}

#[test]
fn removing() {
    assert_shut_out(busy(), |place| {
        place.people.retain(|person| person.name != "alice");
        place.write_accounts();
    });
}

#[test]
fn another_shell() {
    assert_shut_out(busy(), |place| {
        place.person("alice").shell = "/bin/bash";
        place.write_accounts();
    });
}

#[test]
fn whoever_comes_back_logs_in_again() {
    let mut place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let before = web.log_in(&place, "alice", 1).token;
    place.person("alice").expire = "1";
    place.write_accounts();
    until("her session to end", || web.is_gone(&before));
    place.person("alice").expire = "";
    place.write_accounts();
    assert!(web.is_gone(&before), "an old session does not come back");
    web.log_in(&place, "alice", 1);
}

#[test]
fn somebody_new_logs_in_at_once() {
    let mut place = Place::with(&["alice", "bob"]);
    let bob = place.people.pop().unwrap();
    place.write_accounts();
    let monitor = place.start();
    let mut web = monitor.take_over();
    place.people.push(bob);
    place.write_accounts();
    web.log_in(&place, "bob", 1);
}

#[test]
fn an_account_that_is_shut_while_it_starts_does_not_start() {
    let mut place = Place::with(&["alice"]);
    place.behave("alice", "silent");
    let (monitor, mut web, alice) = place.start_with("alice");
    assert!(matches!(
        web.call(ask::Ensure { token: alice }),
        Ok(EnsureReply::Starting)
    ));
    until("it to come up", || place.starts("alice") == 1);
    place.person("alice").shell = "/usr/sbin/nologin";
    place.write_accounts();
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert!(monitor.processes_of(10_000).is_empty());
}
