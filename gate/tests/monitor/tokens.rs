//! Access tokens at the monitor: whose they are, how they end, what a restart leaves.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use occ_gate::wire::{
    ACCESS_LIMIT, AccessEntry, AccessName, AccessReply, AccessToken, ChangeReply, EnsureReply,
    Event, Gone, Handle, Lifetime, MakeReply, Secret, Token, ask,
};

use crate::place::{Monitor, Place, hash};
use crate::takeover::{Taken, address};
use occ_gate_testing::until;

const TOKENS: &str = "var/lib/occ-gate/tokens.json";

fn make_with(web: &mut Taken, session: &Token, name: &str, days: u16) -> MakeReply {
    web.call(ask::MakeAccess {
        token: session.clone(),
        name: AccessName::try_from(Box::from(name)).unwrap(),
        lifetime: Lifetime::try_from(days).unwrap(),
    })
    .unwrap()
}

fn make(web: &mut Taken, session: &Token, name: &str) -> AccessToken {
    match make_with(web, session, name, 90) {
        MakeReply::Made { access } => access,
        other => panic!("no token: {other:?}"),
    }
}

fn show(web: &mut Taken, access: &AccessToken, number: u8) -> AccessReply {
    web.call(ask::UseAccess {
        access: access.clone(),
        address: address(number),
    })
}

/// The session that an access token opens.
fn open(web: &mut Taken, access: &AccessToken) -> Token {
    match show(web, access, 9) {
        AccessReply::Session { token, .. } => token,
        other => panic!("not good: {other:?}"),
    }
}

fn is_refused(web: &mut Taken, access: &AccessToken) -> bool {
    matches!(show(web, access, 9), AccessReply::Refused)
}

fn list(web: &mut Taken, session: &Token) -> Vec<AccessEntry> {
    let token = session.clone();
    web.call(ask::ListAccess { token }).unwrap()
}

fn assert_cut(web: &mut Taken, session: &Token, since: Instant) {
    let hash = session.hash();
    web.event(|event| matches!(event, Event::Gone { token_hash } if *token_hash == hash));
    assert!(
        since.elapsed() < Duration::from_secs(1),
        "{:?}",
        since.elapsed()
    );
}

