//! Logins with a passkey: what proves one, and what does not.

use occ_gate::wire::{ChallengeReply, Token, ask};
use occ_gate_testing::authenticator::Authenticator;

use super::{
    ORIGIN, ask_to_add, assert_refused, begin, begin_adding, list, log_in, origin, place, send,
    send_from, show, start_with_passkey,
};
use crate::takeover::{address, logged_in};

#[test]
fn a_passkey_logs_its_person_in() {
    let place = place(&["alice", "bob"]);
    let mut key = Authenticator::new(1);
    let (_monitor, mut web, _) = start_with_passkey(&place, &key);
    let login = logged_in(log_in(&mut web, &mut key, 2));
    assert_eq!(login.user.as_str(), "alice");
    let entries = list(&mut web, &login.token);
    assert_eq!((entries.len(), entries[0].name.as_str()), (1, "phone"));
    assert!(entries[0].last_use.is_some());
    web.ensure(&login.token, "alice");
    // Without a counter again and again.
    for number in 3..5 {
        logged_in(log_in(&mut web, &mut key, number));
    }
    let token = login.token;
    let handle = entries[0].handle;
    let removed = web.call(ask::RemovePasskey { token, handle });
    assert!(matches!(removed, Ok(true)));
    assert_refused(&log_in(&mut web, &mut key, 5), "removed");
}

#[test]
fn a_challenge_is_good_once_and_in_one_browser() {
    let place = place(&["alice"]);
    let mut key = Authenticator::new(1);
    let (_monitor, mut web, alice) = start_with_passkey(&place, &key);
    // Somebody else saw the challenge, and has a token for another one.
    let (_, options) = begin(&mut web, 2);
    let (others, _) = begin(&mut web, 3);
    let proof = key.sign(&options, ORIGIN);
    let shown = show(&mut web, &others, (&key, &proof), 3);
    assert_refused(&shown, "another's challenge");
    let none = Token::new([7; 32]);
    let shown = show(&mut web, &none, (&key, &proof), 4);
    assert_refused(&shown, "no challenge");
    // The same answer twice.
    let (challenge, options) = begin(&mut web, 5);
    let proof = key.sign(&options, ORIGIN);
    logged_in(show(&mut web, &challenge, (&key, &proof), 5));
    let again = show(&mut web, &challenge, (&key, &proof), 6);
    assert_refused(&again, "replayed");
    // The same answer to a new challenge.
    let (challenge, _) = begin(&mut web, 7);
    let again = show(&mut web, &challenge, (&key, &proof), 7);
    assert_refused(&again, "an old answer");
    // A challenge for adding one is none for a login.
    let (challenge, options) = begin_adding(&mut web, &alice);
    let options = serde_json::json!({"publicKey":
        {"challenge": options["publicKey"]["challenge"], "rpId": "box.localhost"}});
    let proof = key.sign(&options, ORIGIN);
    let shown = show(&mut web, &challenge, (&key, &proof), 8);
    assert_refused(&shown, "a challenge for adding");
}

#[test]
fn what_proves_nothing_is_refused() {
    let place = place(&["alice"]);
    let mut key = Authenticator::new(1);
    key.counter = 5;
    let (monitor, mut web, alice) = start_with_passkey(&place, &key);
    let copy = key.clone();
    key.counter = 6;
    logged_in(log_in(&mut web, &mut key, 2));
    // All at once: each failure is answered after three seconds.
    let mut sent = Vec::new();
    for (number, counter) in (10..).zip([0, 5, 6]) {
        let mut copy = copy.clone();
        copy.counter = counter;
        sent.push(("a copy", send_from(&mut web, &mut copy, ORIGIN, number)));
    }
    let mut forged = key.forged();
    sent.push(("another key", send_from(&mut web, &mut forged, ORIGIN, 20)));
    let mut bad = key.clone();
    bad.verifies = false;
    sent.push(("nobody verified", send_from(&mut web, &mut bad, ORIGIN, 21)));
    (bad.verifies, bad.is_framed) = (true, true);
    sent.push(("in a frame", send_from(&mut web, &mut bad, ORIGIN, 22)));
    let mut unknown = Authenticator::new(2);
    sent.push((
        "an unknown one",
        send_from(&mut web, &mut unknown, ORIGIN, 23),
    ));
    for (number, elsewhere) in (24..).zip([
        "http://box.localhost:3001",
        "https://box.localhost:3000",
        "http://evil.box.localhost:3000",
        "http://evil.example.com",
    ]) {
        sent.push((elsewhere, send_from(&mut web, &mut key, elsewhere, number)));
    }
    for (number, proof) in (30..).zip(["", "{}", "[", "\u{0}"]) {
        let (challenge, _) = begin(&mut web, number);
        sent.push((proof, send(&mut web, &challenge, (&key, proof), number)));
    }
    for (what, sent) in sent {
        assert_refused(&web.reply(sent), what);
    }
    let reply = log_in(&mut web, &mut key, 40);
    assert_refused(&reply, "the one that was copied: the copy may overtake it");
    let id = format!("{:08x}", list(&mut web, &alice)[0].handle.0);
    let (_, log) = monitor.stop();
    for line in [
        "alice from 192.0.2.20: the passkey proves nothing".to_owned(),
        format!(
            "alice from 192.0.2.10: passkey {id} gave a number that it gave before, so somebody \
             has a copy of it: it logs nobody in any more; 'occ user passkey remove alice {id}' removes it"
        ),
    ] {
        assert!(log.contains(&line), "{line}: {log}");
    }
}

/// The library reads the counter of the last login, kept over a restart.
#[test]
fn a_restart_forgets_no_counter() {
    let place = place(&["alice"]);
    let mut key = Authenticator::new(1);
    key.counter = 5;
    let mut copy = key.clone();
    let (monitor, mut web, _) = start_with_passkey(&place, &key);
    key.counter = 9;
    logged_in(log_in(&mut web, &mut key, 2));
    monitor.stop();
    let monitor = place.start();
    let mut web = monitor.take_over();
    copy.counter = 8;
    assert_refused(&log_in(&mut web, &mut copy, 3), "a copy");
    monitor.stop();
    let monitor = place.start();
    let mut web = monitor.take_over();
    copy.counter = 20;
    assert_refused(&log_in(&mut web, &mut copy, 4), "a copy that overtook");
}

#[test]
fn a_flood_of_challenges_pushes_out_its_own() {
    let place = place(&["alice"]);
    let mut key = Authenticator::new(1);
    let (_monitor, mut web, _) = start_with_passkey(&place, &key);
    let (flooded, of_flood) = begin(&mut web, 2);
    let (other, of_other) = begin(&mut web, 3);
    for _ in 0..600 {
        begin(&mut web, 2);
    }
    let proof = key.sign(&of_flood, ORIGIN);
    let shown = show(&mut web, &flooded, (&key, &proof), 4);
    assert_refused(&shown, "pushed out");
    let proof = key.sign(&of_other, ORIGIN);
    logged_in(show(&mut web, &other, (&key, &proof), 3));
}

#[test]
fn an_administrator_switches_them_off() {
    let place = place(&["alice"]).set("OCC_GATE_PASSKEYS", "0");
    let (_monitor, mut web, alice) = place.start_with("alice");
    let reply = web.call(ask::BeginPasskeyLogin {
        origin: origin(ORIGIN),
        address: address(2),
    });
    assert!(matches!(reply, ChallengeReply::Off));
    let reply = ask_to_add(&mut web, &alice, "alice's word", None);
    assert!(matches!(reply, Ok(ChallengeReply::Off)));
}
