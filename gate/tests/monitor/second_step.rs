//! The second step of a login, with the image's own PAM service and module.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use occ_gate::wire::{
    ChangeReply, ConfirmReply, Conversation, Gone, Login, LoginReply, SecondReply, SecondView,
    Secret, Token, ask,
};
use totp_rs::Builder;

use crate::place::Place;
use crate::takeover::Taken;

const SERVICE: &str = include_str!("../../../image/pam.occ");
const FILE: &str = "var/lib/occ-gate/second/alice";

fn place() -> Place {
    let place = Place::with(&["alice", "bob"]);
    place.write("etc/pam.d/occ", SERVICE, 0o644);
    place
}

fn secret(text: &str) -> Secret {
    Secret::from_text(text).unwrap()
}

fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

/// The code of a phone with this key, `ahead` steps of 30 s from now.
fn code(key: &str, ahead: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let then = now.as_secs().checked_add_signed(ahead * 30).unwrap();
    let key = totp_rs::Secret::try_from_base32(key).unwrap();
    let phone = Builder::new().with_secret(key).build().unwrap();
    phone.generate(then).to_string()
}

/// A code that no phone shows within these minutes.
fn wrong_code(key: &str) -> String {
    let near: Vec<String> = (-4..=4).map(|ahead| code(key, ahead)).collect();
    let mut all = (0..20).map(|number| format!("{number:06}"));
    all.find(|code| !near.contains(code)).unwrap()
}

fn view(web: &mut Taken, token: &Token) -> SecondView {
    let token = token.clone();
    web.call(ask::GetSecond { token }).unwrap()
}

fn begin(web: &mut Taken, token: &Token, password: &str) -> Result<SecondReply, Gone> {
    web.call(ask::BeginSecond {
        token: token.clone(),
        password: secret(password),
    })
}

fn confirm(web: &mut Taken, token: &Token, code: &str) -> Result<ConfirmReply, Gone> {
    web.call(ask::ConfirmSecond {
        token: token.clone(),
        code: secret(code),
    })
}

fn end(web: &mut Taken, token: &Token, password: &str, code: &str) -> Result<SecondReply, Gone> {
    web.call(ask::EndSecond {
        token: token.clone(),
        password: secret(password),
        code: secret(code),
    })
}

#[track_caller]
fn key_of(reply: Result<SecondReply, Gone>) -> String {
    match reply {
        Ok(SecondReply::Begun { key }) => text(&key),
        other => panic!("not begun: {other:?}"),
    }
}

/// Alice turns it on: her session, key and scratch codes.
fn turned_on(place: &Place, web: &mut Taken) -> (Login, String, Vec<String>) {
    let login = web.log_in(place, "alice", 1);
    let key = key_of(begin(web, &login.token, "alice's word"));
    let scratch = confirmed(web, &login.token, &key);
    (login, key, scratch)
}

/// Confirms by the code of the step before this one, so that the next are still good for
/// logins; again if that step ends meanwhile.
fn confirmed(web: &mut Taken, token: &Token, key: &str) -> Vec<String> {
    loop {
        match confirm(web, token, &code(key, -1)) {
            Ok(ConfirmReply::On { scratch }) => return scratch.iter().map(text).collect(),
            Ok(ConfirmReply::Wrong) => (),
            other => panic!("not on: {other:?}"),
        }
    }
}

