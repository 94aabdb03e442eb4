use super::*;
use crate::monitor::accounts::tests::people;

const LIMITS: SessionLimits = SessionLimits {
    idle: Duration::from_secs(100),
    absolute: Duration::from_secs(1000),
};
const NOW: Time = 5000;

fn token(number: u8) -> Token {
    Token::new([number; 32])
}

fn begin(sessions: &mut Sessions, number: u8, user: &str, now: Time) -> Vec<TokenHash> {
    let from = Origin {
        agent: Agent::cut("Firefox"),
        address: IpAddr::from([192, 0, 2, 1]),
    };
    let person = people().get(user).unwrap().clone();
    sessions.begin(&token(number), Handle(number.into()), &person, from, now)
}

fn two() -> Sessions {
    let mut sessions = Sessions::new(LIMITS);
    begin(&mut sessions, 1, "alice", NOW);
    begin(&mut sessions, 2, "bob", NOW);
    sessions
}

#[test]
fn only_the_token_finds_the_session() {
    let sessions = two();
    assert_eq!(sessions.find(&token(1), NOW).unwrap().user, "alice");
    assert!(sessions.find(&token(3), NOW).is_none());
    let digest = serde_json::to_string(&token(1).hash()).unwrap();
    let from_digest = Token::parse(digest.trim_matches('"')).unwrap();
    let by_digest = sessions.find(&from_digest, NOW);
    assert!(by_digest.is_none(), "a digest is no token");
}

#[test]
fn idle_and_absolute_limits() {
    let mut sessions = two();
    assert!(sessions.find(&token(1), NOW + 99).is_some());
    assert!(sessions.find(&token(1), NOW + 100).is_none());
    for later in (0..1000).step_by(50) {
        sessions.touch(&token(1), NOW + later);
        sessions.expire(NOW + later);
    }
    let idle = sessions.find(&token(2), NOW + 950);
    assert!(idle.is_none(), "idle since long");
    assert!(sessions.find(&token(1), NOW + 999).is_some());
    let touched = sessions.find(&token(1), NOW + 1000);
    assert!(touched.is_none(), "touched and over all the same");
    assert_eq!(sessions.expire(NOW + 1000), [token(1).hash()]);
    assert_eq!(sessions.count(), 0);
}

#[test]
fn a_clock_that_goes_back_lengthens_nothing() {
    let mut sessions = Sessions::new(LIMITS);
    let future = NOW + 1_000_000;
    begin(&mut sessions, 1, "alice", future);
    assert_eq!(sessions.expire(NOW), []);
    assert!(sessions.find(&token(1), NOW + 99).is_some());
    assert!(sessions.find(&token(1), NOW + 100).is_none());
    begin(&mut sessions, 2, "bob", 0);
    assert_eq!(sessions.expire(Time::MAX).len(), 2);
}

#[test]
fn a_restart_changes_nothing() {
    let sessions = two();
    let bytes = sessions.to_bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let shows_token = text.contains(token(1).expose().as_str());
    assert!(!shows_token, "no token in the file");
    let again = Sessions::from_bytes(&bytes, LIMITS).unwrap();
    assert_eq!(again.sessions, sessions.sessions);
    for bad in ["", "{}", "[]", r#"{"schema":2,"sessions":[]}"#, &text[1..]] {
        let read = Sessions::from_bytes(bad.as_bytes(), LIMITS);
        assert!(read.is_none(), "{bad}");
    }
}

#[test]
fn ending() {
    let mut sessions = two();
    begin(&mut sessions, 3, "alice", NOW);
    begin(&mut sessions, 4, "alice", NOW);
    let anothers = sessions.by_handle("bob", Handle(1));
    assert!(anothers.is_none());
    let third = sessions.by_handle("alice", Handle(3)).unwrap();
    assert!(sessions.end(third));
    assert!(!sessions.end(third));
    let mut ended = sessions.end_all("alice");
    ended.sort_unstable();
    let mut both = [token(1).hash(), token(4).hash()];
    both.sort_unstable();
    assert_eq!(ended, both);
    assert!(sessions.find(&token(2), NOW).is_some());
}

#[test]
fn a_person_with_too_many_loses_the_one_not_used_for_longest() {
    let mut sessions = Sessions::new(LIMITS);
    let limit = u8::try_from(SESSIONS_LIMIT).unwrap();
    for number in 0..limit {
        assert_eq!(begin(&mut sessions, number, "alice", NOW), []);
    }
    begin(&mut sessions, 200, "bob", NOW - 50);
    for number in (0..limit).filter(|&number| number != 7) {
        sessions.touch(&token(number), NOW + 1);
    }
    let ended = begin(&mut sessions, 100, "alice", NOW + 2);
    assert_eq!(ended, [token(7).hash()]);
    assert_eq!(sessions.of("alice").count(), SESSIONS_LIMIT);
    assert_eq!(sessions.of("bob").count(), 1);
}

#[test]
fn another_account_state_ends_its_sessions() {
    let mut sessions = two();
    let people = people();
    let is_current = |name: &str, fingerprint| people.fingerprint(name) == Some(fingerprint);
    assert_eq!(sessions.keep_only(is_current), []);
    sessions.set_fingerprint(token(1).hash(), people.fingerprint("bob").unwrap());
    assert_eq!(sessions.keep_only(is_current), [token(1).hash()]);
    assert_eq!(sessions.keep_only(|_, _| false), [token(2).hash()]);
}
