//! Passkeys at the monitor: whose they are, what proves one, and what does not.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use occ_gate::wire::{
    AddPasskeyReply, Agent, ChallengeReply, CredentialId, Gone, LoginReply, Origin, PasskeyEntry,
    PasskeyName, Proof, Secret, Token, ask,
};
use occ_gate_testing::authenticator::Authenticator;
use serde_json::Value;

use crate::place::{Place, hash};
use crate::second_step;
use crate::takeover::{Taken, address};

const ORIGIN: &str = "http://box.localhost:3000";
const STORE: &str = "var/lib/opencode-users";

/// A stand-in for occ-init: the entry goes into the record, by rename; one line of JSON.
const OCC_INIT: &str = r#"#!/bin/sh
record=/var/lib/opencode-users/$4.json
echo "$*" >>/var/lib/asked
case $3 in
add)
    request=$(cat)
    entry=${request#'{"passkey":'}
    entries=${entry%',"schema":1}'} ;;
remove) entries= ;;
esac
printf '{"userName":"%s","uid":%s,"occ":{"passkeys":[%s]}}' "$4" "$(id -u "$4")" "$entries" >"$record.new"
mv "$record.new" "$record"
echo '{"schema":1,"userName":"x","changed":true,"passkeys":[]}'
"#;

fn place(names: &[&str]) -> Place {
    let place = Place::with(names);
    place.write("bin/occ-init", OCC_INIT, 0o755);
    std::fs::create_dir(place.path(STORE)).unwrap();
    std::fs::set_permissions(place.path(STORE), Permissions::from_mode(0o700)).unwrap();
    place
}

fn origin(text: &str) -> Origin {
    Origin::new(text).unwrap()
}

/// The token for the cookie, and the options for the script.
type Challenge = (Token, Value);

fn ready(reply: ChallengeReply) -> Challenge {
    match reply {
        ChallengeReply::Ready { challenge, options } => {
            (challenge, serde_json::from_str(options.as_str()).unwrap())
        }
        other => panic!("no challenge: {other:?}"),
    }
}

fn begin(web: &mut Taken, number: u8) -> Challenge {
    ready(web.call(ask::BeginPasskeyLogin {
        origin: origin(ORIGIN),
        address: address(number),
    }))
}

fn begin_adding(web: &mut Taken, session: &Token) -> Challenge {
    let token = session.clone();
    let person = web.call(ask::GetSession { token }).unwrap();
    let word = format!("{}'s word", person.user.as_str());
    ready(ask_to_add(web, session, &word, None).unwrap())
}

fn ask_to_add(
    web: &mut Taken,
    session: &Token,
    password: &str,
    code: Option<&str>,
) -> Result<ChallengeReply, Gone> {
    web.call(ask::BeginPasskey {
        token: session.clone(),
        origin: origin(ORIGIN),
        password: Secret::from_text(password).unwrap(),
        code: code.map(|code| Secret::from_text(code).unwrap()),
    })
}

fn add_with(
    web: &mut Taken,
    session: &Token,
    challenge: &Token,
    (credential, proof): (&str, &str),
) -> AddPasskeyReply {
    web.call(ask::AddPasskey {
        token: session.clone(),
        challenge: challenge.clone(),
        name: PasskeyName::try_from(Box::from("phone")).unwrap(),
        credential: CredentialId::new(credential).unwrap(),
        proof: Proof::new(proof).unwrap(),
    })
    .unwrap()
}

fn add(web: &mut Taken, session: &Token, key: &Authenticator) -> AddPasskeyReply {
    let (challenge, options) = begin_adding(web, session);
    let proof = key.make(&options, ORIGIN);
    add_with(web, session, &challenge, (&key.credential(), &proof))
}

fn assert_added(web: &mut Taken, session: &Token, key: &Authenticator) {
    let added = add(web, session, key);
    assert!(matches!(added, AddPasskeyReply::Added), "{added:?}");
}

type Sent = crate::takeover::Sent<ask::PasskeyLogin>;

fn send(web: &mut Taken, challenge: &Token, (credential, proof): (&str, &str), number: u8) -> Sent {
    web.send(ask::PasskeyLogin {
        challenge: challenge.clone(),
        credential: CredentialId::new(credential).unwrap(),
        proof: Proof::new(proof).unwrap(),
        address: address(number),
        agent: Agent::cut("a test"),
        device: None,
    })
}

fn show(web: &mut Taken, challenge: &Token, shown: (&str, &str), number: u8) -> LoginReply {
    let sent = send(web, challenge, shown, number);
    web.reply(sent)
}

/// Begins a login on the page of an origin.
fn send_from(web: &mut Taken, key: &mut Authenticator, origin: &str, number: u8) -> Sent {
    let (challenge, options) = begin(web, number);
    let proof = key.sign(&options, origin);
    send(web, &challenge, (&key.credential(), &proof), number)
}

