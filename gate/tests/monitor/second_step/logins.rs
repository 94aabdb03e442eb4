//! Logins of people whose second step is on.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use occ_gate::wire::{ChangePasswordReply, LoginReply, SecondView, ask};
use occ_gate_testing::until;

use super::*;
use crate::takeover::logged_in;
use crate::tokens;

#[test]
fn enrolled_person_logs_in_with_code_or_scratch_code_and_each_is_good_once() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let login = web.log_in(&place, "alice", 1);
    assert_eq!(view(&mut web, &login.token), SecondView::Off);
    let key = key_of(begin(&mut web, &login.token, "alice's word"));
    assert_eq!(view(&mut web, &login.token), SecondView::Begun);
    assert!(!place.path(FILE).exists(), "it does not count yet");
    web.log_in(&place, "alice", 2);
    let scratch = confirmed(&mut web, &login.token, &key);
    assert_eq!(view(&mut web, &login.token), SecondView::On);
    assert!(!web.is_gone(&login.token), "she stays logged in");
    let file = fs::metadata(place.path(FILE)).unwrap();
    assert_eq!((file.uid(), file.mode() & 0o777), (0, 0o600));
    let directory = place.path("var/lib/occ-gate/second");
    assert_eq!(fs::metadata(directory).unwrap().mode() & 0o777, 0o700);
    // Spaces as a phone shows them.
    let shown = code(&key, 0);
    let spaced = format!("{} {}", &shown[..3], &shown[3..]);
    logged_in(log_in(&mut web, 3, &spaced));
    assert!(
        matches!(log_in(&mut web, 4, &shown), LoginReply::Refused),
        "once"
    );
    let scratch = &scratch[0];
    // The module lets three in within half a minute.
    logged_in(log_in(&mut web, 5, scratch));
    let left = fs::read_to_string(place.path(FILE)).unwrap();
    assert!(
        !left.contains(scratch.as_str()),
        "{} codes left",
        left.lines().count()
    );
    let log = monitor.log();
    assert!(log.contains("second step: alice: turned on"), "{log}");
    for never in [&key, &shown, scratch] {
        assert!(!log.contains(never.as_str()), "{log}");
    }
    web.log_in(&place, "bob", 6);
}

/// Nor does a question, or none, tell who has an account or a second step.
#[test]
fn wrong_password_never_asks_for_a_code() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    turned_on(&place, &mut web);
    asked(web.authenticate("alice", "alice's word", 2));
    for (name, number) in [("alice", 3), ("bob", 4), ("mallory", 5)] {
        let started = Instant::now();
        let reply = web.authenticate(name, "guess", number);
        assert!(matches!(reply, LoginReply::Refused), "{name}: {reply:?}");
        assert!(started.elapsed() >= Duration::from_secs(3), "{name}");
    }
}

#[test]
fn wrong_codes_count_as_failures() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (_, key, _) = turned_on(&place, &mut web);
    let wrong = wrong_code(&key);
    let mut refused = 0;
    let slowed = loop {
        match web.authenticate("alice", "alice's word", 9) {
            LoginReply::Prompt { conversation, .. } => {
                let text = secret(&wrong);
                let reply = web.call(ask::Answer { conversation, text });
                assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
            }
            // The module's own limit, which tells nothing.
            LoginReply::Refused => (),
            LoginReply::SlowDown { seconds } => break seconds,
            other => panic!("{other:?}"),
        }
        refused += 1;
    };
    assert!(refused <= 4 && slowed > 0, "{refused} {slowed}");
}

/// PAM runs no `auth` line for it.
#[test]
fn password_is_changed_without_a_code() {
    let place = place();
    // As cheap as it may be.
    let service = SERVICE.replace("rounds=500000", "rounds=6000");
    place.write("etc/pam.d/occ", &service, 0o644);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (login, key, _) = turned_on(&place, &mut web);
    let reply = web.call(ask::ChangePassword {
        token: login.token.clone(),
        old: secret("alice's word"),
        new: secret("a new word"),
    });
    assert!(
        matches!(reply, Ok(ChangePasswordReply::Changed)),
        "{reply:?}"
    );
    let conversation = asked(web.authenticate("alice", "a new word", 2));
    let text = secret(&code(&key, 0));
    logged_in(web.call(ask::Answer { conversation, text }));
}

/// The code first: it belongs to the login, the new password to the account.
#[test]
fn expired_password_is_changed_after_the_code() {
    let mut place = place();
    let service = SERVICE.replace("rounds=500000", "rounds=6000");
    place.write("etc/pam.d/occ", &service, 0o644);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (_, key, _) = turned_on(&place, &mut web);
    place.person("alice").aging = "0:0:99999:7:";
    place.write_accounts();
    let conversation = match log_in(&mut web, 2, &code(&key, 0)) {
        LoginReply::NewPasswordNeeded { conversation, .. } => conversation,
        other => panic!("no new password is needed: {other:?}"),
    };
    let new = secret("a new word");
    logged_in(web.call(ask::RenewPassword { conversation, new }));
}

/// The module lets three in within half a minute: more, so that it is the code that is refused.
#[test]
fn scratch_code_is_good_once() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (_, _, scratch) = turned_on(&place, &mut web);
    more_logins(&place);
    for (number, code) in (2..).zip(&scratch) {
        logged_in(log_in(&mut web, number, code));
    }
    // Another browser each, so that nothing but the code is too much.
    for (number, code) in (20..).zip(&scratch[..2]) {
        let reply = log_in(&mut web, number, code);
        assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
    }
}

#[test]
fn disabled_account_is_asked_nothing_and_its_answer_is_worth_nothing() {
    let mut place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (login, key, scratch) = turned_on(&place, &mut web);
    let conversation = asked(web.authenticate("alice", "alice's word", 2));
    let hash = std::mem::take(&mut place.person("alice").hash);
    place.person("alice").hash = format!("!{hash}");
    place.person("alice").expire = "1";
    place.person("alice").shell = "/usr/sbin/nologin";
    place.write_accounts();
    until("her session to end", || web.is_gone(&login.token));
    let text = secret(&code(&key, 0));
    let reply = web.call(ask::Answer { conversation, text });
    assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
    let reply = web.authenticate("alice", "alice's word", 3);
    assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
    // Enabled again, she has it as before.
    place.person("alice").hash = hash;
    place.person("alice").expire = "";
    place.person("alice").shell = "/bin/sh";
    place.write_accounts();
    logged_in(log_in(&mut web, 4, &scratch[0]));
}

/// They were made by somebody who was logged in, and no program can type a code.
#[test]
fn tokens_go_on_without_a_code() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let before = tokens::make(&mut web, &alice, "before");
    let key = key_of(begin(&mut web, &alice, "alice's word"));
    confirmed(&mut web, &alice, &key);
    let after = tokens::make(&mut web, &alice, "after");
    for access in [&before, &after] {
        let opened = tokens::open(&mut web, access);
        web.ensure(&opened, "alice");
    }
}
