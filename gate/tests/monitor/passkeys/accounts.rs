//! The account behind a passkey: shut, expired, or claimed by another record.

use occ_gate::wire::{LoginReply, Secret, ask};
use occ_gate_testing::authenticator::Authenticator;

use super::{STORE, add, assert_added, assert_refused, log_in, place, start_with_passkey};
use crate::place::hash;
use crate::takeover::{Taken, logged_in};

fn renew(web: &mut Taken, reply: &LoginReply, new: &str) -> LoginReply {
    let LoginReply::NewPasswordNeeded { conversation, .. } = *reply else {
        panic!("no new password is asked for: {reply:?}");
    };
    let new = Secret::from_text(new).unwrap();
    web.call(ask::RenewPassword { conversation, new })
}

#[test]
fn accounts_that_are_shut_are_not_opened() {
    let mut place = place(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let mut keys = [1, 2].map(Authenticator::new);
    for (name, key) in ["alice", "bob"].iter().zip(&keys) {
        let session = web.log_in(&place, name, 1).token;
        assert_added(&add(&mut web, &session, key));
    }
    place.person("alice").expire = "1";
    let hash = place.person("bob").hash.clone();
    place.person("bob").hash = format!("!{hash}");
    place.write_accounts();
    for (number, key) in (2..).zip(&mut keys) {
        assert_refused(&log_in(&mut web, key, number), "shut");
    }
    place.person("alice").expire = "";
    place.write_accounts();
    logged_in(log_in(&mut web, &mut keys[0], 9));
}

/// It stands for the password in this as well, so it asks for a new one alone.
#[test]
fn an_expired_password_is_changed_after_a_passkey() {
    let mut place = place(&["alice"]);
    let mut key = Authenticator::new(1);
    key.counter = 5;
    let (_monitor, mut web, _) = start_with_passkey(&place, &key);
    place.person("alice").aging = "0:0:99999:7:";
    place.write_accounts();
    let copy = key.clone();
    key.counter = 7;
    let needed = log_in(&mut web, &mut key, 2);
    // A copy gets no further than this, and neither does anything but the conversation.
    for counter in [5, 7] {
        let mut copy = copy.clone();
        copy.counter = counter;
        assert_refused(&log_in(&mut web, &mut copy, 3), "a copy");
    }
    let current = renew(&mut web, &needed, "alice's word");
    assert!(
        matches!(&current, LoginReply::NewPasswordNeeded { text, .. }
            if text.as_str() == "The new password is the current one."),
        "{current:?}"
    );
    let login = logged_in(renew(&mut web, &current, "a new word"));
    assert_eq!(login.user.as_str(), "alice");
    logged_in(web.authenticate("alice", "a new word", 4));
}

#[test]
fn a_passkey_that_is_removed_meanwhile_sets_no_password() {
    let mut place = place(&["alice"]);
    let mut key = Authenticator::new(1);
    let (_monitor, mut web, _) = start_with_passkey(&place, &key);
    place.person("alice").aging = "0:0:99999:7:";
    place.write_accounts();
    let needed = log_in(&mut web, &mut key, 2);
    std::fs::remove_file(place.path(STORE).join("alice.json")).unwrap();
    let late = renew(&mut web, &needed, "the thief's word");
    assert_refused(&late, "removed");
    let shadow = std::fs::read_to_string(place.path("etc/shadow")).unwrap();
    assert!(shadow.contains(&hash("alice's word")), "{shadow}");
}

/// Records on a volume say what they like.
#[test]
fn a_credential_that_two_claim_is_nobodys() {
    let place = place(&["alice", "bob"]);
    let mut key = Authenticator::new(1);
    let (_monitor, mut web, _) = start_with_passkey(&place, &key);
    let record = std::fs::read_to_string(place.path(STORE).join("alice.json")).unwrap();
    let bobs = record
        .replacen("alice", "bob", 1)
        .replacen("10000", "10001", 1);
    place.write(&format!("{STORE}/bob.json"), &bobs, 0o600);
    assert_refused(&log_in(&mut web, &mut key, 2), "two claim it");
    // Another uid than the account's.
    std::fs::remove_file(place.path(STORE).join("bob.json")).unwrap();
    let others = record.replacen("10000", "10001", 1);
    place.write(&format!("{STORE}/alice.json"), &others, 0o600);
    assert_refused(&log_in(&mut web, &mut key, 3), "another uid");
    place.write(&format!("{STORE}/alice.json"), &record, 0o600);
    logged_in(log_in(&mut web, &mut key, 4));
}
