//! Logins: who gets in, what everybody else is told, and when.

use std::time::{Duration, Instant};

use occ_gate::wire::{Agent, LoginReply, Secret, Token, User, ask};

use crate::place::{Place, hash_with};
use crate::takeover::{address, logged_in, login};
use occ_gate_testing::{turns, until};

#[test]
fn only_enabled_people_with_their_password_get_in() {
    let mut place = Place::with(&["alice", "bob", "carol", "dora", "erik"]);
    let locked = format!("!{}", place.person("bob").hash);
    place.person("bob").hash = locked;
    place.person("carol").shell = "/usr/sbin/nologin";
    place.person("dora").expire = "1";
    place.write_accounts();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let login = web.log_in(&place, "alice", 1);
    assert_eq!(login.user.as_str(), "alice");
    let Ok(session) = web.call(ask::GetSession { token: login.token }) else {
        panic!("no session");
    };
    assert_eq!(
        (session.user.as_str(), session.display_name.as_str()),
        ("alice", "alice Doe")
    );
    let attempts = [
        ("alice", "wrong"),
        ("alice", ""),
        ("Alice", "alice's word"),
        ("bob", "bob's word"),
        ("carol", "carol's word"),
        ("dora", "dora's word"),
        ("root", "root's word"),
        ("occ-gate", ""),
        ("nobody", ""),
        ("", ""),
        ("../alice", "alice's word"),
        ("alice:x", "alice's word"),
        ("älice", "alice's word"),
    ];
    let started = Instant::now();
    let ids: Vec<_> = attempts
        .iter()
        .zip(10..)
        .map(|((user, password), number)| web.send(self::login(user, password, number)))
        .collect();
    for (id, attempt) in ids.into_iter().zip(attempts) {
        let reply = web.reply(id);
        assert!(
            matches!(reply, LoginReply::Refused),
            "{attempt:?}: {reply:?}"
        );
    }
    assert!(started.elapsed() >= Duration::from_secs(3));
    names_in_the_log(&monitor.log());
}

/// Of those that there are; no password, and nothing that could be one.
fn names_in_the_log(log: &str) {
    assert!(
        log.contains("login ok from=192.0.2.1 user=alice by=password\n"),
        "{log}"
    );
    assert!(
        log.contains("login failed from=192.0.2.10 user=alice by=password why=refused\n"),
        "{log}"
    );
    // Whoever is shut out, and root, have names that are no secret.
    for name in ["bob", "carol", "dora", "root"] {
        assert!(log.contains(&format!(" user={name} by=password ")), "{log}");
    }
    assert!(
        !log.contains("älice") && !log.contains("../"),
        "names of nobody: {log}"
    );
    assert!(!log.contains("'s word"), "a password: {log}");
}

/// The time of a refusal alone must not tell who has an account.
#[test]
fn every_failure_takes_the_same_time() {
    turns::alone();
    let mut place = Place::with(&["alice", "bob"]);
    // Costly enough to be told from none at all.
    place.person("alice").hash = costly_hash();
    let locked = format!("!{}", costly_hash());
    place.person("bob").hash = locked;
    place.write_accounts();
    let monitor = place.start();
    let mut web = monitor.take_over();
    for (user, number) in [
        ("alice", 1),
        ("bob", 2),
        ("nobody", 3),
        ("mallory", 4),
        ("root", 5),
        ("x:y", 6),
    ] {
        let started = Instant::now();
        assert!(matches!(
            web.authenticate(user, "guess", number),
            LoginReply::Refused
        ));
        let took = started.elapsed().as_secs_f64();
        let late = took % 3.0;
        assert!(took >= 3.0 && late < 1.0, "{user}: {took:.3} s");
    }
}

fn costly_hash() -> String {
    hash_with("right", 100_000)
}

#[test]
fn guessing_gets_slower_and_locks_nobody_out_elsewhere() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let known = web.log_in(&place, "alice", 1);
    let guesses: Vec<_> = (0..4)
        .map(|guess| web.send(login("alice", &format!("{guess}"), 1)))
        .collect();
    for id in guesses {
        assert!(matches!(web.reply(id), LoginReply::Refused));
    }
    let refused = web.authenticate("alice", "alice's word", 1);
    assert!(
        matches!(refused, LoginReply::SlowDown { seconds: 1..=4 }),
        "{refused:?}"
    );
    until("a line of each attempt", || {
        monitor
            .log()
            .contains("login failed from=192.0.2.1 user=alice by=password why=too-many-failures\n")
    });
    web.log_in(&place, "alice", 2);
    // The browser that was here before has a budget of its own.
    let again = ask::Authenticate {
        user: User::cut("alice"),
        password: Secret::from_text("alice's word").unwrap(),
        address: address(1),
        agent: Agent::cut("a browser"),
        device: Some(known.device),
    };
    logged_in(web.call(again));
}

