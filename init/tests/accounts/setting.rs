//! `user set`: each flag changes what it names and nothing else, in the record and in /etc;
//! what is refused changes nothing.

use crate::tree::{KEY, STORE, Tree, hash, unchanged};
use accounts::wire::{AccountReply, ErrorKind, Status};
use serde_json::{Value, json};
use std::fs;

const PRINT: &str = "SHA256:5Fk0scUReO0IAYmWsFTo2kRFWRAPfEUdBISZNq99/wU";

fn set(tree: &Tree, args: &[&str]) -> AccountReply {
    let args = [&["--json", "user", "set", "alice"], args].concat();
    tree.run(&args).ends(0).json()
}

/// The fields of a record that differ from another.
fn differing(one: &Value, other: &Value) -> Vec<String> {
    let (one, other) = (one.as_object().unwrap(), other.as_object().unwrap());
    let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| one.get(*name) != other.get(*name));
    names.into_iter().cloned().collect()
}

#[test]
fn each_flag_changes_what_it_names() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.write("alice.pub", KEY.as_bytes(), 0o644);
    let file = tree.path("alice.pub");
    let file = file.to_str().unwrap();
    for (args, field) in [
        (&["--comment", "Alice Liddell"][..], "realName"),
        (&["--shell", "/bin/sh"], "shell"),
        (&["--groups", "audio,staff"], "memberOf"),
        (&["--remove-groups", "audio"], "memberOf"),
        (&["--add-groups", "audio"], "memberOf"),
        (&["--groups", ""], "memberOf"),
        (&["--ssh-key-file", file], "privileged"),
        (&["--expires", "2099-12-31"], "notAfterUSec"),
        (&["--expires", "never"], "notAfterUSec"),
        (&["--must-change-password"], "passwordChangeNow"),
    ] {
        let before = tree.record("alice");
        let reply = set(&tree, args);
        assert!(reply.changed, "{args:?}");
        assert_eq!(
            differing(&before, &tree.record("alice")),
            [field],
            "{args:?}"
        );
        let again = set(&tree, args);
        assert!(!again.changed, "{args:?} once more");
    }
    assert_eq!(tree.field("etc/passwd", "alice", 4), "Alice Liddell");
    assert_eq!(tree.field("etc/passwd", "alice", 6), "/bin/sh");
    assert_eq!(tree.field("etc/shadow", "alice", 2), "0");
    tree.run(&["check"]).ends(0);
}

#[test]
fn lost_phone_ends_the_second_step() {
    let tree = Tree::with(&["alice", "bob"]);
    let file = |name: &str| format!("var/lib/occ-gate/second/{name}");
    fs::create_dir_all(tree.path("var/lib/occ-gate/second")).unwrap();
    for name in ["alice", "bob"] {
        tree.write(&file(name), b"KEY\n", 0o400);
    }
    let before = tree.record("alice");
    assert!(set(&tree, &["--no-second-factor"]).changed);
    assert!(!tree.path(file("alice")).exists() && tree.path(file("bob")).exists());
    assert_eq!(differing(&before, &tree.record("alice")), [""; 0]);
    assert!(!set(&tree, &["--no-second-factor"]).changed, "once more");
    let nobody = ["--json", "user", "set", "carol", "--no-second-factor"];
    tree.run(&nobody).fails_as(ErrorKind::NotFound);
}

#[test]
fn groups_are_in_the_files() {
    let tree = Tree::with(&["alice"]);
    set(&tree, &["--add-groups", "audio,staff"]);
    assert_eq!(tree.field("etc/group", "audio", 3), "node,alice");
    set(&tree, &["--remove-groups", "audio"]);
    assert_eq!(tree.field("etc/group", "audio", 3), "node");
    assert_eq!(tree.field("etc/group", "staff", 3), "alice");
}

#[test]
fn keys_come_and_go_by_fingerprint() {
    let tree = Tree::with(&["alice"]);
    tree.write("one.pub", format!("{KEY} one\n").as_bytes(), 0o644);
    let file = tree.path("one.pub");
    let add = ["--add-key", file.to_str().unwrap()];
    assert!(set(&tree, &add).changed);
    assert!(!set(&tree, &add).changed, "it is there");
    tree.run(&["user", "keys", "alice"])
        .ends(0)
        .prints(&format!("{KEY} one\n"));
    let other = "SHA256:0000000000000000000000000000000000000000000";
    let args = ["--json", "user", "set", "alice", "--remove-key", other];
    tree.run(&args).fails_as(ErrorKind::NotFound);
    assert!(set(&tree, &["--remove-key", PRINT]).changed);
    tree.run(&["user", "keys", "alice"]).ends(0).prints("");
}