#[track_caller]
fn asked(reply: LoginReply) -> Conversation {
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
fn log_in(web: &mut Taken, number: u8, code: &str) -> LoginReply {
    let conversation = asked(web.authenticate("alice", "alice's word", number));
    web.call(ask::Answer {
        conversation,
        text: secret(code),
    })
}

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
    assert!(matches!(log_in(&mut web, 3, &spaced), LoginReply::Token(_)));
    assert!(
        matches!(log_in(&mut web, 4, &shown), LoginReply::Refused),
        "once"
    );
    let scratch = &scratch[0];
    // The module lets three in within half a minute.
    assert!(matches!(log_in(&mut web, 5, scratch), LoginReply::Token(_)));
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

#[test]
fn stolen_session_turns_nothing_on_or_off() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let stolen = web.log_in(&place, "alice", 1).token;
    let reply = begin(&mut web, &stolen, "guess");
    assert!(matches!(reply, Ok(SecondReply::Wrong)), "{reply:?}");
    let reply = confirm(&mut web, &stolen, "000000");
    assert!(matches!(reply, Ok(ConfirmReply::Over)), "{reply:?}");
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
    assert!(matches!(reply, Ok(ConfirmReply::Wrong)), "{reply:?}");
    assert!(!place.path(FILE).exists());
    let reply = confirm(&mut web, &other, &code(&first, 0));
    assert!(matches!(reply, Ok(ConfirmReply::Over)), "{reply:?}");
    let second = key_of(begin(&mut web, &other, "alice's word"));
    assert_ne!(first, second);
    let reply = confirm(&mut web, &one, &code(&first, 0));
    assert!(matches!(reply, Ok(ConfirmReply::Over)), "{reply:?}");
    let reply = confirm(&mut web, &other, &code(&second, 0));
    assert!(matches!(reply, Ok(ConfirmReply::On { .. })), "{reply:?}");
    let reply = confirm(&mut web, &other, &code(&second, 0));
    assert!(matches!(reply, Ok(ConfirmReply::Over)), "once: {reply:?}");
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
    assert!(matches!(reply, Ok(ChangeReply::Changed)), "{reply:?}");
    let conversation = asked(web.authenticate("alice", "a new word", 2));
    let text = secret(&code(&key, 0));
    let reply = web.call(ask::Answer { conversation, text });
    assert!(matches!(reply, LoginReply::Token(_)), "{reply:?}");
}

/// Without the line, or the module, the key's owner is let in by nobody's mistake.
#[test]
fn enrolled_person_never_gets_in_without_a_question() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    turned_on(&place, &mut web);
    let gone = SERVICE.replace("pam_google_authenticator", "pam_of_no_image");
    place.write("etc/pam.d/occ", &gone, 0o644);
    let reply = web.authenticate("alice", "alice's word", 2);
    assert!(matches!(reply, LoginReply::Unavailable), "{reply:?}");
    let log = monitor.log();
    assert!(log.contains("cannot ask PAM: no code was asked"), "{log}");
    let bob = web.log_in(&place, "bob", 3).token;
    assert_eq!(view(&mut web, &bob), SecondView::Unavailable);
    let reply = begin(&mut web, &bob, "bob's word");
    assert!(matches!(reply, Ok(SecondReply::Unavailable)), "{reply:?}");
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
    let reply = web.call(ask::RenewPassword { conversation, new });
    assert!(matches!(reply, LoginReply::Token(_)), "{reply:?}");
}

/// A code that can't be noted as used would be good again.
#[test]
fn volume_that_is_read_only_keeps_out_whose_codes_it_cannot_note() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (_, key, _) = turned_on(&place, &mut web);
    let conversation = asked(web.authenticate("alice", "alice's word", 2));
    let inside = format!("--target={}", monitor.pid);
    let then = "mount --bind /var/lib/occ-gate/second /var/lib/occ-gate/second && mount -o remount,bind,ro /var/lib/occ-gate/second";
    let mounted = std::process::Command::new("nsenter")
        .args([&inside, "--mount", "--", "sh", "-c", then])
        .status();
    assert!(mounted.unwrap().success());
    let text = secret(&code(&key, 0));
    let reply = web.call(ask::Answer { conversation, text });
    assert!(matches!(reply, LoginReply::Unavailable), "{reply:?}");
    let log = monitor.log();
    assert!(log.contains("while writing config"), "{log}");
    web.log_in(&place, "bob", 3);
}
