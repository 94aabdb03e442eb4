//! Adding a passkey: it needs its person, and an authenticator that keeps and verifies.

use occ_gate::wire::{AddPasskeyReply, ChallengeReply, Gone, Token, ask};
use occ_gate_testing::authenticator::Authenticator;

use super::{
    ORIGIN, add, add_with, ask_to_add, assert_added, assert_refused, begin, begin_adding, list,
    log_in, origin, place, ready,
};
use crate::second_step;
use crate::takeover::{Taken, address};

#[test]
fn a_web_half_adds_none_without_its_person() {
    let place = place(&["alice", "bob"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    let bob = web.log_in(&place, "bob", 2).token;
    let key = Authenticator::new(1);
    // With a challenge of another's session, a login's, or none.
    let (challenge, options) = begin_adding(&mut web, &alice);
    let proof = key.make(&options, ORIGIN);
    let (login, _) = begin(&mut web, 3);
    for challenge in [&challenge, &login, &Token::new([7; 32])] {
        let reply = add_with(&mut web, &bob, challenge, (&key.credential(), &proof));
        assert!(matches!(reply, AddPasskeyReply::Refused), "{reply:?}");
    }
    // Of nobody's session.
    let token = Token::new([8; 32]);
    let nobodys = ask_to_add(&mut web, &token, "alice's word", None);
    assert!(matches!(nobodys, Err(Gone)));
    let listed = web.call(ask::ListPasskeys { token });
    assert!(matches!(listed, Err(Gone)));
    // Under another credential than the key's own.
    let (challenge, options) = begin_adding(&mut web, &bob);
    let proof = key.make(&options, ORIGIN);
    let reply = add_with(&mut web, &bob, &challenge, ("AAAA", &proof));
    assert!(matches!(reply, AddPasskeyReply::Twice), "{reply:?}");
    // What is alice's can't become bob's as well, nor can he remove it.
    assert_added(&add(&mut web, &alice, &key));
    let mut forged = key.forged();
    assert!(matches!(
        add(&mut web, &bob, &forged),
        AddPasskeyReply::Twice
    ));
    assert!(list(&mut web, &bob).is_empty());
    assert_refused(&log_in(&mut web, &mut forged, 5), "another key");
    // For a host that is not ours, an address, or plain http elsewhere.
    for elsewhere in [
        "http://evil.example.com",
        "https://evil.example.com",
        "http://127.0.0.1:3000",
        "",
        "://",
    ] {
        let reply = web.call(ask::BeginPasskeyLogin {
            origin: origin(elsewhere),
            address: address(6),
        });
        assert!(matches!(reply, ChallengeReply::Off), "{elsewhere}");
    }
}

#[test]
fn a_stolen_session_alone_adds_none() {
    let place = place(&["alice", "bob"]);
    place.write("etc/pam.d/occ", second_step::SERVICE, 0o644);
    let (monitor, mut web, stolen) = place.start_with("alice");
    for guess in ["guess", "", "bob's word"] {
        let reply = ask_to_add(&mut web, &stolen, guess, None);
        assert!(matches!(reply, Ok(ChallengeReply::Wrong)), "{reply:?}");
    }
    let guesses = (0..3).map(|_| ask_to_add(&mut web, &stolen, "guess", None));
    let slowed = guesses.filter(|reply| matches!(reply, Ok(ChallengeReply::SlowDown { .. })));
    assert!(slowed.count() > 0, "guessing is limited");
    let log = monitor.log();
    let refused = "passkey failed from=192.0.2.1 user=alice by=password why=refused\n";
    assert!(log.contains(refused) && !log.contains("guess"), "{log}");
    // Nor does the password alone where a login needs a code.
    let other = web.log_in(&place, "alice", 2).token;
    let (login, key, scratch) = second_step::turned_on(&place, &mut web);
    second_step::more_logins(&place);
    for (password, code) in [
        ("alice's word", None),
        ("alice's word", Some(second_step::wrong_code(&key))),
        ("guess", Some(scratch[0].clone())),
    ] {
        let reply = ask_to_add(&mut web, &login.token, password, code.as_deref());
        assert!(matches!(reply, Ok(ChallengeReply::Wrong)), "{reply:?}");
    }
    let right = |web: &mut Taken| ask_to_add(web, &other, "alice's word", Some(&scratch[1]));
    let (challenge, options) = ready(right(&mut web).unwrap());
    let again = right(&mut web);
    assert!(
        matches!(again, Ok(ChallengeReply::Wrong)),
        "once: {again:?}"
    );
    let key = Authenticator::new(1);
    let proof = key.make(&options, ORIGIN);
    assert_added(&add_with(
        &mut web,
        &other,
        &challenge,
        (&key.credential(), &proof),
    ));
}

#[test]
fn an_authenticator_that_keeps_or_verifies_nothing_is_told() {
    let place = place(&["alice"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    let mut key = Authenticator::new(1);
    let (_, options) = begin_adding(&mut web, &alice);
    let selection = &options["publicKey"]["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["userVerification"], "required");
    key.keeps = false;
    assert!(matches!(
        add(&mut web, &alice, &key),
        AddPasskeyReply::NotKept
    ));
    (key.keeps, key.verifies) = (true, false);
    assert!(matches!(
        add(&mut web, &alice, &key),
        AddPasskeyReply::Refused
    ));
    assert!(list(&mut web, &alice).is_empty());
}
