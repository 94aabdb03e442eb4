//! Passkeys at the monitor. Only helpers stand here.

mod accounts;
mod adding;
mod logins;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use occ_gate::wire::{
    AddPasskeyReply, Agent, ChallengeReply, CredentialId, Gone, LoginReply, Origin, PasskeyEntry,
    PasskeyName, Proof, Secret, Token, ask,
};
use occ_gate_testing::authenticator::Authenticator;
use serde_json::Value;

use crate::place::Place;
use crate::running::Monitor;
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

type Sent = crate::takeover::Sent<ask::PasskeyLogin>;

fn send(
    web: &mut Taken,
    challenge: &Token,
    (key, proof): (&Authenticator, &str),
    number: u8,
) -> Sent {
    web.send(ask::PasskeyLogin {
        challenge: challenge.clone(),
        credential: CredentialId::new(&key.credential()).unwrap(),
        proof: Proof::new(proof).unwrap(),
        address: address(number),
        agent: Agent::cut("a test"),
        device: None,
    })
}

fn show(
    web: &mut Taken,
    challenge: &Token,
    shown: (&Authenticator, &str),
    number: u8,
) -> LoginReply {
    let sent = send(web, challenge, shown, number);
    web.reply(sent)
}

/// Begins a login on the page of an origin.
fn send_from(web: &mut Taken, key: &mut Authenticator, origin: &str, number: u8) -> Sent {
    let (challenge, options) = begin(web, number);
    let proof = key.sign(&options, origin);
    send(web, &challenge, (key, &proof), number)
}

fn log_in(web: &mut Taken, key: &mut Authenticator, number: u8) -> LoginReply {
    let sent = send_from(web, key, ORIGIN, number);
    web.reply(sent)
}

fn list(web: &mut Taken, session: &Token) -> Vec<PasskeyEntry> {
    let token = session.clone();
    web.call(ask::ListPasskeys { token }).unwrap()
}

#[track_caller]
fn assert_added(reply: &AddPasskeyReply) {
    assert!(matches!(reply, AddPasskeyReply::Added), "{reply:?}");
}

/// A monitor at which alice has logged in and added this passkey.
fn start_with_passkey(place: &Place, key: &Authenticator) -> (Monitor, Taken, Token) {
    let (monitor, mut web, alice) = place.start_with("alice");
    assert_added(&add(&mut web, &alice, key));
    (monitor, web, alice)
}

#[track_caller]
fn assert_refused(reply: &LoginReply, what: &str) {
    assert!(matches!(reply, LoginReply::Refused), "{what}: {reply:?}");
}
