//! The second step where something of it is missing or broken: nobody gets in without it.

use std::fs;

use occ_gate::wire::{ConfirmSecondReply, LoginReply, SecondReply, SecondView, ask};
use occ_gate_testing::until;

use super::*;
use crate::takeover::Taken;

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
    let bob = web.log_in(&place, "bob", 3).token;
    let key = key_of(begin(&mut web, &bob, "bob's word"));
    let reply = confirm(&mut web, &bob, &code(&key, 0));
    assert!(
        matches!(reply, Ok(ConfirmSecondReply::Unavailable)),
        "{reply:?}"
    );
    assert_eq!(view(&mut web, &bob), SecondView::Off);
    web.log_in(&place, "bob", 4);
}

/// Neither the password alone nor a code of the key as it was lets anybody in, and the log
/// tells the way out.
#[test]
fn damaged_key_lets_nobody_in_and_the_log_names_the_way_out() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (login, key, scratch) = turned_on(&place, &mut web);
    more_logins(&place);
    let whole = fs::read_to_string(place.path(FILE)).unwrap();
    let without_reuse: Vec<&str> = whole
        .lines()
        .filter(|line| !line.starts_with("\" DISALLOW_REUSE"))
        .collect();
    let damaged = [
        (String::new(), 0o600, "its first line is no key"),
        (
            whole.replace(&key, "not a key"),
            0o600,
            "its first line is no key",
        ),
        (key.clone(), 0o600, "a line is missing: TOTP_AUTH"),
        (
            without_reuse.join("\n"),
            0o600,
            "a line is missing: DISALLOW_REUSE",
        ),
        (format!("{whole}\0"), 0o600, "it holds a zero byte"),
        (whole.clone(), 0o644, "others than root may read it"),
    ];
    for (number, (text, mode, why)) in (10..).zip(damaged) {
        place.write(FILE, &text, mode);
        assert_is_shut_out(&mut web, number, &code(&key, 0));
        let why = format!("'/{FILE}' is damaged ({why})");
        until("a line in the log", || monitor.log().contains(&why));
    }
    let reply = web.authenticate("alice", "guess", 30);
    assert!(matches!(reply, LoginReply::Refused), "{reply:?}");
    assert_eq!(view(&mut web, &login.token), SecondView::On);
    let reply = end(&mut web, &login.token, "alice's word", &scratch[0]);
    assert!(matches!(reply, Ok(SecondReply::Unavailable)), "{reply:?}");
    let log = monitor.log();
    let way_out = "'occ user set alice --no-second-factor' ends the second step";
    assert!(log.contains(way_out), "{log}");
    for never in [&key, &scratch[0]] {
        assert!(!log.contains(never.as_str()), "{log}");
    }
    fs::remove_file(place.path(FILE)).unwrap();
    web.log_in(&place, "alice", 31);
}

/// A link that leads nowhere looks to the module like a person without a key.
#[test]
fn link_in_place_of_the_key_is_no_way_around_it() {
    let place = place();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (_, key, _) = turned_on(&place, &mut web);
    fs::remove_file(place.path(FILE)).unwrap();
    std::os::unix::fs::symlink("nowhere", place.path(FILE)).unwrap();
    assert_is_shut_out(&mut web, 2, &code(&key, 0));
    let log = monitor.log();
    assert!(log.contains("is damaged (it is no regular file)"), "{log}");
}

/// Whether the module asks for a code or not: the answer is that logging in is not possible.
#[track_caller]
fn assert_is_shut_out(web: &mut Taken, number: u8, code: &str) {
    let reply = match web.authenticate("alice", "alice's word", number) {
        LoginReply::Prompt { conversation, .. } => {
            let text = secret(code);
            web.call(ask::Answer { conversation, text })
        }
        reply => reply,
    };
    assert!(matches!(reply, LoginReply::Unavailable), "{reply:?}");
}
