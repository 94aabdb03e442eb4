//! Turning the second step on and off.

use std::fs;

use occ_gate::wire::{ConfirmSecondReply, Gone, SecondReply, SecondView, Token};

use super::*;
use crate::takeover::logged_in;

#[test]
fn stolen_session_turns_nothing_on_or_off() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let stolen = web.log_in(&place, "alice", 1).token;
    let reply = begin(&mut web, &stolen, "guess");
    assert!(matches!(reply, Ok(SecondReply::Wrong)), "{reply:?}");
    let reply = confirm(&mut web, &stolen, "000000");
    assert!(matches!(reply, Ok(ConfirmSecondReply::Over)), "{reply:?}");
    let guessed = (0..5).map(|_| begin(&mut web, &stolen, "guess"));
    let slowed = guessed.filter(|reply| matches!(reply, Ok(SecondReply::SlowDown { .. })));
    assert!(slowed.count() > 0, "guessing is limited");
    let (login, key, scratch) = turned_on(&place, &mut web);
    for (password, code) in [
        ("guess", scratch[0].as_str()),
        ("alice's word", &wrong_code(&key)),
        ("alice's word", ""),
    ] {
        let reply = end(&mut web, &login.token, password, code);
        assert!(matches!(reply, Ok(SecondReply::Wrong)), "{reply:?}");
    }
    // Not turned on over the key that counts, either.
    let reply = begin(&mut web, &login.token, "alice's word");
    assert!(matches!(reply, Ok(SecondReply::Unavailable)), "{reply:?}");
    assert!(matches!(
        begin(&mut web, &Token::new([7; 32]), "alice's word"),
        Err(Gone)
    ));
    assert_eq!(view(&mut web, &login.token), SecondView::On);
}

#[test]
fn it_is_turned_off_with_password_and_code() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (login, _, scratch) = turned_on(&place, &mut web);
    let reply = end(&mut web, &login.token, "alice's word", &scratch[0]);
    assert!(matches!(reply, Ok(SecondReply::Ended)), "{reply:?}");
    assert!(!place.path(FILE).exists());
    assert_eq!(view(&mut web, &login.token), SecondView::Off);
    web.log_in(&place, "alice", 2);
    let log = monitor.log();
    assert!(log.contains("second step: alice: turned off"), "{log}");
}

#[test]
fn wrong_code_turns_nothing_on_and_another_session_starts_over() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (one, other) = (
        web.log_in(&place, "alice", 1).token,
        web.log_in(&place, "alice", 2).token,
    );
    let first = key_of(begin(&mut web, &one, "alice's word"));
    let reply = confirm(&mut web, &one, &wrong_code(&first));
    assert!(matches!(reply, Ok(ConfirmSecondReply::Wrong)), "{reply:?}");
    assert!(!place.path(FILE).exists());
    let reply = confirm(&mut web, &other, &code(&first, 0));
    assert!(matches!(reply, Ok(ConfirmSecondReply::Over)), "{reply:?}");
    let second = key_of(begin(&mut web, &other, "alice's word"));
    assert_ne!(first, second);
    let reply = confirm(&mut web, &one, &code(&first, 0));
    assert!(matches!(reply, Ok(ConfirmSecondReply::Over)), "{reply:?}");
    let reply = confirm(&mut web, &other, &code(&second, 0));
    assert!(
        matches!(reply, Ok(ConfirmSecondReply::On { .. })),
        "{reply:?}"
    );
    let reply = confirm(&mut web, &other, &code(&second, 0));
    assert!(
        matches!(reply, Ok(ConfirmSecondReply::Over)),
        "once: {reply:?}"
    );
}

/// Uids never come again; names may.
#[test]
fn key_ends_with_the_account_it_was_made_for() {
    let mut place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    turned_on(&place, &mut web);
    place.person("alice").uid = 10_007;
    place.write_accounts();
    web.log_in(&place, "alice", 2);
    assert!(!place.path(FILE).exists());
}

#[test]
fn administrator_turns_the_offer_off_and_no_key() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    turned_on(&place, &mut web);
    let (status, log) = monitor.stop();
    assert_eq!(status, Some(0), "{log}");
    let place = place.set("OCC_GATE_SECOND_STEP", "0");
    let monitor = place.start();
    let mut web = monitor.take_over();
    asked(web.authenticate("alice", "alice's word", 2));
    let bob = web.log_in(&place, "bob", 3).token;
    assert_eq!(view(&mut web, &bob), SecondView::Unavailable);
    let reply = begin(&mut web, &bob, "bob's word");
    assert!(matches!(reply, Ok(SecondReply::Unavailable)), "{reply:?}");
    // `occ user set alice --no-second-factor`
    fs::remove_file(place.path(FILE)).unwrap();
    web.log_in(&place, "alice", 4);
}

#[test]
fn enrolment_that_is_never_confirmed_changes_no_login() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    key_of(begin(&mut web, &alice, "alice's word"));
    web.log_in(&place, "alice", 2);
    drop(web);
    monitor.stop();
    let monitor = place.start();
    let mut web = monitor.take_over();
    assert_eq!(view(&mut web, &alice), SecondView::Off);
    web.log_in(&place, "alice", 3);
    assert!(!place.path(FILE).exists());
}

/// A key that somebody saw over a shoulder is no good once there is another.
#[test]
fn enrolment_that_is_begun_again_has_another_key() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let keys = [(); 2].map(|()| key_of(begin(&mut web, &alice, "alice's word")));
    assert_ne!(keys[0], keys[1]);
    let reply = confirm(&mut web, &alice, &code(&keys[0], 0));
    assert!(matches!(reply, Ok(ConfirmSecondReply::Wrong)), "{reply:?}");
    let scratch = confirmed(&mut web, &alice, &keys[1]);
    logged_in(log_in(&mut web, 2, &scratch[0]));
}