#[test]
fn keys_come_from_a_request_too() {
    let tree = Tree::with(&["alice"]);
    let args = ["--json", "user", "set", "alice", "--request-stdin"];
    for (request, count) in [
        (json!({"schema": 1, "addedSshAuthorizedKeys": [KEY]}), 1),
        (
            json!({"schema": 1, "addedSshAuthorizedKeys": [format!("{KEY} b")]}),
            2,
        ),
        (
            json!({"schema": 1, "sshAuthorizedKeys": [format!("{KEY} c")]}),
            1,
        ),
    ] {
        tree.feed(&args, request.to_string()).ends(0);
        let record = tree.record("alice");
        let keys = record["privileged"]["sshAuthorizedKeys"]
            .as_array()
            .unwrap();
        assert_eq!(keys.len(), count, "{request}");
    }
    let password = json!({"schema": 1, "password": "xyzzy-plugh-1"});
    tree.feed(&args, password.to_string())
        .fails_as(ErrorKind::Invalid);
}

#[test]
fn what_is_refused_changes_nothing() {
    let tree = Tree::with(&["alice"]);
    tree.run(&["user", "add", "keyonly", "--no-password"])
        .ends(0);
    for (name, text) in [
        ("private", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
        ("putty", "PuTTY-User-Key-File-3: ssh-rsa\n"),
        ("none", "# nothing\n"),
    ] {
        tree.write(name, text.as_bytes(), 0o600);
    }
    let file = |name: &str| tree.path(name).to_str().unwrap().to_owned();
    let before = tree.state();
    for (args, kind) in [
        (vec!["alice".to_owned()], ErrorKind::Usage),
        (
            vec!["nobody-here".into(), "--comment=x".into()],
            ErrorKind::NotFound,
        ),
        (
            vec!["node".into(), "--comment=x".into()],
            ErrorKind::Refused,
        ),
        (
            vec!["alice".into(), "--comment=a:b".into()],
            ErrorKind::Invalid,
        ),
        (
            vec!["alice".into(), "--shell=bash".into()],
            ErrorKind::Invalid,
        ),
        (
            vec!["alice".into(), "--groups=sudo".into()],
            ErrorKind::Refused,
        ),
        (
            vec!["alice".into(), "--add-groups=sudo".into()],
            ErrorKind::Refused,
        ),
        (
            vec!["alice".into(), "--expires=tomorrow".into()],
            ErrorKind::Invalid,
        ),
        (
            vec!["alice".into(), "--expires=2026-02-30".into()],
            ErrorKind::Invalid,
        ),
        (
            vec!["alice".into(), format!("--add-key={}", file("private"))],
            ErrorKind::Invalid,
        ),
        (
            vec!["alice".into(), format!("--add-key={}", file("putty"))],
            ErrorKind::Invalid,
        ),
        (
            vec!["alice".into(), format!("--ssh-key-file={}", file("none"))],
            ErrorKind::Usage,
        ),
        (
            vec!["keyonly".into(), "--must-change-password".into()],
            ErrorKind::Refused,
        ),
        (
            vec![
                "alice".into(),
                "--groups=audio".into(),
                "--add-groups=staff".into(),
            ],
            ErrorKind::Usage,
        ),
    ] {
        let start = ["--json", "user", "set"].map(str::to_owned);
        let all: Vec<String> = start.into_iter().chain(args.clone()).collect();
        tree.run(&all).fails_as(kind);
        unchanged(&before, &tree.state(), &args);
    }
}

#[test]
fn expiry_is_seen_and_survives_an_update() {
    let tree = Tree::with(&["alice"]);
    let reply = set(&tree, &["--expires", "2020-01-01"]);
    assert_eq!(reply.account.status, Status::Expired);
    assert_eq!(reply.account.expires_usec, Some(18_262 * 86_400_000_000));
    assert_eq!(tree.field("etc/shadow", "alice", 7), "18262");
    tree.run(&["user", "show", "alice"])
        .ends(0)
        .says(&["Status: expired", "Expires: 2020-01-01"]);
    let fresh = Tree::new();
    fs::rename(tree.path(STORE), fresh.path(STORE)).unwrap();
    fresh.restore();
    assert_eq!(fresh.field("etc/shadow", "alice", 7), "18262");
    assert_eq!(
        set(&fresh, &["--expires", "never"]).account.status,
        Status::Enabled
    );
    assert_eq!(fresh.field("etc/shadow", "alice", 7), "");
}

#[test]
fn a_new_password_ends_a_forced_change() {
    let tree = Tree::with(&["alice"]);
    set(&tree, &["--must-change-password"]);
    tree.run(&["user", "show", "alice"])
        .ends(0)
        .says(&["Must change password: yes"]);
    let args = ["user", "passwd", "alice", "--password-hash-stdin"];
    tree.feed(&args, hash('n')).ends(0);
    assert_ne!(tree.field("etc/shadow", "alice", 2), "0");
    assert_eq!(tree.record("alice").get("passwordChangeNow"), None);
}
