use super::*;
use crate::monitor::accounts::tests::people;
use crate::wire::AccessToken;

const NOW: Time = 2_000_000_000;
const DAY: Time = 24 * 60 * 60;

fn hash(number: u8) -> AccessHash {
    AccessToken::new([number; 32]).hash()
}

fn name(text: &str) -> AccessName {
    AccessName::try_from(Box::from(text)).unwrap()
}

fn make(table: &mut AccessTable, number: u8, user: &str) -> bool {
    let person = people().get(user).unwrap().clone();
    let week = Lifetime::try_from(7).unwrap();
    let id = Handle(number.into());
    table.make(hash(number), &person, name("laptop"), week, id, NOW)
}

/// Two of alice's and one of bob's.
fn three() -> AccessTable {
    let mut table = AccessTable::default();
    assert!(make(&mut table, 1, "alice") && make(&mut table, 2, "alice"));
    assert!(make(&mut table, 3, "bob"));
    table
}

fn open(table: &mut AccessTable, number: u8) -> Token {
    let last_use = LastUse {
        at: NOW,
        address: [192, 0, 2, number].into(),
    };
    table.used(hash(number), last_use, || Token::new([100 + number; 32]))
}

fn standing(user: &str) -> Standing {
    Standing::Open(people().get(user).unwrap().password())
}

