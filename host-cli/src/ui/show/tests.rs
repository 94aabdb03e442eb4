//! Answers as people and programs read them.

use expect_test::expect;

use super::*;

fn account(name: &str, uid: u32, status: Status) -> AccountView {
    AccountView {
        user_name: name.into(),
        uid,
        gid: uid,
        real_name: String::new(),
        home_directory: format!("/home/{name}"),
        shell: "/bin/bash".into(),
        member_of: vec![],
        status,
        expires_usec: None,
        password_change_now: false,
        has_password: None,
        ssh_keys: None,
        passkeys: None,
        last_password_change_usec: None,
    }
}

#[test]
fn the_table_is_plain_when_piped() {
    let accounts = [
        account("alice", 10000, Status::Enabled),
        account("bartholomew_the_third", 10001, Status::Disabled),
    ];
    expect![[r"
        Username               Status    UID    Home                         Shell
        alice                  enabled   10000  /home/alice                  /bin/bash
        bartholomew_the_third  disabled  10001  /home/bartholomew_the_third  /bin/bash"]]
    .assert_eq(&account_table(&accounts, false));
}

#[test]
fn status_is_green_or_yellow_on_a_terminal() {
    let table = account_table(
        &[
            account("alice", 10000, Status::Enabled),
            account("bob", 10001, Status::Disabled),
        ],
        true,
    );
    let line = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(
        line("alice").contains("\u{1b}[38;5;10m enabled")
            || line("alice").contains("\u{1b}[38;5;10menabled"),
        "{table:?}"
    );
    assert!(line("bob").contains("\u{1b}[38;5;11mdisabled"), "{table:?}");
}

#[test]
fn one_account_is_shown_field_by_field() {
    let mut alice = account("alice", 10000, Status::Enabled);
    alice.member_of = vec!["audio".into(), "video".into()];
    expect![[r"
        Username: alice
        Status:   enabled
        UID:      10000
        Home:     /home/alice
        Shell:    /bin/bash
        Groups:   audio, video"]]
    .assert_eq(&fields(&account_fields(&alice)));
}

#[test]
fn tokens_have_a_table_and_obey_nobody() {
    let token = |name: &str, last_use: Option<u64>| TokenView {
        id: "0a1b2c3d".into(),
        name: name.into(),
        made_usec: 1_790_000_000_000_000,
        ends_usec: 1_797_776_000_000_000,
        last_use_usec: last_use,
        last_use_address: last_use.map(|_| "192.0.2.1".into()),
    };
    let tokens = [
        token("laptop", Some(1_790_100_000_000_000)),
        token("\u{1b}[2J", None),
    ];
    expect![[r"
        Name       ID        Made        Ends        Last use
        laptop     0a1b2c3d  2026-09-21  2026-12-20  2026-09-22 from 192.0.2.1
        \u{1b}[2J  0a1b2c3d  2026-09-21  2026-12-20  never"]]
    .assert_eq(&token_table(&tokens));
}
