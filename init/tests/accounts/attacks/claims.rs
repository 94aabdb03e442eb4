//! Records that claim what is another's: a name, a number, a home.

use super::{recreate, skipped};
use crate::tree::{Tree, hash, record, unchanged};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;

/// Made before everybody else, as a planted record may say.
fn oldest() -> Value {
    json!({ "occ": { "schema": 1, "created": 0 } })
}

#[test]
fn row_19_one_name_in_two_cases() {
    for more in [
        oldest(),
        json!({ "occ": { "created": 1_900_000_000_000_000_u64 } }),
    ] {
        let tree = skipped(&["differs from 'alice' in case only"], |tree| {
            tree.plant("Alice.json", &record("Alice", 20_000, &more));
        });
        assert_eq!(tree.line("etc/passwd", "Alice"), None);
    }
}

#[test]
fn row_19_one_home_twice() {
    for mut more in [
        oldest(),
        json!({ "occ": { "created": 1_900_000_000_000_000_u64 } }),
    ] {
        more["homeDirectory"] = json!("/home/alice");
        let words = ["skipped 'mallory': home '/home/alice' belongs to 'alice'"];
        skipped(&words, |tree| {
            tree.plant("mallory.json", &record("mallory", 20_000, &more));
        });
        // Even one that is in the ledger: it is called like its owner.
        skipped(&words, |tree| {
            tree.plant("uids/20000", b"mallory\n");
            tree.plant("mallory.json", &record("mallory", 20_000, &more));
        });
    }
}

