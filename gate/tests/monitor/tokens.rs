//! Access tokens at the monitor: whose they are, how many there may be, what a restart
//! leaves.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use occ_gate::wire::{
    ACCESS_LIMIT, AccessEntry, AccessName, AccessToken, Event, Gone, Handle, Lifetime,
    MakeAccessReply, Secret, Token, UseAccessReply, ask,
};

use crate::place::Place;
use crate::running::Monitor;
use crate::takeover::{Taken, address};

pub(crate) const TOKENS: &str = "var/lib/occ-gate/tokens.json";

fn make_with(web: &mut Taken, session: &Token, name: &str, days: u16) -> MakeAccessReply {
    web.call(ask::MakeAccess {
        token: session.clone(),
        name: AccessName::try_from(Box::from(name)).unwrap(),
        lifetime: Lifetime::try_from(days).unwrap(),
    })
    .unwrap()
}

pub(crate) fn make(web: &mut Taken, session: &Token, name: &str) -> AccessToken {
    match make_with(web, session, name, 90) {
        MakeAccessReply::Made { access } => access,
        other => panic!("no token: {other:?}"),
    }
}

fn show(web: &mut Taken, access: &AccessToken, number: u8) -> UseAccessReply {
    web.call(ask::UseAccess {
        access: access.clone(),
        address: address(number),
    })
}

/// The session that an access token opens.
pub(crate) fn open(web: &mut Taken, access: &AccessToken) -> Token {
    match show(web, access, 9) {
        UseAccessReply::Session { token, .. } => token,
        other => panic!("not good: {other:?}"),
    }
}

pub(crate) fn is_refused(web: &mut Taken, access: &AccessToken) -> bool {
    matches!(show(web, access, 9), UseAccessReply::Refused)
}

pub(crate) fn list(web: &mut Taken, session: &Token) -> Vec<AccessEntry> {
    let token = session.clone();
    web.call(ask::ListAccess { token }).unwrap()
}

pub(crate) fn assert_cut(web: &mut Taken, session: &Token, since: Instant) {
    let hash = session.hash();
    web.event(|event| matches!(event, Event::Gone { token_hash } if *token_hash == hash));
    assert!(
        since.elapsed() < Duration::from_secs(1),
        "{:?}",
        since.elapsed()
    );
}

/// The handle of the token with this name.
pub(crate) fn handle_of(web: &mut Taken, session: &Token, name: &str) -> Handle {
    let entries = list(web, session);
    let mut entries = entries.iter();
    let found = entries.find(|entry| entry.name.as_str() == name);
    found.unwrap().handle
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::from_text(text).unwrap()
}

/// `occ-gate token …` beside the monitor.
pub(crate) fn command(monitor: &Monitor, args: &[&str]) -> (Option<i32>, String, String) {
    monitor.beside(&[&["token"], args].concat())
}

