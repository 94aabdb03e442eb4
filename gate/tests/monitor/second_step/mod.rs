//! The second step of a login, with the image's own PAM service and module: turning it on,
//! and logging in with it. Only helpers stand here.

mod damage;
mod enrolment;
mod logins;

use std::time::{SystemTime, UNIX_EPOCH};

use occ_gate::wire::{
    ConfirmSecondReply, Conversation, Gone, Login, LoginReply, SecondReply, SecondView, Secret,
    Token, ask,
};
use totp_rs::Builder;

use crate::place::Place;
use crate::takeover::Taken;

pub(super) const SERVICE: &str = include_str!("../../../../image/pam.occ");
pub(super) const FILE: &str = "var/lib/occ-gate/second/alice";

pub(super) fn place() -> Place {
    let place = Place::with(&["alice", "bob"]);
    place.write("etc/pam.d/occ", SERVICE, 0o644);
    place
}

pub(super) fn secret(text: &str) -> Secret {
    Secret::from_text(text).unwrap()
}

pub(super) fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

/// The code of a phone with this key, `ahead` steps of 30 s from now.
pub(super) fn code(key: &str, ahead: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let then = now.as_secs().checked_add_signed(ahead * 30).unwrap();
    let key = totp_rs::Secret::try_from_base32(key).unwrap();
    let phone = Builder::new().with_secret(key).build().unwrap();
    phone.generate(then).to_string()
}

/// A code that no phone shows within these minutes.
pub(super) fn wrong_code(key: &str) -> String {
    let near: Vec<String> = (-4..=4).map(|ahead| code(key, ahead)).collect();
    let mut all = (0..20).map(|number| format!("{number:06}"));
    all.find(|code| !near.contains(code)).unwrap()
}

pub(super) fn view(web: &mut Taken, token: &Token) -> SecondView {
    let token = token.clone();
    web.call(ask::GetSecond { token }).unwrap()
}

pub(super) fn begin(web: &mut Taken, token: &Token, password: &str) -> Result<SecondReply, Gone> {
    web.call(ask::BeginSecond {
        token: token.clone(),
        password: secret(password),
    })
}

pub(super) fn confirm(
    web: &mut Taken,
    token: &Token,
    code: &str,
) -> Result<ConfirmSecondReply, Gone> {
    web.call(ask::ConfirmSecond {
        token: token.clone(),
        code: secret(code),
    })
}

pub(super) fn end(
    web: &mut Taken,
    token: &Token,
    password: &str,
    code: &str,
) -> Result<SecondReply, Gone> {
    web.call(ask::EndSecond {
        token: token.clone(),
        password: secret(password),
        code: secret(code),
    })
}

#[track_caller]
pub(super) fn key_of(reply: Result<SecondReply, Gone>) -> String {
    match reply {
        Ok(SecondReply::Begun { key }) => text(&key),
        other => panic!("not begun: {other:?}"),
    }
}

/// Alice turns it on: her session, key and scratch codes.
pub(super) fn turned_on(place: &Place, web: &mut Taken) -> (Login, String, Vec<String>) {
    let login = web.log_in(place, "alice", 1);
    let key = key_of(begin(web, &login.token, "alice's word"));
    let scratch = confirmed(web, &login.token, &key);
    (login, key, scratch)
}

/// Confirms by the code of the step before this one, so that the next are still good for
/// logins; again if that step ends meanwhile.
pub(super) fn confirmed(web: &mut Taken, token: &Token, key: &str) -> Vec<String> {
    loop {
        match confirm(web, token, &code(key, -1)) {
            Ok(ConfirmSecondReply::On { scratch }) => return scratch.iter().map(text).collect(),
            Ok(ConfirmSecondReply::Wrong) => (),
            other => panic!("not on: {other:?}"),
        }
    }
}

#[track_caller]
pub(super) fn asked(reply: LoginReply) -> Conversation {
    match reply {
        LoginReply::Prompt {
            conversation, text, ..
        } => {
            assert_eq!(text.as_str(), "Verification code: ");
            conversation
        }
        other => panic!("not asked: {other:?}"),
    }
}

/// Alice's login with the right password and this code.
pub(super) fn log_in(web: &mut Taken, number: u8, code: &str) -> LoginReply {
    let conversation = asked(web.authenticate("alice", "alice's word", number));
    web.call(ask::Answer {
        conversation,
        text: secret(code),
    })
}

/// Lets the module take more logins in half a minute than in the image.
pub(super) fn more_logins(place: &Place) {
    let text = std::fs::read_to_string(place.path(FILE)).unwrap();
    let more = text.replace("RATE_LIMIT 3 30", "RATE_LIMIT 100 30");
    assert_ne!(text, more);
    place.write(FILE, &more, 0o600);
}
