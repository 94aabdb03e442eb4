//! The ends of access tokens: by their owner, with the account, with its password.

use std::time::Instant;

use occ_gate::wire::{ChangePasswordReply, EnsureReply, Event, Gone, ask};

use crate::place::{Place, hash};
use crate::tokens::{TOKENS, assert_cut, handle_of, is_refused, list, make, open, secret};
use occ_gate_testing::until;

#[test]
fn a_revoked_token_ends_at_once_for_good() {
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let [here, there] = ["here", "there"].map(|name| make(&mut web, &alice, name));
    let [first, second] = [&here, &there].map(|access| open(&mut web, access));
    web.ensure(&first, "alice");
    let handle = handle_of(&mut web, &alice, "here");
    let since = Instant::now();
    let token = alice.clone();
    let revoked = web.call(ask::RevokeAccess { token, handle });
    assert!(matches!(revoked, Ok(true)));
    assert_cut(&mut web, &first, since);
    assert!(matches!(web.call(ask::Ensure { token: first }), Err(Gone)));
    assert!(is_refused(&mut web, &here));
    let ready = web.call(ask::Ensure {
        token: second.clone(),
    });
    assert!(
        matches!(ready, Ok(EnsureReply::Ready { .. })),
        "the other one is good"
    );
    // Logged out everywhere.
    let since = Instant::now();
    web.call(ask::EndAll { token: alice }).unwrap();
    assert_cut(&mut web, &second, since);
    assert!(is_refused(&mut web, &there));
    drop(web);
    monitor.stop();
    let text = std::fs::read_to_string(place.path(TOKENS)).unwrap();
    assert!(text.contains(r#""tokens":[]"#), "{text}");
}

/// Returns whether a token is no good, also after the account is as it was before a change.
fn ends_for_good(change: impl FnOnce(&mut Place)) -> bool {
    let mut place = Place::with(&["alice", "bob"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    web.ensure(&session, "alice");
    let before = place.person("alice").hash.clone();
    let since = Instant::now();
    change(&mut place);
    place.write_accounts();
    assert_cut(&mut web, &session, since);
    until("her processes to be gone", || {
        monitor.processes_of(10_000).is_empty()
    });
    assert!(is_refused(&mut web, &access));
    // As it was.
    let alice = place.person("alice");
    (alice.hash, alice.shell, alice.expire) = (before, "/bin/sh", "");
    place.write_accounts();
    web.log_in(&place, "alice", 1);
    is_refused(&mut web, &access)
}

#[test]
fn a_disabled_account_ends_its_tokens_for_good() {
    assert!(ends_for_good(|place| {
        let alice = place.person("alice");
        alice.hash = format!("!{}", alice.hash);
        (alice.shell, alice.expire) = ("/usr/sbin/nologin", "1");
    }));
}

#[test]
fn an_administrators_reset_ends_the_tokens() {
    assert!(ends_for_good(|place| {
        place.person("alice").hash = hash("set by an administrator");
    }));
}

/// They end what runs, and a program comes back.
#[test]
fn another_shell_or_last_day_ends_no_token() {
    let mut place = Place::with(&["alice"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    web.ensure(&session, "alice");
    for (shell, expire) in [("/bin/bash", ""), ("/bin/bash", "60000")] {
        let alice = place.person("alice");
        (alice.shell, alice.expire) = (shell, expire);
        place.write_accounts();
        web.event(|event| matches!(event, Event::InstanceGone { .. }));
        assert!(open(&mut web, &access) == session);
        web.ensure(&session, "alice");
    }
}

#[test]
fn a_removed_account_takes_its_tokens_along() {
    let mut place = Place::with(&["alice", "bob"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    let mut removed = place.people.remove(0);
    let since = Instant::now();
    place.write_accounts();
    assert_cut(&mut web, &session, since);
    assert!(is_refused(&mut web, &access));
    // Somebody with that name again, and a password of their own.
    removed.hash = hash("alice's next word");
    removed.password = "alice's next word".to_owned();
    place.people.push(removed);
    place.write_accounts();
    let alice = web.log_in(&place, "alice", 1).token;
    assert!(is_refused(&mut web, &access));
    assert!(list(&mut web, &alice).is_empty());
}

#[test]
fn a_person_who_changes_their_own_password_keeps_their_tokens() {
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    let changed = web.call(ask::ChangePassword {
        token: alice.clone(),
        old: secret("alice's word"),
        new: secret("a word of her own"),
    });
    assert!(
        matches!(changed, Ok(ChangePasswordReply::Changed)),
        "{changed:?}"
    );
    assert!(open(&mut web, &access) == session);
    let hash = session.hash();
    let is_gone =
        |event: &Event| matches!(event, Event::Gone { token_hash } if *token_hash == hash);
    assert!(!web.events.iter().any(is_gone), "nothing was cut");
    drop(web);
    monitor.stop();
    let monitor = place.start();
    let mut web = monitor.take_over();
    open(&mut web, &access);
}
