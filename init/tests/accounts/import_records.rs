//! `user import --update` of records, as `user export` of another container writes them.

use crate::tree::{KEY, Tree, hash, record};
use accounts::wire::{ErrorKind, ImportReply};
use serde_json::{Value, json};

fn update(tree: &Tree, more: &Value, code: i32) -> ImportReply {
    let line = record("alice", 10000, more);
    let args = ["--json", "user", "import", "--update"];
    tree.feed(&args, line).ends(code).json()
}

#[test]
fn an_account_becomes_what_its_record_says() {
    let tree = Tree::with(&["alice"]);
    let more = json!({
        "realName": "Alice",
        "shell": "/bin/sh",
        "memberOf": ["audio"],
        "privileged": { "hashedPassword": [hash('n')], "sshAuthorizedKeys": [KEY] },
    });
    assert!(update(&tree, &more, 0).changed);
    assert_eq!(
        tree.line("etc/passwd", "alice").unwrap(),
        "alice:x:10000:10000:Alice:/home/alice:/bin/sh"
    );
    assert_eq!(tree.field("etc/group", "audio", 3), "node,alice");
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
    let keys = &tree.record("alice")["privileged"]["sshAuthorizedKeys"];
    assert_eq!(*keys, json!([KEY]));
    assert!(!update(&tree, &more, 0).changed);
}

#[test]
fn a_record_moves_nobody_and_locks_nobody() {
    let tree = Tree::with(&["alice"]);
    let before = tree.record("alice");
    for more in [
        json!({"uid": 10007, "gid": 10007}),
        json!({"homeDirectory": "/home/other"}),
        json!({"locked": true}),
    ] {
        let reply = update(&tree, &more, 1);
        let kind = reply.results[0].error.as_ref().map(|error| error.kind);
        assert_eq!(kind, Some(ErrorKind::Conflict), "{more}");
        assert_eq!(tree.record("alice"), before, "{more}");
    }
}
