//! Sessions: whose they are, how they end, what a restart leaves of them.

use std::os::unix::fs::PermissionsExt as _;

use occ_gate::wire::{Event, Gone, Handle, SESSIONS_LIMIT, SessionEntry, Token, ask};

use crate::place::Place;
use crate::takeover::Taken;
use occ_gate_testing::until;

fn sessions(web: &mut Taken, token: &Token) -> Vec<SessionEntry> {
    match web.call(ask::ListSessions {
        token: token.clone(),
    }) {
        Ok(all) => all,
        other => panic!("no list: {other:?}"),
    }
}

fn gone(token: &Token) -> impl Fn(&Event) -> bool + use<> {
    let hash = token.hash();
    move |event| matches!(event, Event::Gone { token_hash } if *token_hash == hash)
}

#[test]
fn a_person_sees_and_ends_their_own_and_no_others() {
    let place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let here = web.log_in(&place, "alice", 1).token;
    let there = web.log_in(&place, "alice", 2).token;
    let bobs = web.log_in(&place, "bob", 3).token;
    let list = sessions(&mut web, &here);
    assert_eq!(list.len(), 2);
    let other = list.iter().find(|entry| !entry.current).unwrap();
    assert_eq!(other.address.to_string(), "192.0.2.2");
    let revoke = |token: &Token, handle| ask::Revoke {
        token: token.clone(),
        handle,
    };
    // Bob can't end alice's with any handle of hers.
    for entry in &list {
        assert!(matches!(web.call(revoke(&bobs, entry.handle)), Ok(())));
    }
    assert_eq!(sessions(&mut web, &here).len(), 2);
    assert!(matches!(web.call(revoke(&here, Handle(0))), Ok(())));
    assert!(matches!(web.call(revoke(&here, other.handle)), Ok(())));
    web.event(gone(&there));
    assert!(web.is_gone(&there) && !web.is_gone(&here));
    assert!(matches!(
        web.call(ask::End {
            token: here.clone()
        }),
        Ok(())
    ));
    assert!(matches!(web.call(ask::End { token: here }), Err(Gone)));
    let more: Vec<Token> = (10..13)
        .map(|number| web.log_in(&place, "alice", number).token)
        .collect();
    assert!(matches!(
        web.call(ask::EndAll {
            token: more[0].clone()
        }),
        Ok(())
    ));
    for token in &more {
        assert!(web.is_gone(token));
    }
    assert!(!web.is_gone(&bobs));
}

#[test]
fn a_restart_logs_nobody_out() {
    let mut place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let bob = web.log_in(&place, "bob", 2);
    web.ensure(&alice.token, "alice");
    drop(web);
    // The web half is stopped; the monitor ends it all the same.
    let (status, said) = monitor.stop();
    assert_eq!(status, Some(0), "{said}");
    let path = place.path("var/lib/occ-gate/sessions.json");
    assert_eq!(
        path.metadata().unwrap().permissions().mode() & 0o7777,
        0o600
    );
    assert_eq!(
        place
            .path("var/lib/occ-gate")
            .metadata()
            .unwrap()
            .permissions()
            .mode()
            & 0o7777,
        0o700
    );
    let text = std::fs::read_to_string(&path).unwrap();
    for login in [&alice, &bob] {
        assert!(
            !text.contains(login.token.expose().as_str()),
            "a token is in the file"
        );
    }
    // While nobody looked, bob got another password.
    place.person("bob").hash = crate::place::hash("another");
    place.write_accounts();
    let monitor = place.start();
    let mut web = monitor.take_over();
    assert!(!web.is_gone(&alice.token));
    assert!(web.is_gone(&bob.token));
    let (_, second) = monitor.stop();
    assert!(second.contains("the web half ended"), "{second}");
}

#[test]
fn an_unreadable_list_is_set_aside() {
    let place = Place::with(&["alice"]);
    let (monitor, web, alice) = place.start_with("alice");
    drop(web);
    monitor.stop();
    let path = place.path("var/lib/occ-gate/sessions.json");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("\"schema\":1", "\"schema\":9");
    assert!(text.contains("\"schema\":9"), "{text}");
    std::fs::write(&path, &text).unwrap();
    let monitor = place.start();
    let mut web = monitor.take_over();
    assert!(web.is_gone(&alice));
    let aside = path.with_extension("json.unreadable");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), text);
    web.log_in(&place, "alice", 1);
}

#[test]
fn idle_and_absolute_limits_end_streams() {
    let place = Place::with(&["alice", "bob"])
        .set("OCC_GATE_SESSION_IDLE", "4s")
        .set("OCC_GATE_SESSION_LIMIT", "9s");
    let (_monitor, mut web, alice) = place.start_with("alice");
    let bob = web.log_in(&place, "bob", 2).token;
    until("bob's to be idle for too long", || {
        assert!(matches!(
            web.call(ask::Touch {
                token: alice.clone()
            }),
            Ok(())
        ));
        web.is_gone(&bob)
    });
    until("alice's to be too old", || {
        matches!(
            web.call(ask::Touch {
                token: alice.clone()
            }),
            Err(Gone)
        )
    });
    web.event(gone(&bob));
    web.event(gone(&alice));
}

#[test]
fn the_oldest_session_makes_room() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let first = web.log_in(&place, "alice", 1).token;
    let age = || {
        std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap()
            .as_secs()
    };
    let now = age();
    until("the next second", || age() > now + 1);
    for number in 0..SESSIONS_LIMIT {
        web.log_in(&place, "alice", u8::try_from(number).unwrap());
    }
    assert!(web.is_gone(&first));
    web.event(gone(&first));
}

#[test]
fn a_second_login_on_the_same_volume_waits_for_the_first() {
    let place = Place::with(&["alice", "bob"]);
    let (first, mut web, alice) = place.start_with("alice");
    let waits = || {
        let monitor = place.begin();
        until("it to wait", || monitor.log().contains("waiting until"));
        assert!(monitor.web_half().is_none());
        monitor
    };
    // Told to stop, it need not wait any longer.
    let (status, said) = waits().stop();
    assert_eq!(status, Some(0), "{said}");
    let second = waits();
    let bob = web.log_in(&place, "bob", 2).token;
    drop(web);
    first.stop();
    until("its web half", || second.web_half().is_some());
    let mut web = second.take_over();
    assert!(!web.is_gone(&alice) && !web.is_gone(&bob));
}

#[test]
fn a_volume_that_cannot_be_locked_shuts_nobody_out() {
    let place = Place::with(&["alice"]);
    std::fs::create_dir_all(place.path("var/lib/occ-gate/.lock")).unwrap();
    let (monitor, mut web, alice) = place.start_with("alice");
    assert!(!web.is_gone(&alice));
    assert!(monitor.log().contains("cannot lock"), "{}", monitor.log());
}