fn left(table: &AccessTable) -> Vec<u64> {
    let mut ids: Vec<u64> = table.all.values().map(|access| access.id.0).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn one_is_good_until_its_end() {
    let mut table = three();
    assert_eq!(table.find(hash(1), NOW).unwrap().user, "alice");
    assert!(table.find(hash(9), NOW).is_none());
    let session = open(&mut table, 1);
    assert_eq!(table.owner(&session, NOW), Some("alice"));
    assert!(table.find(hash(1), NOW + 7 * DAY - 1).is_some());
    assert!(table.find(hash(1), NOW + 7 * DAY).is_none());
    assert_eq!(table.owner(&session, NOW + 7 * DAY), None);
    let ended = table.expire(NOW + 7 * DAY);
    assert_eq!(ended.tokens.len(), 3);
    assert_eq!(ended.sessions, [session.hash()], "the others had none");
    assert!(left(&table).is_empty());
}

#[test]
fn a_session_is_the_same_until_its_access_token_ends() {
    let mut table = three();
    let first = open(&mut table, 1);
    let again = table.used(
        hash(1),
        LastUse {
            at: NOW + 5,
            address: [192, 0, 2, 77].into(),
        },
        || Token::new([200; 32]),
    );
    assert!(first == again);
    let used = table.find(hash(1), NOW).unwrap().last_use.unwrap();
    assert_eq!((used.at, used.address), (NOW + 5, [192, 0, 2, 77].into()));
    assert!(table.is_open("alice", NOW) && !table.is_open("bob", NOW));
    assert!(!table.is_open("alice", NOW + 5 + GONE));
    let ended = table.end(|access| access.id == Handle(1));
    assert_eq!(ended.sessions, [first.hash()]);
    assert!(table.owner(&first, NOW).is_none() && !table.is_open("alice", NOW));
}

#[test]
fn nobody_and_not_all_together_have_too_many() {
    let mut table = AccessTable::default();
    let limit = u8::try_from(ACCESS_LIMIT).unwrap();
    assert!((0..limit).all(|number| make(&mut table, number, "alice")));
    assert!(!make(&mut table, 100, "alice"));
    assert!(make(&mut table, 101, "bob"));
    table.end(|access| access.id == Handle(0));
    assert!(make(&mut table, 100, "alice"), "there is room again");
    // As if thousands of people had some.
    let access = table.find(hash(101), NOW).unwrap().clone();
    for number in table.all.len()..10_000 {
        let bytes: [u8; 32] = std::array::from_fn(|at| number.to_le_bytes()[at % 8]);
        let access = Access {
            user: format!("u{number}"),
            ..access.clone()
        };
        if table.all.len() < MOST {
            table.all.insert(AccessToken::new(bytes).hash(), access);
        }
    }
    assert_eq!(table.all.len(), MOST);
    assert!(!make(&mut table, 102, "bob"));
    assert!(table.to_bytes().len() < 4 * 1024 * 1024);
    assert!(AccessTable::from_bytes(&table.to_bytes()).is_some());
    table.all.insert(hash(103), access);
    assert!(AccessTable::from_bytes(&table.to_bytes()).is_none());
}

#[test]
fn a_restart_keeps_them_and_no_file_holds_one() {
    let mut table = three();
    open(&mut table, 2);
    let bytes = table.to_bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    for number in 1..=3 {
        let access = AccessToken::new([number; 32]).expose();
        assert!(!text.contains(&access[4..]), "{text}");
    }
    let again = AccessTable::from_bytes(&bytes).unwrap();
    assert_eq!(again.all, table.all);
    assert!(!again.is_open("alice", NOW), "sessions are the monitor's");
    for bad in [
        "",
        "{}",
        "[]",
        r#"{"schema":2,"tokens":[]}"#,
        &text[1..],
        &text.replace("laptop", "lap\\u001btop"),
    ] {
        assert!(AccessTable::from_bytes(bad.as_bytes()).is_none(), "{bad}");
    }
}

#[test]
fn another_password_or_a_shut_account_ends_them_for_good() {
    for other in [
        Standing::Shut,
        Standing::Open(people().get("bob").unwrap().password()),
    ] {
        let mut table = three();
        let session = open(&mut table, 1);
        assert!(table.follow(standing).tokens.is_empty());
        let ended = table.follow(|user| match user {
            "alice" => other,
            user => standing(user),
        });
        assert_eq!(ended.sessions, [session.hash()]);
        assert_eq!((ended.tokens.len(), left(&table)), (2, vec![3]));
        table.follow(standing);
        assert!(table.find(hash(1), NOW).is_none(), "and none comes back");
    }
}

#[test]
fn a_person_who_changes_their_own_password_keeps_theirs() {
    let mut table = three();
    let session = open(&mut table, 1);
    let new = people().get("bob").unwrap().password();
    let ended = table.follow(|user| match user {
        "alice" => Standing::Changing,
        user => standing(user),
    });
    assert!(ended.tokens.is_empty() && ended.sessions.is_empty());
    table.keep("alice", new);
    let after = |user: &str| match user {
        "alice" => Standing::Open(new),
        user => standing(user),
    };
    assert!(table.follow(after).tokens.is_empty());
    assert_eq!(table.owner(&session, NOW), Some("alice"));
}

/// A container that starts before its accounts are restored deletes nothing.
#[test]
fn an_absent_account_is_shut_out_and_what_it_had_waits() {
    let mut table = three();
    let session = open(&mut table, 1);
    let without_alice = |user: &str| match user {
        "alice" => Standing::Absent,
        user => standing(user),
    };
    let ended = table.follow(without_alice);
    assert_eq!(ended.sessions, [session.hash()]);
    assert!(ended.tokens.is_empty());
    assert!(table.find(hash(1), NOW).is_none() && table.owner(&session, NOW).is_none());
    assert!(table.follow(without_alice).sessions.is_empty(), "told once");
    table.follow(standing);
    assert!(table.find(hash(1), NOW).is_some());
    // Removed, and made again with another password.
    table.follow(without_alice);
    table.follow(|_| Standing::Open(people().get("bob").unwrap().password()));
    assert_eq!(left(&table), [3]);
}

#[test]
fn a_clock_that_goes_back_lengthens_nothing() {
    let mut table = three();
    assert!(table.expire(NOW - 100 * DAY).tokens.is_empty());
    let ends = table.find(hash(1), NOW - 100 * DAY).unwrap().ends;
    assert_eq!(ends, NOW - 93 * DAY);
    assert_eq!(table.expire(0).tokens.len(), 0);
    assert_eq!(table.expire(7 * DAY).tokens.len(), 3);
}

#[test]
fn a_list_is_ones_own_and_the_latest_first() {
    let mut table = three();
    let person = people().get("alice").unwrap().clone();
    let week = Lifetime::try_from(7).unwrap();
    table.make(hash(9), &person, name("phone"), week, Handle(9), NOW + 9);
    let ids: Vec<u64> = table.entries("alice").iter().map(|e| e.handle.0).collect();
    assert_eq!(ids, [9, 2, 1]);
    assert_eq!(table.entries("bob").len(), 1);
    assert!(table.entries("carol").is_empty());
}
