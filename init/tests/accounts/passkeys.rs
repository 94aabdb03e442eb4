//! `user passkey`: what the login page adds is in the record and survives; what is bad input
//! changes nothing.

use crate::tree::{Tree, unchanged};
use accounts::wire::{ErrorKind, PasskeysReply};
use serde_json::{Value, json};

const ADD: [&str; 6] = [
    "--json",
    "user",
    "passkey",
    "add",
    "alice",
    "--request-stdin",
];

fn request(number: u32) -> String {
    let entry = json!({
        "id": format!("{number:08x}"), "name": "laptop", "madeUSec": 1_790_000_000_000_000_u64,
        "credentialId": format!("AAAA{number}"), "publicKey": {"cred": {"counter": 7}},
    });
    json!({"schema": 1, "passkey": entry}).to_string()
}

fn ids(tree: &Tree) -> Vec<String> {
    let reply = tree.run(&["--json", "user", "passkey", "list", "alice"]);
    let reply: PasskeysReply = reply.ends(0).json();
    reply.passkeys.into_iter().map(|one| one.id).collect()
}

#[test]
fn passkeys_are_added_listed_and_removed() {
    let tree = Tree::with(&["alice"]);
    tree.run(&["user", "passkey", "list", "alice"])
        .ends(0)
        .says(&["User 'alice' has no passkeys."]);
    for number in 1..=2 {
        let reply: PasskeysReply = tree.feed(&ADD, request(number)).ends(0).json();
        assert!(reply.changed && reply.user_name == "alice");
    }
    assert_eq!(ids(&tree), ["00000001", "00000002"]);
    tree.run(&["user", "passkey", "list", "alice"])
        .ends(0)
        .says(&["00000001  2026-09-21  laptop"]);
    tree.run(&["user", "show", "alice"])
        .ends(0)
        .says(&["Passkeys: 2"]);
    tree.run(&["user", "passkey", "remove", "alice", "00000001"])
        .ends(0)
        .says(&["Passkey 00000001 of 'alice' removed."]);
    assert_eq!(ids(&tree), ["00000002"]);
    let record = tree.record("alice");
    assert_eq!(
        record["occ"]["passkeys"][0]["publicKey"]["cred"]["counter"],
        7
    );
}

/// Other changes of the account leave them; with the account they go.
#[test]
fn passkeys_survive_what_is_no_removal() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.feed(&ADD, request(1)).ends(0);
    for words in [
        &["user", "set", "alice", "--comment", "Alice"][..],
        &["user", "disable", "alice"],
        &["user", "enable", "alice"],
        &["restore"],
    ] {
        tree.run(words).ends(0);
        assert_eq!(ids(&tree), ["00000001"], "{words:?}");
    }
    let exported = tree.run(&["user", "export"]).ends(0);
    assert!(exported.out.contains("AAAA1"), "{}", exported.out);
    tree.run(&["user", "remove", "alice", "--yes"]).ends(0);
    tree.run(&["user", "add", "alice", "--restore", "--no-password"])
        .ends(0);
    assert!(ids(&tree).is_empty());
}

#[test]
fn bad_input_changes_nothing() {
    let tree = Tree::with(&["alice"]);
    for number in 0..10 {
        tree.feed(&ADD, request(number)).ends(0);
    }
    let mut bad: Value = serde_json::from_str(&request(11)).unwrap();
    bad["passkey"]["id"] = json!("--yes");
    let before = tree.state();
    for (input, kind) in [
        (request(1), ErrorKind::Conflict),
        (request(11), ErrorKind::Refused),
        (bad.to_string(), ErrorKind::Invalid),
        ("{\"schema\":1}".to_owned(), ErrorKind::Invalid),
        (request(11)[..40].to_owned(), ErrorKind::Invalid),
    ] {
        tree.feed(&ADD, &input).fails_as(kind);
        unchanged(&before, &tree.state(), &input);
    }
    for (words, code) in [
        (&["user", "passkey", "remove", "alice", "ffffffff"][..], 3),
        (&["user", "passkey", "remove", "carol", "00000001"], 3),
        (&["user", "passkey", "list", "carol"], 3),
        (&["user", "passkey", "add", "alice"], 2),
    ] {
        tree.run(words).ends(code);
        unchanged(&before, &tree.state(), &words);
    }
}
