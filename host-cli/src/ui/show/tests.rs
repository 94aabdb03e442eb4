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
