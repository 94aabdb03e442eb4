//! What each command prints for people word for word, for programs, and
//! with `-q`; and the exit code of each way to fail.

use crate::adding::assert_is_generated;
use crate::tree::{MARK, Tree, hash, unchanged};
use accounts::wire::{AccountReply, ErrorKind, ListReply, Status};
use serde_json::{Value, json};

pub(crate) fn password() -> String {
    format!("{MARK}-longer\n")
}

#[test]
fn list_and_show() {
    let tree = Tree::new();
    tree.run(&["user", "list"])
        .ends(0)
        .prints("No users configured.\n");
    tree.run(&["-q", "user", "list"]).ends(0).prints("");
    tree.run(&["--json", "user", "list"])
        .ends(0)
        .prints("{\"schema\":1,\"accounts\":[]}\n");
    tree.add("zoe", &hash('z'));
    tree.add("alice", &hash('a'));
    tree.run(&["user", "disable", "zoe"]).ends(0);
    tree.run(&["user", "list"]).ends(0).prints(
        "Username  Status    UID    Home         Shell\n\
         alice     enabled   10001  /home/alice  /bin/bash\n\
         zoe       disabled  10000  /home/zoe    /bin/bash\n",
    );
    tree.run(&["user", "list", "-q"])
        .ends(0)
        .prints("alice\nzoe\n");
    let reply: ListReply = tree.run(&["user", "list", "--json"]).ends(0).json();
    assert_eq!(reply.changed, None);
    assert_eq!(reply.accounts[1].status, Status::Disabled);
    let shown = tree.run(&["user", "show", "alice"]).ends(0);
    assert!(
        shown
            .out
            .starts_with("Username: alice\nStatus: enabled\nUID: 10001\n"),
        "{}",
        shown.out
    );
    let reply: AccountReply = tree.run(&["--json", "user", "show", "zoe"]).ends(0).json();
    assert_eq!(
        (reply.changed, reply.account.status),
        (false, Status::Disabled)
    );
}

#[test]
fn looking_changes_nothing() {
    let tree = Tree::new();
    let before = tree.state();
    for args in [
        &["user", "list"][..],
        &["user", "keys", "nobody-here"],
        &["check"],
        &["restore", "--dry-run"],
        &["--json", "restore", "--dry-run"],
    ] {
        tree.run(args);
        unchanged(&before, &tree.state(), &args);
    }
}

#[test]
fn passwd_keeps_an_account_disabled() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.feed(
        &["user", "passwd", "alice", "--password-hash-stdin"],
        hash('n'),
    )
    .ends(0)
    .prints("Password of 'alice' changed.\n");
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
    tree.feed(
        &["-q", "user", "passwd", "alice", "--password-stdin"],
        password(),
    )
    .ends(0)
    .prints("");
    let ran = tree.run(&["user", "passwd", "alice", "--generate"]).ends(0);
    assert_is_generated(
        ran.out
            .strip_prefix("Password of 'alice' changed.\nPassword: ")
            .unwrap()
            .trim_end(),
    );
    tree.run(&["user", "disable", "alice"]).ends(0);
    let request = json!({ "schema": 1, "passwordHash": hash('m') }).to_string();
    let reply: AccountReply = tree
        .feed(
            &["--json", "user", "passwd", "alice", "--request-stdin"],
            request,
        )
        .ends(0)
        .json();
    assert_eq!(
        (reply.changed, reply.account.status),
        (true, Status::Disabled)
    );
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('m'))
    );
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
}