#[test]
fn a_token_opens_its_persons_opencode_and_nothing_of_the_account() {
    let place = Place::with(&["alice", "bob"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let bob = web.log_in(&place, "bob", 2).token;
    let access = make(&mut web, &alice, "laptop");
    let UseAccessReply::Session { token, session } = show(&mut web, &access, 7) else {
        panic!("not good");
    };
    assert_eq!(session.user.as_str(), "alice");
    assert_eq!(session.display_name.as_str(), "alice Doe");
    assert!(open(&mut web, &access) == token, "always the same one");
    web.ensure(&token, "alice");
    assert_eq!(place.starts("bob"), 0);
    // Bob can't list or end hers.
    let handle = handle_of(&mut web, &alice, "laptop");
    let revoke = ask::RevokeAccess {
        token: bob.clone(),
        handle,
    };
    assert!(list(&mut web, &bob).is_empty());
    assert!(matches!(web.call(revoke), Ok(true)));
    let entries = list(&mut web, &alice);
    assert_eq!((entries.len(), entries[0].name.as_str()), (1, "laptop"));
    assert_eq!(entries[0].ends - entries[0].made, 90 * 24 * 60 * 60);
    assert_eq!(entries[0].last_use.unwrap().address, address(9));
    let (log, text) = (monitor.log(), access.expose());
    assert!(
        !log.contains(&text[4..]) && log.contains("token: alice: 'laptop'"),
        "{log}"
    );
}

/// A token that leaks, and a web half that only saw programs, change nobody's account.
#[test]
fn what_a_token_opens_has_no_way_into_the_account() {
    let place = Place::with(&["alice"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    let token = open(&mut web, &access);
    assert!(web.is_gone(&token), "no browser's session");
    let shown = || token.clone();
    let change = ask::ChangePassword {
        token: shown(),
        old: secret("alice's word"),
        new: secret("another word"),
    };
    assert!(matches!(web.call(change), Err(Gone)));
    let again = ask::MakeAccess {
        token: shown(),
        name: AccessName::try_from(Box::from("more")).unwrap(),
        lifetime: Lifetime::try_from(365).unwrap(),
    };
    assert!(matches!(web.call(again), Err(Gone)));
    let revoke = ask::RevokeAccess {
        token: shown(),
        handle: handle_of(&mut web, &alice, "laptop"),
    };
    assert!(matches!(web.call(revoke), Err(Gone)));
    for gone in [
        web.call(ask::ListSessions { token: shown() }).is_err(),
        web.call(ask::ListAccess { token: shown() }).is_err(),
        web.call(ask::EndAll { token: shown() }).is_err(),
        web.call(ask::End { token: shown() }).is_err(),
        web.call(ask::Touch { token: shown() }).is_err(),
        web.call(ask::GetSecond { token: shown() }).is_err(),
        web.call(ask::BeginSecond {
            token: shown(),
            password: secret("alice's word"),
        })
        .is_err(),
        web.call(ask::ConfirmSecond {
            token: shown(),
            code: secret("000000"),
        })
        .is_err(),
        web.call(ask::EndSecond {
            token: shown(),
            password: secret("alice's word"),
            code: secret("000000"),
        })
        .is_err(),
    ] {
        assert!(gone);
    }
    // Bytes of one kind are nothing as the other.
    let as_access = |token: &Token| {
        let text = format!("occ_{}", token.expose().as_str());
        AccessToken::parse(text.as_bytes()).unwrap()
    };
    assert!(is_refused(&mut web, &as_access(&alice)));
    assert!(is_refused(&mut web, &as_access(&token)));
    let text = access.expose();
    assert!(web.is_gone(&Token::parse(&text[4..]).unwrap()));
}

#[test]
fn tokens_outlive_a_restart_and_only_their_digests_are_kept() {
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    let before = open(&mut web, &access);
    drop(web);
    let (status, said) = monitor.stop();
    assert_eq!(status, Some(0), "{said}");
    let path = place.path(TOKENS);
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(&access.expose()[4..]), "{text}");
    assert!(text.contains("192.0.2.9"), "the last use is kept: {text}");
    let monitor = place.start();
    let mut web = monitor.take_over();
    let ensure = web.call(ask::Ensure { token: before });
    assert!(
        matches!(ensure, Err(Gone)),
        "what it opened is the monitor's"
    );
    open(&mut web, &access);
}

#[test]
fn guessing_is_limited_and_a_right_token_is_always_good() {
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    let guess = |number: u8| AccessToken::new([number; 32]);
    // The same wrong one again is no further guess.
    for _ in 0..50 {
        assert!(is_refused(&mut web, &guess(1)));
    }
    let replies: Vec<_> = (2..100)
        .map(|number| show(&mut web, &guess(number), 9))
        .collect();
    let checked = replies
        .iter()
        .filter(|reply| matches!(reply, UseAccessReply::Refused));
    assert_eq!(checked.count(), 3, "{replies:?}");
    assert!(matches!(replies[50], UseAccessReply::SlowDown { .. }));
    open(&mut web, &access);
    assert!(
        matches!(show(&mut web, &guess(200), 8), UseAccessReply::Refused),
        "elsewhere"
    );
    // And nobody is kept from the login page by it.
    web.log_in(&place, "alice", 9);
    let log = monitor.log();
    let lines = log
        .matches("login failed from=192.0.2.9 user=? by=token why=refused\n")
        .count();
    assert_eq!(lines, 4, "{log}");
}

#[test]
fn nobody_has_more_than_fit() {
    let place = Place::with(&["alice", "bob"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    for number in 0..ACCESS_LIMIT {
        make(&mut web, &alice, &format!("{number}"));
    }
    for _ in 0..10 {
        let reply = make_with(&mut web, &alice, "more", 7);
        assert!(matches!(reply, MakeAccessReply::Full), "{reply:?}");
    }
    assert_eq!(list(&mut web, &alice).len(), ACCESS_LIMIT);
    // Nor make and revoke without end.
    let mut was_made = 0;
    for entry in list(&mut web, &alice).into_iter().cycle().take(100) {
        let token = alice.clone();
        let handle = list(&mut web, &alice)
            .first()
            .map_or(entry.handle, |entry| entry.handle);
        web.call(ask::RevokeAccess { token, handle }).unwrap();
        match make_with(&mut web, &alice, "more", 7) {
            MakeAccessReply::Made { .. } => was_made += 1,
            reply => assert!(matches!(reply, MakeAccessReply::TooOften), "{reply:?}"),
        }
    }
    assert!(was_made < ACCESS_LIMIT, "{was_made}");
    let bob = web.log_in(&place, "bob", 2).token;
    make(&mut web, &bob, "bob's");
}

#[test]
fn a_damaged_file_stays_and_is_reported() {
    let place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    drop(web);
    monitor.stop();
    let path = place.path(TOKENS);
    let good = std::fs::read_to_string(&path).unwrap();
    let large = " ".repeat(4 * 1024 * 1024 + 1);
    for bad in [
        &good[..good.len() / 2],
        &good.replace("\"schema\":1", "\"schema\":9"),
        &large,
        "",
    ] {
        std::fs::write(&path, bad).unwrap();
        let monitor = place.start();
        let mut web = monitor.take_over();
        assert!(is_refused(&mut web, &access));
        assert!(list(&mut web, &alice).is_empty());
        let made = make_with(&mut web, &alice, "more", 7);
        assert!(matches!(made, MakeAccessReply::Unavailable), "{made:?}");
        let (code, _, said) = command(&monitor, &["list", "alice"]);
        assert_eq!(code, Some(1), "{said}");
        drop(web);
        let (_, said) = monitor.stop();
        for line in [
            "cannot use '/var/lib/occ-gate/tokens.json': it is",
            "hint: put the file's",
        ] {
            assert!(said.contains(line), "{said}");
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), bad, "it stays");
    }
    std::fs::write(&path, good).unwrap();
    let monitor = place.start();
    open(&mut monitor.take_over(), &access);
}

/// The web half can't read or write what the monitor keeps.
#[test]
fn the_web_half_has_no_way_to_the_file() {
    let place = Place::with(&["alice"]);
    let (_monitor, mut web, alice) = place.start_with("alice");
    make(&mut web, &alice, "laptop");
    for path in ["tokens.json", "revoke"] {
        let meta = place
            .path("var/lib/occ-gate")
            .join(path)
            .metadata()
            .unwrap();
        let mode = meta.permissions().mode() & 0o7777;
        assert_eq!(mode & 0o077, 0, "{path}: {mode:o}");
    }
    let way = place.path("var/lib/occ-gate").metadata().unwrap();
    assert_eq!(way.permissions().mode() & 0o7777, 0o700);
}

#[test]
fn an_administrator_can_do_without_tokens() {
    let mut place = Place::with(&["alice"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let access = make(&mut web, &alice, "laptop");
    drop(web);
    monitor.stop();
    place = place.set("OCC_GATE_TOKENS", "0");
    let monitor = place.start();
    let mut web = monitor.take_over();
    assert!(is_refused(&mut web, &access));
    let made = make_with(&mut web, &alice, "more", 7);
    assert!(matches!(made, MakeAccessReply::Unavailable), "{made:?}");
    assert_eq!(list(&mut web, &alice).len(), 1, "they are kept");
}