fn log_in(web: &mut Taken, key: &mut Authenticator, number: u8) -> LoginReply {
    let sent = send_from(web, key, ORIGIN, number);
    web.reply(sent)
}

fn list(web: &mut Taken, session: &Token) -> Vec<PasskeyEntry> {
    let token = session.clone();
    web.call(ask::ListPasskeys { token }).unwrap()
}

fn assert_refused(reply: &LoginReply, what: &str) {
    assert!(matches!(reply, LoginReply::Refused), "{what}: {reply:?}");
}

#[test]
fn a_passkey_logs_its_person_in() {
    let place = place(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let mut key = Authenticator::new(1);
    assert_added(&mut web, &alice, &key);
    let LoginReply::Token(login) = log_in(&mut web, &mut key, 2) else {
        panic!("not logged in: {}", monitor.log());
    };
    assert_eq!(login.user.as_str(), "alice");
    let entries = list(&mut web, &login.token);
    assert_eq!((entries.len(), entries[0].name.as_str()), (1, "phone"));
    assert!(entries[0].last_use.is_some());
    web.ensure(&login.token, "alice");
    // Without a counter again and again.
    for number in 3..5 {
        let reply = log_in(&mut web, &mut key, number);
        assert!(matches!(reply, LoginReply::Token(_)), "{reply:?}");
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
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let mut key = Authenticator::new(1);
    assert_added(&mut web, &alice, &key);
    let credential = key.credential();
    // Somebody else saw the challenge, and has a token for another one.
    let (_, options) = begin(&mut web, 2);
    let (others, _) = begin(&mut web, 3);
    let proof = key.sign(&options, ORIGIN);
    let shown = show(&mut web, &others, (&credential, &proof), 3);
    assert_refused(&shown, "another's challenge");
    let none = Token::new([7; 32]);
    let shown = show(&mut web, &none, (&credential, &proof), 4);
    assert_refused(&shown, "no challenge");
    // The same answer twice.
    let (challenge, options) = begin(&mut web, 5);
    let proof = key.sign(&options, ORIGIN);
    let first = show(&mut web, &challenge, (&credential, &proof), 5);
    assert!(matches!(first, LoginReply::Token(_)), "{first:?}");
    let again = show(&mut web, &challenge, (&credential, &proof), 6);
    assert_refused(&again, "replayed");
    // The same answer to a new challenge.
    let (challenge, _) = begin(&mut web, 7);
    let again = show(&mut web, &challenge, (&credential, &proof), 7);
    assert_refused(&again, "an old answer");
    // A challenge for adding one is none for a login.
    let (challenge, options) = begin_adding(&mut web, &alice);
    let options = serde_json::json!({"publicKey":
        {"challenge": options["publicKey"]["challenge"], "rpId": "box.localhost"}});
    let proof = key.sign(&options, ORIGIN);
    let shown = show(&mut web, &challenge, (&credential, &proof), 8);
    assert_refused(&shown, "a challenge for adding");
}

#[test]
fn what_proves_nothing_is_refused() {
    let place = place(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let mut key = Authenticator::new(1);
    key.counter = 5;
    assert_added(&mut web, &alice, &key);
    let copy = key.clone();
    key.counter = 6;
    let used = log_in(&mut web, &mut key, 2);
    assert!(matches!(used, LoginReply::Token(_)), "{used:?}");
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
    let credential = key.credential();
    for (number, proof) in (30..).zip(["", "{}", "[", "\u{0}"]) {
        let (challenge, _) = begin(&mut web, number);
        let shown = (credential.as_str(), proof);
        sent.push((proof, send(&mut web, &challenge, shown, number)));
    }
    for (what, sent) in sent {
        assert_refused(&web.reply(sent), what);
    }
    let still = log_in(&mut web, &mut key, 40);
    assert!(matches!(still, LoginReply::Token(_)), "{still:?}");
    let id = format!("{:08x}", list(&mut web, &alice)[0].handle.0);
    let (_, log) = monitor.stop();
    for line in [
        "alice from 192.0.2.20: the passkey proves nothing".to_owned(),
        format!(
            "alice from 192.0.2.10: the counter of passkey {id} did not grow, \
             so somebody has a copy of it; 'occ user passkey remove alice {id}' removes it"
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
    let copy = key.clone();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    assert_added(&mut web, &alice, &key);
    key.counter = 9;
    assert!(matches!(
        log_in(&mut web, &mut key, 2),
        LoginReply::Token(_)
    ));
    monitor.stop();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let mut copy = copy;
    copy.counter = 8;
    assert_refused(&log_in(&mut web, &mut copy, 3), "a copy");
    assert!(matches!(
        log_in(&mut web, &mut key, 4),
        LoginReply::Token(_)
    ));
}

#[test]
fn accounts_that_are_shut_are_not_opened() {
    let mut place = place(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let mut keys = [1, 2].map(Authenticator::new);
    for (name, key) in ["alice", "bob"].iter().zip(&keys) {
        let session = web.log_in(&place, name, 1).token;
        assert_added(&mut web, &session, key);
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
    let open = log_in(&mut web, &mut keys[0], 9);
    assert!(matches!(open, LoginReply::Token(_)), "{open:?}");
}

fn renew(web: &mut Taken, reply: &LoginReply, new: &str) -> LoginReply {
    let LoginReply::NewPasswordNeeded { conversation, .. } = *reply else {
        panic!("no new password is asked for: {reply:?}");
    };
    let new = Secret::from_text(new).unwrap();
    web.call(ask::RenewPassword { conversation, new })
}

/// It stands for the password in this as well, so it asks for a new one alone.
#[test]
fn an_expired_password_is_changed_after_a_passkey() {
    let mut place = place(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let mut key = Authenticator::new(1);
    key.counter = 5;
    assert_added(&mut web, &alice, &key);
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
    let LoginReply::Token(login) = renew(&mut web, &current, "a new word") else {
        panic!("not logged in: {}", monitor.log());
    };
    assert_eq!(login.user.as_str(), "alice");
    let with_it = web.authenticate("alice", "a new word", 4);
    assert!(matches!(with_it, LoginReply::Token(_)), "{with_it:?}");
}

#[test]
fn a_passkey_that_is_removed_meanwhile_sets_no_password() {
    let mut place = place(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let mut key = Authenticator::new(1);
    assert_added(&mut web, &alice, &key);
    place.person("alice").aging = "0:0:99999:7:";
    place.write_accounts();
    let needed = log_in(&mut web, &mut key, 2);
    std::fs::remove_file(place.path(STORE).join("alice.json")).unwrap();
    let late = renew(&mut web, &needed, "the thief's word");
    assert_refused(&late, "removed");
    let shadow = std::fs::read_to_string(place.path("etc/shadow")).unwrap();
    assert!(shadow.contains(&hash("alice's word")), "{shadow}");
}

#[test]
fn a_web_half_adds_none_without_its_person() {
    let place = place(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
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
    assert_added(&mut web, &alice, &key);
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
    let monitor = place.start();
    let mut web = monitor.take_over();
    let stolen = web.log_in(&place, "alice", 1).token;
    for guess in ["guess", "", "bob's word"] {
        let reply = ask_to_add(&mut web, &stolen, guess, None);
        assert!(matches!(reply, Ok(ChallengeReply::Wrong)), "{reply:?}");
    }
    let guesses = (0..3).map(|_| ask_to_add(&mut web, &stolen, "guess", None));
    let slowed = guesses.filter(|reply| matches!(reply, Ok(ChallengeReply::SlowDown { .. })));
    assert!(slowed.count() > 0, "guessing is limited");
    let log = monitor.log();
    let refused = "passkey: alice from 192.0.2.1: refused";
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
    let shown = (key.credential(), proof);
    let reply = add_with(&mut web, &other, &challenge, (&shown.0, &shown.1));
    assert!(matches!(reply, AddPasskeyReply::Added), "{reply:?}");
}

#[test]
fn an_authenticator_that_keeps_or_verifies_nothing_is_told() {
    let place = place(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
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

#[test]
fn a_flood_of_challenges_pushes_out_its_own() {
    let place = place(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let mut key = Authenticator::new(1);
    assert_added(&mut web, &alice, &key);
    let (flooded, of_flood) = begin(&mut web, 2);
    let (other, of_other) = begin(&mut web, 3);
    for _ in 0..600 {
        begin(&mut web, 2);
    }
    let credential = key.credential();
    let proof = key.sign(&of_flood, ORIGIN);
    let shown = show(&mut web, &flooded, (&credential, &proof), 4);
    assert_refused(&shown, "pushed out");
    let proof = key.sign(&of_other, ORIGIN);
    let shown = show(&mut web, &other, (&credential, &proof), 3);
    assert!(matches!(shown, LoginReply::Token(_)), "{shown:?}");
}

/// Records on a volume say what they like.
#[test]
fn a_credential_that_two_claim_is_nobodys() {
    let place = place(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let mut key = Authenticator::new(1);
    assert_added(&mut web, &alice, &key);
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
    let reply = log_in(&mut web, &mut key, 4);
    assert!(matches!(reply, LoginReply::Token(_)), "{reply:?}");
}

#[test]
fn an_administrator_switches_them_off() {
    let place = place(&["alice"]).set("OCC_GATE_PASSKEYS", "0");
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let reply = web.call(ask::BeginPasskeyLogin {
        origin: origin(ORIGIN),
        address: address(2),
    });
    assert!(matches!(reply, ChallengeReply::Off));
    let reply = ask_to_add(&mut web, &alice, "alice's word", None);
    assert!(matches!(reply, Ok(ChallengeReply::Off)));
}