#[test]
fn disable_and_enable() {
    let tree = Tree::with(&["alice", "bob", "carol"]);
    let (passwd, shadow) = (tree.read("etc/passwd"), tree.read("etc/shadow"));
    tree.run(&["user", "disable", "alice"])
        .ends(0)
        .prints("User 'alice' disabled.\n");
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
    assert_eq!(tree.field("etc/shadow", "alice", 7), "1");
    assert_eq!(tree.field("etc/passwd", "alice", 6), "/usr/sbin/nologin");
    let reply: AccountReply = tree
        .run(&["--json", "user", "disable", "alice"])
        .ends(0)
        .json();
    assert_eq!(
        (reply.changed, reply.account.status),
        (false, Status::Disabled)
    );
    let reply: ListReply = tree
        .run(&["--json", "user", "disable", "bob", "alice", "bob"])
        .ends(0)
        .json();
    assert_eq!(reply.changed, Some(true));
    assert_eq!(reply.accounts.len(), 2, "each name once");
    tree.run(&["user", "enable", "bob", "alice"])
        .ends(0)
        .prints("User 'alice' enabled.\nUser 'bob' enabled.\n");
    assert_eq!(
        (tree.read("etc/passwd"), tree.read("etc/shadow")),
        (passwd, shadow)
    );
    tree.run(&["-q", "user", "disable", "carol"])
        .ends(0)
        .prints("");
    tree.run(&["-q", "user", "enable", "carol"])
        .ends(0)
        .prints("");
}

#[test]
fn remove() {
    let tree = Tree::with(&["alice", "bob", "carol", "dave"]);
    tree.run(&["user", "remove", "alice"])
        .ends(2)
        .says(&["--yes"]);
    tree.run(&["user", "remove", "--yes", "alice"])
        .ends(0)
        .prints("User 'alice' removed.\n");
    for file in crate::tree::FOUR {
        assert_eq!(tree.line(file, "alice"), None, "{file}");
    }
    assert!(tree.path("home/alice").is_dir(), "the home stays");
    tree.run(&["user", "remove", "-y", "-q", "bob"])
        .ends(0)
        .prints("");
    let reply: AccountReply = tree
        .run(&["--json", "user", "remove", "carol", "--yes"])
        .ends(0)
        .json();
    assert_eq!(
        (reply.changed, reply.account.user_name.as_str()),
        (true, "carol")
    );
    tree.run(&["user", "remove", "dave", "--yes"])
        .ends(5)
        .says(&["Cannot remove last user. Add another user first or use --force."]);
    tree.run(&["user", "remove", "dave", "--force"])
        .ends(0)
        .prints("User 'dave' removed.\n");
    tree.run(&["user", "list"]).prints("No users configured.\n");
}

#[test]
fn the_last_enabled_account_is_the_last() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "disable", "bob"]).ends(0);
    tree.run(&["--json", "user", "remove", "--yes", "alice"])
        .fails_as(ErrorKind::Refused);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
}

#[test]
fn restore_and_check() {
    let tree = Tree::with(&["alice"]);
    tree.restore().says(&["restored 1 account", "1 unchanged"]);
    tree.run(&["check"]).ends(0).says(&["nothing to look at"]);
    tree.plant("bob.json", b"{");
    tree.run(&["check"])
        .ends(1)
        .says(&["skipped 'bob.json'", "hint:"]);
    let findings: Value = tree.run(&["--json", "check"]).ends(1).json();
    assert_eq!(findings["findings"][0]["kind"], "record");
    assert_eq!(findings["findings"][0]["name"], "bob.json");
    let summary: Value = tree.run(&["--json", "restore"]).ends(0).json();
    assert_eq!(summary["restore"]["restored"], 1);
    assert_eq!(summary["restore"]["problems"].as_array().unwrap().len(), 1);
    tree.edit("etc/passwd", "alice:x:10000", "alice:y:10000");
    let plan: Value = tree.run(&["--json", "restore", "--dry-run"]).ends(0).json();
    assert_eq!(
        plan["changes"],
        json!([{ "name": "alice", "change": "update" }])
    );
    assert_eq!(plan["writes"], json!(["passwd"]));
    assert_eq!(
        tree.field("etc/passwd", "alice", 1),
        "y",
        "a dry run writes nothing"
    );
    tree.run(&["-q", "restore"]).ends(0);
    assert_eq!(tree.field("etc/passwd", "alice", 1), "x");
}
