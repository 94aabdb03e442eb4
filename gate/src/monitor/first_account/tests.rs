use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::wire::User;

const MAKING: fn() -> Making = || Making {
    web: WebId::default(),
    id: 1,
};

fn asked(code: &str, user: &str) -> MakeFirst {
    MakeFirst {
        code: Secret::from_text(code).unwrap(),
        user: User::cut(user),
        password: Secret::from_text("a long password").unwrap(),
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    }
}

fn opened() -> (FirstAccount, String) {
    let mut first = FirstAccount::new(true);
    let Change::Opened(code) = first.set_open(true) else {
        panic!("closed")
    };
    (first, code)
}

fn ask(
    first: &mut FirstAccount,
    code: &str,
    user: &str,
    now: u64,
) -> Result<String, MakeFirstReply> {
    let now = Duration::from_secs(now);
    let order = first.ask(asked(code, user), MAKING(), false, now)?;
    Ok(order.name.as_str().to_owned())
}

#[test]
fn code_is_typed_in_many_ways() {
    let code = Code::from_random(&[0, 1, 2, 3, 31, 30, 29, 28, 255, 64, 33, 10]);
    assert_eq!(code.shown(), "0123-ZYXW-Z01A");
    for typed in ["0123-ZYXW-Z01A", "0123zyxwz01a", " o i23-zyxw-zoLa "] {
        assert!(code.is(typed.as_bytes()), "{typed}");
    }
    for typed in [
        "",
        "0123-ZYXW-Z01",
        "0123-ZYXW-Z01AA",
        "0123-ZYXW-Z01B",
        "\u{ff10}123",
    ] {
        assert!(!code.is(typed.as_bytes()), "{typed}");
    }
}

#[test]
fn door_follows_the_accounts_and_has_another_code_each_time() {
    let (mut first, code) = opened();
    assert_eq!(first.set_open(true), Change::Same);
    assert_eq!(first.set_open(false), Change::Closed);
    assert_eq!(first.set_open(false), Change::Same);
    assert_eq!(
        ask(&mut first, &code, "alice", 0),
        Err(MakeFirstReply::Closed)
    );
    let Change::Opened(other) = first.set_open(true) else {
        panic!("closed")
    };
    assert_ne!(code, other);
    assert_eq!(FirstAccount::new(false).set_open(true), Change::Same);
}

#[test]
fn one_at_a_time_and_a_refused_name_leaves_the_code_good() {
    let (mut first, code) = opened();
    let refused = ask(&mut first, &code, "Not A Name", 0);
    assert!(matches!(refused, Err(MakeFirstReply::Rejected { .. })));
    assert_eq!(ask(&mut first, &code, "alice", 0), Ok("alice".to_owned()));
    assert_eq!(
        ask(&mut first, &code, "bob", 0),
        Err(MakeFirstReply::Closed)
    );
    assert_eq!(
        first.made(Err("it is taken".to_owned())),
        rejected("it is taken")
    );
    assert_eq!(ask(&mut first, &code, "bob", 0), Ok("bob".to_owned()));
    assert_eq!(first.made(Ok(())), MakeFirstReply::Made);
}

#[test]
fn guesses_are_limited_and_the_right_code_is_not() {
    let (mut first, code) = opened();
    for _ in 0..4 {
        assert_eq!(
            ask(&mut first, "WRONG", "alice", 0),
            Err(MakeFirstReply::WrongCode)
        );
    }
    let slow = ask(&mut first, &code, "alice", 1);
    assert!(
        matches!(slow, Err(MakeFirstReply::SlowDown { .. })),
        "{slow:?}"
    );
    assert_eq!(ask(&mut first, &code, "alice", 60), Ok("alice".to_owned()));
}

#[test]
fn request_is_one_document() {
    let order = Order {
        making: MAKING(),
        audit: AuditLine::new(
            Topic::Setup,
            Ipv4Addr::LOCALHOST.into(),
            None,
            By::SetupCode,
        ),
        name: Username::parse("alice").unwrap(),
        password: Secret::from_text("a \"quoted\" \u{1} password").unwrap(),
    };
    assert_eq!(
        std::str::from_utf8(&order.request().unwrap()).unwrap(),
        r#"{"schema":1,"password":"a \"quoted\" \u0001 password"}"#
    );
}
