use super::*;
use crate::monitor::accounts::tests::people;

const LIMITS: Limits = Limits {
    idle: Duration::from_secs(100),
    absolute: Duration::from_secs(1000),
};
const NOW: Time = 5000;

fn token(number: u8) -> Token {
    Token::new([number; 32])
}

fn begin(tokens: &mut Tokens, number: u8, user: &str, now: Time) -> Vec<TokenHash> {
    let from = Origin {
        agent: Agent::cut("Firefox"),
        address: IpAddr::from([192, 0, 2, 1]),
    };
    let person = people().get(user).unwrap().clone();
    tokens.begin(&token(number), Handle(number.into()), &person, from, now)
}

fn two() -> Tokens {
    let mut tokens = Tokens::new(LIMITS);
    begin(&mut tokens, 1, "alice", NOW);
    begin(&mut tokens, 2, "bob", NOW);
    tokens
}

#[test]
fn only_the_token_finds_the_session() {
    let tokens = two();
    assert_eq!(tokens.find(&token(1), NOW).unwrap().user, "alice");
    assert!(tokens.find(&token(3), NOW).is_none());
    let digest = serde_json::to_string(&token(1).hash()).unwrap();
    let from_digest = Token::parse(digest.trim_matches('"')).unwrap();
    assert!(
        tokens.find(&from_digest, NOW).is_none(),
        "a digest is no token"
    );
}

#[test]
fn idle_and_absolute_limits() {
    let mut tokens = two();
    assert!(tokens.find(&token(1), NOW + 99).is_some());
    assert!(tokens.find(&token(1), NOW + 100).is_none());
    for later in (0..1000).step_by(50) {
        tokens.touch(&token(1), NOW + later);
        tokens.expire(NOW + later);
    }
    assert!(
        tokens.find(&token(2), NOW + 950).is_none(),
        "idle since long"
    );
    assert!(tokens.find(&token(1), NOW + 999).is_some());
    assert!(
        tokens.find(&token(1), NOW + 1000).is_none(),
        "touched and over all the same"
    );
    assert_eq!(tokens.expire(NOW + 1000), [token(1).hash()]);
    assert_eq!(tokens.count(), 0);
}

#[test]
fn a_clock_that_goes_back_lengthens_nothing() {
    let mut tokens = Tokens::new(LIMITS);
    let future = NOW + 1_000_000;
    begin(&mut tokens, 1, "alice", future);
    assert_eq!(tokens.expire(NOW), []);
    assert!(tokens.find(&token(1), NOW + 99).is_some());
    assert!(tokens.find(&token(1), NOW + 100).is_none());
    begin(&mut tokens, 2, "bob", 0);
    assert_eq!(tokens.expire(Time::MAX).len(), 2);
}

#[test]
fn a_restart_changes_nothing() {
    let tokens = two();
    let bytes = tokens.to_bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(
        !text.contains(token(1).expose().as_str()),
        "no token in the file"
    );
    let again = Tokens::from_bytes(&bytes, LIMITS).unwrap();
    assert_eq!(again.sessions, tokens.sessions);
    for bad in ["", "{}", "[]", r#"{"schema":2,"sessions":[]}"#, &text[1..]] {
        assert!(
            Tokens::from_bytes(bad.as_bytes(), LIMITS).is_none(),
            "{bad}"
        );
    }
}

#[test]
fn ending() {
    let mut tokens = two();
    begin(&mut tokens, 3, "alice", NOW);
    begin(&mut tokens, 4, "alice", NOW);
    assert!(
        tokens.by_handle("bob", Handle(1)).is_none(),
        "another person's"
    );
    let third = tokens.by_handle("alice", Handle(3)).unwrap();
    assert!(tokens.end(third));
    assert!(!tokens.end(third));
    let mut ended = tokens.end_all("alice");
    ended.sort_unstable();
    let mut both = [token(1).hash(), token(4).hash()];
    both.sort_unstable();
    assert_eq!(ended, both);
    assert!(tokens.find(&token(2), NOW).is_some());
}

#[test]
fn a_person_with_too_many_loses_the_one_not_used_for_longest() {
    let mut tokens = Tokens::new(LIMITS);
    let limit = u8::try_from(SESSIONS_LIMIT).unwrap();
    for number in 0..limit {
        assert_eq!(begin(&mut tokens, number, "alice", NOW), []);
    }
    begin(&mut tokens, 200, "bob", NOW - 50);
    for number in (0..limit).filter(|&number| number != 7) {
        tokens.touch(&token(number), NOW + 1);
    }
    assert_eq!(begin(&mut tokens, 100, "alice", NOW + 2), [token(7).hash()]);
    assert_eq!(tokens.of("alice").count(), SESSIONS_LIMIT);
    assert_eq!(tokens.of("bob").count(), 1);
}

#[test]
fn another_account_state_ends_its_sessions() {
    let mut tokens = two();
    let people = people();
    let is_current = |name: &str, stamp| people.stamp(name) == Some(stamp);
    assert_eq!(tokens.keep_only(is_current), []);
    tokens.restamp(token(1).hash(), people.stamp("bob").unwrap());
    assert_eq!(tokens.keep_only(is_current), [token(1).hash()]);
    assert_eq!(tokens.keep_only(|_, _| false), [token(2).hash()]);
}
