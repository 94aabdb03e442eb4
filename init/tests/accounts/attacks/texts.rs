//! Comments, shells and hashes that would break a line or cost minutes.

use super::{skipped, skipped_fields};
use crate::tree::{MARK, Tree, hash, record};
use serde_json::json;

#[test]
fn row_07_colons_and_newlines_in_texts() {
    let evil = "x:0:0::/:/bin/sh\nroot2::0:0::/root";
    skipped_fields(&[
        (json!({ "realName": evil }), "invalid comment"),
        (json!({ "realName": format!("{MARK}:") }), "invalid comment"),
        (
            json!({ "shell": "/bin/sh\nroot2::0:0::/:" }),
            "invalid shell",
        ),
        (json!({ "shell": "/bin/sh:" }), "invalid shell"),
        (json!({ "shell": "sh" }), "invalid shell"),
        (json!({ "homeDirectory": "/home/a:b" }), "invalid home"),
        (json!({ "homeDirectory": "/home/a\nb" }), "invalid home"),
    ]);
}

#[test]
fn row_08_control_characters_and_bidi() {
    let comment = "invalid comment";
    skipped_fields(&[
        (json!({ "realName": "a\rroot" }), comment),
        (json!({ "realName": "a\u{85}b" }), comment),
        (json!({ "realName": "\u{202e}toor" }), comment),
        (json!({ "realName": "a\u{2028}b" }), comment),
        (json!({ "realName": "x".repeat(257) }), comment),
    ]);
}

#[test]
fn row_09_hashes_that_are_none() {
    for (hash, word) in [
        ("", "empty"),
        ("*", "characters"),
        ("x:0:0", "characters"),
        ("$6$a$b\nroot2::", "characters"),
        (MARK, "no known scheme"),
    ] {
        only_the_hash_is_refused(hash, word);
    }
}

/// Restored with `*`; the record keeps what it says.
fn only_the_hash_is_refused(hash: &str, word: &str) {
    let content = record(
        "mallory",
        20_000,
        &json!({ "privileged": { "hashedPassword": [hash] } }),
    );
    let words = ["'mallory' has no password until it is set again", word];
    let tree = skipped(&words, |tree| tree.plant("mallory.json", &content));
    assert_eq!(
        tree.field("etc/shadow", "mallory", 1),
        "*",
        "restored, and shut"
    );
    // An unrelated change keeps what it can't read.
    tree.run(&["user", "disable", "mallory"]).ends(0);
    assert_eq!(
        tree.record("mallory")["privileged"]["hashedPassword"],
        json!([hash])
    );
    tree.feed(
        &["user", "passwd", "mallory", "--password-hash-stdin"],
        crate::tree::hash('n'),
    )
    .ends(0);
    assert_eq!(
        tree.field("etc/shadow", "mallory", 1),
        format!("!{}", crate::tree::hash('n'))
    );
}

const BOMBS: [&str; 4] = [
    "$6$rounds=999999999$salt$",
    "$5$rounds=2000001$salt$",
    "$2b$31$",
    "$y$jzT$salt$",
];

fn bomb(start: &str) -> String {
    let digest = match &start[..2] {
        "$6" => 86,
        "$2" => 53,
        _ => 43,
    };
    format!("{start}{}", "x".repeat(digest))
}

#[test]
fn row_10_hashes_that_cost_minutes() {
    for start in BOMBS {
        only_the_hash_is_refused(&bomb(start), "too costly");
    }
}

#[test]
fn hash_cost_bombs_are_never_taken_from_shadow() {
    for start in BOMBS {
        let tree = Tree::with(&["alice", "bob"]);
        tree.edit("etc/shadow", &hash('a'), &bomb(start));
        tree.restore().says(&["its record wins"]);
        assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
        assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
    }
}

#[test]
fn row_11_a_shell_that_is_not_there() {
    // It may be there after the next update of the image.
    let old = Tree::with(&["alice", "bob"]);
    let more = json!({ "shell": "/opt/nosuch/shell" });
    old.plant("carol.json", &record("carol", 20_000, &more));
    let tree = super::recreate(&old);
    tree.restore().says(&["restored 3 accounts"]);
    assert_eq!(tree.field("etc/passwd", "carol", 6), "/opt/nosuch/shell");
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}