/// `occ-gate token …` beside the monitor.
fn command(monitor: &Monitor, args: &[&str]) -> (Option<i32>, String, String) {
    let pid = monitor.pid.to_string();
    let output = Command::new("nsenter")
        .args([
            "--target",
            &pid,
            "--mount",
            "--pid",
            env!("CARGO_BIN_EXE_occ-gate"),
            "token",
        ])
        .args(args)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_token_opens_its_persons_opencode_and_nothing_of_the_account() {
    let place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let bob = web.log_in(&place, "bob", 2).token;
    let access = make(&mut web, &alice, "laptop");
    let AccessReply::Session { token, session } = show(&mut web, &access, 7) else {
        panic!("not good");
    };
    assert_eq!(session.user.as_str(), "alice");
    assert_eq!(session.display_name.as_str(), "alice Doe");
    assert!(open(&mut web, &access) == token, "always the same one");
    web.ensure(&token, "alice");
    assert_eq!(place.starts("bob"), 0);
    // Bob can't list or end hers.
    let handle = list(&mut web, &alice)[0].handle;
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
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let access = make(&mut web, &alice, "laptop");
    let token = open(&mut web, &access);
    assert!(web.is_gone(&token), "no browser's session");
    let (old, new) = ("alice's word", "another word");
    let secret = |text| Secret::from_text(text).unwrap();
    let change = ask::ChangePassword {
        token: token.clone(),
        old: secret(old),
        new: secret(new),
    };
    assert!(matches!(web.call(change), Err(Gone)));
    let again = ask::MakeAccess {
        token: token.clone(),
        name: AccessName::try_from(Box::from("more")).unwrap(),
        lifetime: Lifetime::try_from(365).unwrap(),
    };
    assert!(matches!(web.call(again), Err(Gone)));
    let handle = list(&mut web, &alice)[0].handle;
    let revoke = |token: &Token| ask::RevokeAccess {
        token: token.clone(),
        handle,
    };
    assert!(matches!(web.call(revoke(&token)), Err(Gone)));
    for gone in [
        web.call(ask::ListSessions {
            token: token.clone(),
        })
        .is_err(),
        web.call(ask::ListAccess {
            token: token.clone(),
        })
        .is_err(),
        web.call(ask::EndAll {
            token: token.clone(),
        })
        .is_err(),
        web.call(ask::End {
            token: token.clone(),
        })
        .is_err(),
        web.call(ask::Touch {
            token: token.clone(),
        })
        .is_err(),
        web.call(ask::GetSecond {
            token: token.clone(),
        })
        .is_err(),
        web.call(ask::BeginSecond {
            token: token.clone(),
            password: secret(old),
        })
        .is_err(),
        web.call(ask::ConfirmSecond {
            token: token.clone(),
            code: secret("000000"),
        })
        .is_err(),
        web.call(ask::EndSecond {
            token: token.clone(),
            password: secret(old),
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
fn a_revoked_token_ends_at_once_for_good() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let [here, there] = ["here", "there"].map(|name| make(&mut web, &alice, name));
    let [first, second] = [&here, &there].map(|access| open(&mut web, access));
    web.ensure(&first, "alice");
    let entries = list(&mut web, &alice);
    let here_is = entries.iter().find(|entry| entry.name.as_str() == "here");
    let since = Instant::now();
    let revoked = web.call(ask::RevokeAccess {
        token: alice.clone(),
        handle: here_is.unwrap().handle,
    });
    assert!(matches!(revoked, Ok(true)));
    assert_cut(&mut web, &first, since);
    assert!(matches!(web.call(ask::Ensure { token: first }), Err(Gone)));
    assert!(is_refused(&mut web, &here));
    let ready = web.call(ask::Ensure {
        token: second.clone(),
    });
    assert!(
        matches!(ready, Ok(EnsureReply::Ready { .. })),
        "the other one is good"
    );
    // Logged out everywhere.
    let since = Instant::now();
    web.call(ask::EndAll { token: alice }).unwrap();
    assert_cut(&mut web, &second, since);
    assert!(is_refused(&mut web, &there));
    drop(web);
    monitor.stop();
    let text = std::fs::read_to_string(place.path(TOKENS)).unwrap();
    assert!(text.contains(r#""tokens":[]"#), "{text}");
}

#[test]
fn tokens_outlive_a_restart_and_only_their_digests_are_kept() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
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

fn with_token(change: impl FnOnce(&mut Place)) -> (Duration, bool) {
    let mut place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    web.ensure(&session, "alice");
    let before = place.person("alice").hash.clone();
    let since = Instant::now();
    change(&mut place);
    place.write_accounts();
    assert_cut(&mut web, &session, since);
    let cut = since.elapsed();
    until("her processes to be gone", || {
        monitor.processes_of(10_000).is_empty()
    });
    assert!(is_refused(&mut web, &access));
    // As it was.
    let alice = place.person("alice");
    (alice.hash, alice.shell, alice.expire) = (before, "/bin/sh", "");
    place.write_accounts();
    web.log_in(&place, "alice", 1);
    (cut, is_refused(&mut web, &access))
}

#[test]
fn a_disabled_account_ends_its_tokens_for_good() {
    let (_, is_over) = with_token(|place| {
        let alice = place.person("alice");
        alice.hash = format!("!{}", alice.hash);
        (alice.shell, alice.expire) = ("/usr/sbin/nologin", "1");
    });
    assert!(is_over);
}

#[test]
fn an_administrators_reset_ends_the_tokens() {
    let (_, is_over) = with_token(|place| {
        place.person("alice").hash = hash("set by an administrator");
    });
    assert!(is_over);
}

/// They end what runs, and a program comes back.
#[test]
fn another_shell_or_last_day_ends_no_token() {
    let mut place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    web.ensure(&session, "alice");
    for (shell, expire) in [("/bin/bash", ""), ("/bin/bash", "60000")] {
        let alice = place.person("alice");
        (alice.shell, alice.expire) = (shell, expire);
        place.write_accounts();
        web.event(|event| matches!(event, Event::InstanceGone { .. }));
        assert!(open(&mut web, &access) == session);
        web.ensure(&session, "alice");
    }
}

#[test]
fn a_removed_account_takes_its_tokens_along() {
    let mut place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    let mut removed = place.people.remove(0);
    let since = Instant::now();
    place.write_accounts();
    assert_cut(&mut web, &session, since);
    assert!(is_refused(&mut web, &access));
    // Somebody with that name again, and a password of their own.
    removed.hash = hash("alice's next word");
    removed.password = "alice's next word".to_owned();
    place.people.push(removed);
    place.write_accounts();
    let alice = web.log_in(&place, "alice", 1).token;
    assert!(is_refused(&mut web, &access));
    assert!(list(&mut web, &alice).is_empty());
}

#[test]
fn a_person_who_changes_their_own_password_keeps_their_tokens() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let access = make(&mut web, &alice, "laptop");
    let session = open(&mut web, &access);
    let secret = |text| Secret::from_text(text).unwrap();
    let changed = web.call(ask::ChangePassword {
        token: alice.clone(),
        old: secret("alice's word"),
        new: secret("a word of her own"),
    });
    assert!(matches!(changed, Ok(ChangeReply::Changed)), "{changed:?}");
    assert!(open(&mut web, &access) == session);
    let hash = session.hash();
    let is_gone =
        |event: &Event| matches!(event, Event::Gone { token_hash } if *token_hash == hash);
    assert!(!web.events.iter().any(is_gone), "nothing was cut");
    drop(web);
    monitor.stop();
    let monitor = place.start();
    let mut web = monitor.take_over();
    open(&mut web, &access);
}

#[test]
fn guessing_is_limited_and_a_right_token_is_always_good() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
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
        .filter(|reply| matches!(reply, AccessReply::Refused));
    assert_eq!(checked.count(), 3, "{replies:?}");
    assert!(matches!(replies[50], AccessReply::SlowDown { .. }));
    open(&mut web, &access);
    assert!(
        matches!(show(&mut web, &guess(200), 8), AccessReply::Refused),
        "elsewhere"
    );
    // And nobody is kept from the login page by it.
    web.log_in(&place, "alice", 9);
    let log = monitor.log();
    let lines = log
        .matches("token: one that is nobody's from 192.0.2.9")
        .count();
    assert_eq!(lines, 4, "{log}");
}

#[test]
fn nobody_has_more_than_fit() {
    let place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    for number in 0..ACCESS_LIMIT {
        make(&mut web, &alice, &format!("{number}"));
    }
    for _ in 0..10 {
        let reply = make_with(&mut web, &alice, "more", 7);
        assert!(matches!(reply, MakeReply::Full), "{reply:?}");
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
            MakeReply::Made { .. } => was_made += 1,
            reply => assert!(matches!(reply, MakeReply::TooOften), "{reply:?}"),
        }
    }
    assert!(was_made < ACCESS_LIMIT, "{was_made}");
    let bob = web.log_in(&place, "bob", 2).token;
    make(&mut web, &bob, "bob's");
}

#[test]
fn a_damaged_file_stays_and_is_reported() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
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
        assert!(matches!(made, MakeReply::Unavailable), "{made:?}");
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

#[test]
fn administrators_list_and_revoke() {
    let place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let bob = web.log_in(&place, "bob", 2).token;
    let names = ["one", "two", "three"];
    let [one, two, three] = names.map(|name| make(&mut web, &alice, name));
    let bobs = make(&mut web, &bob, "bobs");
    let (session, other) = (open(&mut web, &one), open(&mut web, &three));
    let (code, out, said) = command(&monitor, &["list", "alice"]);
    assert_eq!((code, out.lines().count()), (Some(0), 3), "{out} {said}");
    let (code, out, _) = command(&monitor, &["list", "--json", "bob"]);
    assert_eq!(code, Some(0));
    let reply: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&reply["userName"], &reply["tokens"][0]["name"]),
        (&"bob".into(), &"bobs".into())
    );
    assert!(reply["tokens"][0]["lastUseUSec"].is_null(), "{out}");

    let entries = list(&mut web, &alice);
    let one_is = entries
        .iter()
        .find(|entry| entry.name.as_str() == "one")
        .unwrap();
    let id = format!("{:08x}", one_is.handle.0);
    let since = Instant::now();
    let (code, out, said) = command(&monitor, &["revoke", "alice", &id]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.starts_with(&format!("revoked  {id}")), "{out}");
    assert_cut(&mut web, &session, since);
    assert!(is_refused(&mut web, &one));
    open(&mut web, &two);

    let (code, out, _) = command(&monitor, &["revoke", "alice", "--all", "--json"]);
    let reply: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &reply["changed"]), (Some(0), &true.into()));
    assert_cut(&mut web, &other, Instant::now());
    assert!(is_refused(&mut web, &two) && is_refused(&mut web, &three));
    assert!(list(&mut web, &alice).is_empty());
    open(&mut web, &bobs);
    let (_, out, _) = command(&monitor, &["revoke", "alice", "--all", "--json"]);
    assert!(out.contains(r#""changed":false"#), "{out}");
    let requests = std::fs::read_dir(place.path("var/lib/occ-gate/revoke")).unwrap();
    assert_eq!(requests.count(), 0, "all done");
    assert!(monitor.log().contains("revoked by an administrator"));
}

#[test]
fn administrators_are_told_what_is_wrong() {
    let place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    make(&mut web, &alice, "laptop");
    let id = format!("{:08x}", list(&mut web, &alice)[0].handle.0);
    for (args, code, says) in [
        (&["revoke", "bob", &id][..], 3, "'bob' has no token"),
        (&["revoke", "carol", "--all"], 3, "no such account 'carol'"),
        (
            &["revoke", "alice", "../x"],
            3,
            "'alice' has no token '../x'",
        ),
        (&["revoke", "alice"], 2, "required"),
        (&["list", "carol"], 3, "no such account 'carol'"),
    ] {
        let (ended, out, said) = command(&monitor, args);
        assert_eq!((ended, out.as_str()), (Some(code), ""), "{args:?}: {said}");
        assert!(said.contains(says), "{args:?}: {said}");
    }
    assert_eq!(list(&mut web, &alice).len(), 1);
}

/// Asked for while no monitor ran.
#[test]
fn a_revocation_waits_for_the_next_start() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let [kept, over] = ["kept", "over"].map(|name| make(&mut web, &alice, name));
    let entries = list(&mut web, &alice);
    let Handle(id) = entries
        .iter()
        .find(|entry| entry.name.as_str() == "over")
        .unwrap()
        .handle;
    drop(web);
    monitor.stop();
    let requests = place.path("var/lib/occ-gate/revoke");
    std::fs::write(requests.join(format!("{id:08x}")), "").unwrap();
    std::fs::write(requests.join("nonsense"), "").unwrap();
    let monitor = place.start();
    let mut web = monitor.take_over();
    assert!(is_refused(&mut web, &over));
    open(&mut web, &kept);
    assert!(!requests.join(format!("{id:08x}")).exists());
}

/// The web half can't read or write what the monitor keeps.
#[test]
fn the_web_half_has_no_way_to_the_file() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
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
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    let access = make(&mut web, &alice, "laptop");
    drop(web);
    monitor.stop();
    place = place.set("OCC_GATE_TOKENS", "0");
    let monitor = place.start();
    let mut web = monitor.take_over();
    assert!(is_refused(&mut web, &access));
    let made = make_with(&mut web, &alice, "more", 7);
    assert!(matches!(made, MakeReply::Unavailable), "{made:?}");
    assert_eq!(list(&mut web, &alice).len(), 1, "they are kept");
}