#[test]
fn a_planted_tombstone_takes_nobodys_home() {
    let home = json!({ "homeDirectory": "/home/alice" });
    let old = Tree::with(&["alice", "bob"]);
    old.plant("removed/20000.json", &record("mallory", 20_000, &home));
    let tree = recreate(&old);
    tree.restore().says(&["restored 2 accounts"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

#[test]
fn two_records_one_uid() {
    let words = ["skipped 'mallory': uid 10000 was given to 'alice'"];
    let tree = skipped(&words, |tree| {
        tree.plant("mallory.json", &record("mallory", 10_000, &oldest()));
    });
    assert_eq!(tree.field("etc/passwd", "alice", 2), "10000");
    // Getting rid of the intruder leaves the owner of the uid alone.
    fs::write(tree.path("home/alice/diary"), "mine").unwrap();
    tree.run(&["user", "remove", "--yes", "mallory"]).ends(0);
    tree.run(&["check"]).ends(0);
    assert_eq!(tree.field("etc/passwd", "alice", 2), "10000");
    let fresh = recreate(&tree);
    fresh.restore().says(&["restored 2 accounts"]);
    assert_eq!(fresh.field("etc/passwd", "alice", 2), "10000");
}

#[test]
fn a_removed_persons_uid_planted_again() {
    let words = ["skipped 'mallory': uid 10002 was given to 'carol'"];
    let tree = skipped(&words, |tree| {
        tree.add("carol", &hash('c'));
        tree.run(&["user", "remove", "--yes", "carol"]).ends(0);
        tree.plant("mallory.json", &record("mallory", 10_002, &json!({})));
    });
    tree.run(&["user", "remove", "--yes", "mallory"]).ends(0);
    // Her tombstone is still hers.
    tree.run(&["user", "add", "carol", "--restore", "--no-password"])
        .ends(0);
    assert_eq!(tree.field("etc/passwd", "carol", 2), "10002");
}

#[test]
fn somebody_elses_home_is_not_purged_with_an_intruder() {
    let tree = Tree::with(&["alice", "bob"]);
    fs::write(tree.path("home/alice/diary"), "mine").unwrap();
    for (name, uid) in [("mallory", 10_000), ("trudy", 20_001)] {
        tree.plant(
            &format!("{name}.json"),
            &record(name, uid, &json!({ "homeDirectory": "/home/alice" })),
        );
        tree.run(&["user", "remove", "--yes", "--purge-home", name]);
        assert_eq!(tree.read("home/alice/diary"), b"mine");
    }
}

#[test]
fn a_uid_whose_owner_cannot_be_read_goes_to_nobody_else() {
    let claims = |old: &Tree| {
        let mut bob = old.record("bob");
        bob["uid"] = json!(10_000);
        bob["gid"] = json!(10_000);
        old.plant("bob.json", &serde_json::to_vec(&bob).unwrap());
    };
    // The record is broken; the tombstone is; so is the ledger's word besides.
    let cases: [(&str, &[&str]); 4] = [
        ("alice", &["alice.json"]),
        ("alice", &["removed/10000.json"]),
        ("(unreadable)", &["alice.json", "uids/10000"]),
        ("(unreadable)", &["removed/10000.json", "uids/10000"]),
    ];
    for (owner, broken) in cases {
        let old = Tree::with(&["alice", "bob", "carol"]);
        if broken[0].starts_with("removed") {
            old.run(&["user", "remove", "--yes", "alice"]).ends(0);
        }
        claims(&old);
        for file in broken {
            fs::remove_file(old.store(file)).unwrap();
            symlink("/dev/null", old.store(file)).unwrap();
        }
        let tree = recreate(&old);
        let reason = format!("skipped 'bob': uid 10000 was given to '{owner}'");
        tree.run(&["check"]).ends(1).says(&[&reason]);
        tree.run(&["restore", "--boot"]).ends(0).says(&[&reason]);
        assert_eq!(tree.line("etc/passwd", "bob"), None, "{broken:?}");
        assert!(tree.line("etc/passwd", "carol").is_some(), "{broken:?}");
    }
}

#[test]
fn a_refused_account_with_lines_in_place_is_shut_out() {
    // Why it is refused: another's group, another's uid.
    for reason in ["group", "uid"] {
        let tree = Tree::with(&["alice", "bob"]);
        if reason == "group" {
            tree.edit("etc/group", "\nnogroup:", "\nothers:x:10001:\nnogroup:");
        } else {
            let mut bob = tree.record("bob");
            bob["uid"] = json!(10_000);
            bob["gid"] = json!(10_000);
            tree.plant("bob.json", &serde_json::to_vec(&bob).unwrap());
        }
        let others = tree.line("etc/passwd", "alice").unwrap();
        tree.restore().says(&["skipped 'bob'"]);
        assert_eq!(tree.field("etc/passwd", "bob", 6), "/bin/bash");
        tree.run(&["user", "disable", "bob"])
            .ends(0)
            .says(&["'bob' is shut out, but was not restored"]);
        assert_eq!(tree.field("etc/passwd", "bob", 2), "10001");
        assert_eq!(tree.field("etc/passwd", "bob", 6), "/usr/sbin/nologin");
        assert_eq!(
            tree.field("etc/shadow", "bob", 1),
            format!("!{}", hash('b'))
        );
        assert_eq!(tree.field("etc/shadow", "bob", 7), "1");
        assert_eq!(tree.line("etc/passwd", "alice").unwrap(), others);
        let before = tree.state();
        tree.restore();
        unchanged(&before, &tree.state(), &reason);
    }
}

#[test]
fn a_line_that_is_not_ours_is_not_locked() {
    let tree = Tree::with(&["alice"]);
    let line = "bob:x:10001:10001::/home/bob:/bin/bash";
    tree.edit("etc/passwd", "\nnobody:", &format!("\n{line}\nnobody:"));
    tree.plant(
        "bob.json",
        &record("bob", 10_002, &json!({ "locked": true })),
    );
    tree.restore().says(&["skipped 'bob'"]);
    tree.run(&["user", "disable", "bob"]).ends(1);
    assert_eq!(tree.line("etc/passwd", "bob").unwrap(), line);
}

#[test]
fn planted_uid_at_the_top() {
    let tree = Tree::with(&["alice"]);
    tree.plant("mallory.json", &record("mallory", 59_999, &json!({})));
    tree.plant("uids/59998", b"mallory\n");
    tree.plant("uids/4294967295", b"mallory\n");
    tree.plant("uids/065534", b"mallory\n");
    tree.plant("uids/x", b"mallory\n");
    assert_eq!(tree.add("bob", &hash('b')), 1001, "1000 is the image's");
    assert_eq!(tree.add("carol", &hash('c')), 1002);
    for (name, letter) in [("alice", 'a'), ("bob", 'b'), ("carol", 'c')] {
        assert_eq!(tree.field("etc/shadow", name, 1), hash(letter));
    }
}
