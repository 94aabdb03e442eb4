//! What `user add` prints for people, for programs, and with `-q`.

use crate::commands::password;
use crate::tree::{KEY, MARK, Tree, hash};
use accounts::wire::{AccountReply, Status};
use serde_json::json;

#[test]
fn add_for_people() {
    let tree = Tree::new();
    tree.feed(&["user", "add", "alice", "--password-stdin"], password())
        .ends(0)
        .prints("User 'alice' created (uid 10000).\nPassword: ********\n");
    tree.run(&["user", "add", "bob", "--no-password"])
        .ends(0)
        .prints("User 'bob' created (uid 10001).\n");
    tree.feed(
        &["-q", "user", "add", "carol", "--password-stdin"],
        password(),
    )
    .ends(0)
    .prints("");
    let generated = tree.run(&["user", "add", "dave", "--generate"]).ends(0);
    let shown = generated
        .out
        .strip_prefix("User 'dave' created (uid 10003).\nPassword: ")
        .unwrap();
    assert_is_generated(shown.trim_end());
    let quiet = tree
        .run(&["user", "add", "erin", "--generate", "-q"])
        .ends(0);
    assert_is_generated(quiet.out.trim_end());
    assert_eq!(tree.names(), ["alice", "bob", "carol", "dave", "erin"]);
}

pub(crate) fn assert_is_generated(password: &str) {
    assert_eq!(password.len(), 24, "{password:?}");
    assert!(
        password.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{password:?}"
    );
}

#[test]
fn add_for_programs() {
    let tree = Tree::new();
    let args = [
        "user",
        "add",
        "alice",
        "--password-hash-stdin",
        "--json",
        "--uid",
        "12345",
        "--comment",
        "Zoë Liddell",
        "--shell",
        "/bin/sh",
        "--groups",
        "staff,audio",
        "--disabled",
    ];
    let reply: AccountReply = tree.feed(&args, hash('a')).ends(0).json();
    assert_eq!(
        (reply.schema, reply.changed, reply.generated_password),
        (1, true, None)
    );
    let account = reply.account;
    assert_eq!((account.uid, account.gid), (12345, 12345));
    assert_eq!(
        (account.user_name.as_str(), account.real_name.as_str()),
        ("alice", "Zoë Liddell")
    );
    assert_eq!(
        (account.home_directory.as_str(), account.shell.as_str()),
        ("/home/alice", "/bin/sh")
    );
    assert_eq!(
        (account.member_of, account.status),
        (vec!["audio".into(), "staff".into()], Status::Disabled)
    );
    assert!(account.last_password_change_usec.is_some());
    assert_eq!(
        tree.line("etc/passwd", "alice").unwrap(),
        "alice:x:12345:12345:Zoë Liddell:/home/alice:/usr/sbin/nologin"
    );
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
    assert_eq!(tree.field("etc/shadow", "alice", 7), "1");
    assert_eq!(tree.line("etc/group", "alice").unwrap(), "alice:x:12345:");
    assert_eq!(tree.line("etc/gshadow", "alice").unwrap(), "alice:!::");
    assert_eq!(tree.field("etc/group", "staff", 3), "alice");
    assert_eq!(tree.field("etc/group", "audio", 3), "node,alice");

    let reply: AccountReply = tree
        .run(&["--json", "user", "add", "bob", "--generate"])
        .ends(0)
        .json();
    assert_is_generated(&reply.generated_password.unwrap());
    let args = [
        "--json",
        "user",
        "add",
        "bob",
        "--if-missing",
        "--no-password",
    ];
    let reply: AccountReply = tree.run(&args).ends(0).json();
    assert_eq!(
        (reply.changed, reply.account.user_name.as_str()),
        (false, "bob")
    );
}

#[test]
fn add_what_a_request_holds() {
    let tree = Tree::new();
    let request = json!({
        "schema": 1, "password": format!("{MARK} ä"), "sshAuthorizedKeys": [format!("{KEY} alice@x")],
    });
    tree.feed(
        &["user", "add", "alice", "--request-stdin"],
        request.to_string(),
    )
    .ends(0)
    .prints("User 'alice' created (uid 10000).\nPassword: ********\n");
    let request = json!({ "schema": 1, "passwordHash": hash('b'), "later": [1] });
    tree.feed(
        &["user", "add", "bob", "--request-stdin"],
        request.to_string(),
    )
    .ends(0);
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
    let request = json!({ "schema": 1, "sshAuthorizedKeys": [KEY, "# no key", " "] });
    tree.feed(
        &["user", "add", "carol", "--request-stdin", "--no-password"],
        request.to_string(),
    )
    .ends(0);
    assert_eq!(tree.field("etc/shadow", "carol", 1), "*");
    tree.run(&["user", "keys", "alice"])
        .ends(0)
        .prints(&format!("{KEY} alice@x\n"));
    tree.run(&["user", "keys", "carol"])
        .ends(0)
        .prints(&format!("{KEY}\n"));
    tree.run(&["user", "disable", "carol"]).ends(0);
    tree.run(&["user", "keys", "carol"]).ends(0).prints("");
}

#[test]
fn a_short_password_is_warned_about() {
    let tree = Tree::new();
    tree.feed(&["user", "add", "alice", "--password-stdin"], "short\n")
        .ends(0)
        .says(&["warning: the password is short"]);
}