/// Behind a published port all have one address: who logs in must not pay for
/// what others mistyped before.
#[test]
fn a_right_password_delays_nobody_at_the_same_address() {
    turns::alone();
    let place = Place::with(&["alice", "bob", "carol", "dora", "erik", "finn"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let mistyped: Vec<_> = (0..15)
        .map(|number| web.send(login(&format!("u{number}"), "guess", 1)))
        .collect();
    for id in mistyped {
        assert!(matches!(web.reply(id), LoginReply::Refused));
    }
    until("the last failure to be over", || {
        matches!(
            web.authenticate("alice", "alice's word", 1),
            LoginReply::Token(_)
        )
    });
    let started = Instant::now();
    for name in ["bob", "carol", "dora", "erik", "finn"] {
        web.log_in(&place, name, 1);
    }
    // Five times the delay after a failure would be more than 5 s.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
}

#[test]
fn a_token_is_not_guessed() {
    let place = Place::with(&["alice"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    for number in 0..=255 {
        assert!(web.is_gone(&Token::new([number; 32])));
    }
    // The digest that events carry is no token either.
    let digest = serde_json::to_string(&alice.hash()).unwrap();
    assert!(web.is_gone(&Token::parse(digest.trim_matches('"')).unwrap()));
    assert!(!web.is_gone(&alice));
}

#[test]
fn a_second_prompt_goes_to_the_person() {
    let place = Place::with(&["alice"]);
    let stack = "auth required pam_unix.so nodelay\n\
        auth required pam_oath.so usersfile=/etc/users.oath window=5 digits=6\n\
        account required pam_unix.so\n";
    place.write("etc/pam.d/occ", stack, 0o644);
    // The secret of RFC 4226, appendix D, with its first codes.
    let secret = "3132333435363738393031323334353637383930";
    place.write("etc/users.oath", &format!("HOTP alice - {secret}\n"), 0o600);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let mut prompt = |number| match web.authenticate("alice", "alice's word", number) {
        LoginReply::Prompt {
            conversation, text, ..
        } => (conversation, text),
        other => panic!("she is not asked: {other:?}"),
    };
    let (right, text) = prompt(1);
    assert!(
        text.as_str()
            .starts_with("One-time password (OATH) for `alice"),
        "{text}"
    );
    let (wrong_code, _) = prompt(3);
    // pam_oath asks those whom it knows after a wrong password too; that must not be seen.
    for (user, number) in [("alice", 2), ("mallory", 4)] {
        let reply = web.authenticate(user, "guess", number);
        assert!(matches!(reply, LoginReply::Refused), "{user}: {reply:?}");
    }
    let answer = |conversation, code| ask::Answer {
        conversation,
        text: Secret::from_text(code).unwrap(),
    };
    logged_in(web.call(answer(right, "755224")));
    assert!(
        matches!(web.call(answer(right, "287082")), LoginReply::Refused),
        "once"
    );
    let begin = Instant::now();
    assert!(matches!(
        web.call(answer(wrong_code, "000000")),
        LoginReply::Refused
    ));
    assert!(begin.elapsed() >= Duration::from_secs(3));
}

#[test]
fn a_module_that_hangs_takes_nobody_along() {
    let place = Place::with(&["alice"]);
    place.write(
        "etc/pam.d/occ",
        "auth required pam_exec.so quiet /bin/sleep 1000\n",
        0o644,
    );
    let monitor = place.start();
    let mut web = monitor.take_over();
    let hung = web.send(login("alice", "alice's word", 1));
    web.call(ask::Ping {});
    assert!(matches!(web.reply(hung), LoginReply::Unavailable));
    let log = monitor.log();
    assert!(log.contains("cannot ask PAM: no answer in 10 s"), "{log}");
    until("no helper to be left", || {
        crate::processes::children(monitor.pid).iter().all(|pid| {
            crate::processes::command_line(*pid)
                .get(1)
                .is_none_or(|word| word != "pam")
        })
    });
}
