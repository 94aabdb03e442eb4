//! Changes of passwords, beside an administrator who resets them.

use std::fs::OpenOptions;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use occ_gate::wire::{ChangePasswordReply, LoginReply, Rejection, Secret, Token, ask};

use crate::place::{Place, hash, hash_with};
use crate::takeover::{Taken, logged_in};
use occ_gate_testing::until;

#[test]
fn a_password_is_changed_through_pam() {
    let mut place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let here = web.log_in(&place, "alice", 1);
    let elsewhere = web.log_in(&place, "alice", 2);
    web.ensure(&here.token, "alice");
    for (old, new) in [
        ("wrong", "new word"),
        ("alice's word", ""),
        ("alice's word", "a\nb"),
    ] {
        let reply = web.call(change(&here.token, old, new));
        assert!(
            matches!(reply, Ok(ChangePasswordReply::Rejected { .. })),
            "{old} {new}: {reply:?}"
        );
    }
    let before = std::fs::read_to_string(place.path("etc/shadow")).unwrap();
    assert!(
        before.contains(&hash("alice's word")),
        "nothing changed so far"
    );
    let reply = web.call(change(&here.token, "alice's word", "a new word"));
    assert!(
        matches!(reply, Ok(ChangePasswordReply::Changed)),
        "{reply:?}"
    );
    let after = std::fs::read_to_string(place.path("etc/shadow")).unwrap();
    assert!(!after.contains(&hash("alice's word")) && after.contains("alice:$6$rounds=6000$"));
    assert!(
        !web.is_gone(&here.token),
        "she goes on where she changed it"
    );
    assert!(web.is_gone(&elsewhere.token));
    assert_eq!(
        monitor.processes_of(10_000).len(),
        1,
        "her opencode goes on"
    );
    assert!(matches!(
        web.authenticate("alice", "alice's word", 3),
        LoginReply::Refused
    ));
    "a new word".clone_into(&mut place.person("alice").password);
    web.log_in(&place, "alice", 4);
}

fn change(token: &Token, old: &str, new: &str) -> ask::ChangePassword {
    ask::ChangePassword {
        token: token.clone(),
        old: Secret::from_text(old).unwrap(),
        new: Secret::from_text(new).unwrap(),
    }
}

#[test]
fn the_current_password_is_no_new_one() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let here = web.log_in(&place, "alice", 1).token;
    match web.call(change(&here, "alice's word", "alice's word")) {
        Ok(ChangePasswordReply::Rejected {
            why: Rejection::New,
            text,
        }) => assert_eq!(text.as_str(), "The new password is the current one."),
        other => panic!("{other:?}"),
    }
}

/// Writes accounts as occ-init does: under the lock of lckpwdf(3).
fn reset(place: &mut Place, password: &str) {
    let path = place.path("etc/.pwd.lock");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).open(path);
    let file = file.unwrap();
    let lock = libc::flock {
        l_type: libc::F_WRLCK.try_into().unwrap(),
        l_whence: libc::SEEK_SET.try_into().unwrap(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_SETLKW(&lock)).unwrap();
    place.person("alice").hash = hash_with(password, ROUNDS);
    place.write_accounts();
}

/// The cost of a password, high enough for a change to be hit in the middle.
const ROUNDS: u32 = 100_000;
const COSTLY: &str = "auth required pam_unix.so nodelay\n\
    account required pam_unix.so\n\
    session required pam_unix.so\n\
    password required pam_unix.so sha512 rounds=100000\n";

/// Alice, whose passwords cost that much.
fn costly() -> Place {
    let mut place = Place::with(&["alice"]);
    place.write("etc/pam.d/occ", COSTLY, 0o644);
    place.person("alice").hash = hash_with("word 0", ROUNDS);
    place.write_accounts();
    place
}

fn log_in(web: &mut Taken, password: &str, number: u8) -> Token {
    logged_in(web.authenticate("alice", password, number)).token
}

/// Somebody who has a session and knows the old password changes it again and again while
/// an administrator sets another: whatever comes first, the administrator's stays, and the
/// session is over.
#[test]
fn an_administrators_reset_is_never_undone() {
    let mut place = costly();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let mut token = log_in(&mut web, "word 0", 1);
    let begin = Instant::now();
    let reply = web.call(change(&token, "word 0", "word 1"));
    assert!(
        matches!(reply, Ok(ChangePasswordReply::Changed)),
        "{reply:?}"
    );
    let whole = begin.elapsed();
    let mut known = "word 1".to_owned();
    let mut was_first = [false; 2];
    // On a busy machine a change takes longer than the first one: later resets come after it.
    let mut rounds = 0..64_u32;
    while let Some(round) = rounds.next()
        && (round < 16 || was_first != [true; 2])
    {
        let thief = web.send(change(&token, &known, "the thief's"));
        // The reset comes at another point of the change in each round.
        thread::sleep(whole * round / 15);
        let resets = format!("reset {round}");
        reset(&mut place, &resets);
        let reply = web.reply(thief);
        was_first[usize::from(matches!(reply, Ok(ChangePasswordReply::Changed)))] = true;
        let shadow = std::fs::read_to_string(place.path("etc/shadow")).unwrap();
        let theirs = &place.person("alice").hash;
        assert!(
            shadow.contains(theirs.as_str()),
            "round {round}: it was undone: {reply:?}"
        );
        until("the thief's session to end", || web.is_gone(&token));
        known = resets;
        token = log_in(&mut web, &known, 2 + u8::try_from(round).unwrap());
    }
    assert_eq!(was_first, [true; 2], "both came first at times");
}

/// The same session in a row: each change waits for the one before, none slips through.
#[test]
fn a_change_that_waits_ends_with_its_session() {
    let mut place = costly();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let token = log_in(&mut web, "word 0", 1);
    web.ensure(&token, "alice");
    let first = web.send(change(&token, "word 0", "thief 1"));
    reset(&mut place, "reset");
    let begin = Instant::now();
    let second = web.send(change(&token, "word 0", "thief 2"));
    for reply in [web.reply(first), web.reply(second)] {
        assert!(!matches!(
            reply,
            Ok(ChangePasswordReply::Rejected {
                why: Rejection::New,
                ..
            })
        ));
    }
    until("the session and all that runs to end", || {
        web.is_gone(&token) && monitor.processes_of(10_000).is_empty()
    });
    assert!(begin.elapsed() < Duration::from_secs(30));
    let shadow = std::fs::read_to_string(place.path("etc/shadow")).unwrap();
    assert!(shadow.contains(&place.person("alice").hash));
}
