//! A new password at the login, in place of one that has expired or must be changed.

use std::fs;

use occ_gate::wire::{Conversation, LoginReply, Secret, ask};

use crate::place::{Place, hash};
use crate::takeover::{Taken, logged_in};

/// Last change, days until the next one is allowed and until it has to be, warning, days
/// until the account closes then.
const FORCED: &str = "0:0:99999:7:";
const EXPIRED: &str = "19000:0:30:7:";
const CLOSED: &str = "19000:0:30:7:5";

fn place(aging: &'static str) -> Place {
    let mut place = Place::with(&["alice", "bob"]);
    place.person("alice").aging = aging;
    place.write_accounts();
    place
}

fn renew(conversation: Conversation, new: &str) -> ask::RenewPassword {
    ask::RenewPassword {
        conversation,
        new: Secret::from_text(new).unwrap(),
    }
}

/// The conversation of a reply that asks for a new password, and why it does again.
#[track_caller]
fn asked(reply: LoginReply) -> (Conversation, String) {
    match reply {
        LoginReply::NewPasswordNeeded { conversation, text } => {
            (conversation, text.as_str().to_owned())
        }
        other => panic!("no new password is asked for: {other:?}"),
    }
}

/// The conversation of alice's login with the right password.
fn right(web: &mut Taken, number: u8) -> Conversation {
    let (conversation, text) = asked(web.authenticate("alice", "alice's word", number));
    assert_eq!(text, "");
    conversation
}

fn shadow(place: &Place) -> String {
    fs::read_to_string(place.path("etc/shadow")).unwrap()
}

#[test]
fn expired_password_is_changed_at_the_login() {
    for aging in [FORCED, EXPIRED] {
        let place = place(aging);
        let monitor = place.start();
        let mut web = monitor.take_over();
        let wrong = web.authenticate("alice", "guess", 1);
        assert!(matches!(wrong, LoginReply::Refused), "{wrong:?}");
        let conversation = right(&mut web, 1);
        let (conversation, why) = asked(web.call(renew(conversation, "alice's word")));
        assert_eq!(why, "The new password is the current one.");
        let (conversation, why) = asked(web.call(renew(conversation, "a\nb")));
        assert!(why.starts_with("The new password can't be used: "), "{why}");
        assert!(shadow(&place).contains(&hash("alice's word")), "as it was");
        let login = logged_in(web.call(renew(conversation, "a new word")));
        assert_eq!(login.user.as_str(), "alice");
        web.ensure(&login.token, "alice");
        assert!(!web.is_gone(&login.token));
        assert!(!shadow(&place).contains(&hash("alice's word")));
        logged_in(web.authenticate("alice", "a new word", 2));
        let old = web.authenticate("alice", "alice's word", 3);
        assert!(matches!(old, LoginReply::Refused), "{old:?}");
        let log = monitor.log();
        let line = "login: alice from 192.0.2.1: a new password is needed";
        assert!(log.contains(line), "{log}");
        assert!(
            !log.contains("alice's word") && !log.contains("new word"),
            "{log}"
        );
    }
}

#[test]
fn closed_account_is_refused_as_a_wrong_password_is() {
    let mut place = place(CLOSED);
    place.person("bob").aging = FORCED;
    place.person("bob").expire = "19001";
    place.write_accounts();
    let monitor = place.start();
    let mut web = monitor.take_over();
    for name in ["alice", "bob"] {
        let reply = web.authenticate(name, &format!("{name}'s word"), 1);
        assert!(matches!(reply, LoginReply::Refused), "{name}: {reply:?}");
    }
}

/// Each conversation is for one new password of one login, and for nothing else.
#[test]
fn conversation_is_good_for_one_new_password() {
    let place = place(FORCED);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let refused = |reply: LoginReply| assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
    refused(web.call(renew(Conversation(7), "a new word")));
    // An answer for a module of PAM's is none.
    let conversation = right(&mut web, 1);
    refused(web.call(ask::Answer {
        conversation,
        text: Secret::from_text("a new word").unwrap(),
    }));
    refused(web.call(renew(conversation, "a new word")));
    // Two at once: one of them.
    let conversation = right(&mut web, 2);
    let first = web.send(renew(conversation, "a new word"));
    refused(web.call(renew(conversation, "another word")));
    logged_in(web.reply(first));
    refused(web.call(renew(conversation, "a third word")));
    logged_in(web.authenticate("alice", "a new word", 3));
}

#[test]
fn passwords_that_pam_does_not_take_end_the_login_at_last() {
    let place = place(FORCED);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let mut conversation = right(&mut web, 1);
    for _ in 1..10 {
        (conversation, _) = asked(web.call(renew(conversation, "alice's word")));
    }
    let last = web.call(renew(conversation, "alice's word"));
    assert!(matches!(last, LoginReply::Refused), "{last:?}");
    assert!(shadow(&place).contains(&hash("alice's word")));
}

#[test]
fn administrators_change_ends_a_login_that_waits_for_a_new_password() {
    let mut place = place(FORCED);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let locked = format!("!{}", hash("alice's word"));
    for (number, theirs) in [(1, hash("the administrator's")), (2, locked)] {
        place.person("alice").hash = hash("alice's word");
        place.write_accounts();
        let conversation = right(&mut web, number);
        place.person("alice").hash.clone_from(&theirs);
        place.write_accounts();
        let reply = web.call(renew(conversation, "the thief's"));
        assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
        assert!(shadow(&place).contains(&format!("alice:{theirs}:")));
    }
}

/// What runs under the old password ends with it.
#[test]
fn sessions_of_the_old_password_end() {
    let mut place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let before = web.log_in(&place, "alice", 1);
    web.ensure(&before.token, "alice");
    place.person("alice").aging = FORCED;
    place.write_accounts();
    let conversation = right(&mut web, 2);
    assert!(!web.is_gone(&before.token), "not by the login alone");
    logged_in(web.call(renew(conversation, "a new word")));
    assert!(web.is_gone(&before.token));
}
