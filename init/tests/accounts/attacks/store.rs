//! Tombstones, the ledger and its directories, as a hostile volume has them.

use super::recreate;
use crate::tree::{FOUR, Tree, hash, record};
use accounts::wire::ErrorKind;
use serde_json::json;
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn tombstones_that_are_planted() {
    let dead = record("mallory", 20_000, &json!({}));
    for (file, content, word) in [
        (
            "removed/20001.json",
            &dead[..],
            "its uid is not its file's name",
        ),
        (
            "removed/mallory.json",
            &dead,
            "its uid is not its file's name",
        ),
        (
            "removed/20000.json",
            b"{",
            "skipped 'removed/20000.json': not valid JSON",
        ),
        ("removed/1000.json", &record("node", 1000, &json!({})), ""),
        (
            "removed/65534.json",
            &record("nobody", 65_534, &json!({})),
            "invalid uid 65534",
        ),
        (
            "removed/0.json",
            &record("root", 0, &json!({})),
            "invalid uid 0",
        ),
    ] {
        let tree = Tree::with(&["alice"]);
        let lines: Vec<Vec<u8>> = FOUR.iter().map(|file| tree.read(file)).collect();
        tree.plant(file, content);
        tree.restore().says(&[word]);
        let after: Vec<Vec<u8>> = FOUR.iter().map(|file| tree.read(file)).collect();
        assert!(
            lines == after,
            "a planted tombstone takes lines away: {file}"
        );
    }
}

#[test]
fn a_tombstone_for_a_living_person_without_a_ledger() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.plant("removed/10000.json", &record("alice", 10_000, &json!({})));
    tree.restore().says(&["restored 2 accounts"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

/// What stands where a directory of the store should be.
const TRAPS: [fn(&Tree, &str); 4] = [
    |tree, name| symlink("/tmp", tree.store(name)).unwrap(),
    |tree, name| symlink("nowhere", tree.store(name)).unwrap(),
    |tree, name| nix::unistd::mkfifo(&tree.store(name), nix::sys::stat::Mode::S_IRWXU).unwrap(),
    |tree, name| fs::write(tree.store(name), "").unwrap(),
];

#[test]
fn directories_of_the_store_that_are_none() {
    for name in ["removed", "uids", "legacy"] {
        for trap in TRAPS {
            let old = Tree::with(&["alice", "bob", "carol"]);
            old.run(&["user", "remove", "--yes", "carol"]).ends(0);
            fs::remove_dir_all(old.store(name)).ok();
            trap(&old, name);
            let tree = recreate(&old);
            let words = [
                &format!("skipped '{name}': cannot open")[..],
                "not a directory",
            ];
            tree.run(&["restore", "--boot"])
                .ends(0)
                .says(&["restored 2 accounts"])
                .says(&words);
            for (person, letter) in [("alice", 'a'), ("bob", 'b')] {
                assert_eq!(tree.field("etc/shadow", person, 1), hash(letter), "{name}");
            }
            tree.run(&["check"])
                .ends(1)
                .says(&words)
                .says(&["directory of root's"]);
            tree.run(&["user", "disable", "alice"]).ends(0);
            if name == "legacy" {
                continue;
            }
            // Nobody knows whose uids and homes are taken.
            let before = super::store_state(&tree);
            let ran = tree.run(&["--json", "user", "add", "dave", "--no-password"]);
            let reply = ran.fails_as(ErrorKind::Failed);
            assert!(
                reply.error.message.contains(name),
                "{}",
                reply.error.message
            );
            crate::tree::unchanged(&before, &super::store_state(&tree), &name);
        }
    }
}

#[test]
fn a_contested_uid_without_a_ledger_is_nobodys() {
    let old = Tree::with(&["alice", "bob"]);
    let older = json!({ "occ": { "schema": 1, "created": 0 } });
    old.plant("mallory.json", &record("mallory", 10_000, &older));
    fs::remove_dir_all(old.store("uids")).unwrap();
    symlink("/tmp", old.store("uids")).unwrap();
    let tree = recreate(&old);
    tree.restore()
        .says(&["restored 1 account", "skipped 'mallory': uid 10000"]);
    assert_eq!(tree.line("etc/passwd", "mallory"), None);
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
}

#[test]
fn a_ledger_that_cannot_be_read_is_told_once_and_keeps_nobody_out() {
    let old = Tree::with(&["alice", "bob", "carol"]);
    fs::remove_dir_all(old.store("uids")).unwrap();
    fs::write(old.store("uids"), "").unwrap();
    let tree = recreate(&old);
    let ran = tree
        .restore()
        .says(&["restored 3 accounts", "skipped 'uids'"]);
    let said = ran.err.lines().filter(|line| line.contains("uids'"));
    assert_eq!(said.count(), 1, "{}", ran.err);
}

#[test]
fn an_older_record_waits_while_the_removed_are_unknown() {
    let old = Tree::with(&["alice", "bob"]);
    old.run(&["user", "remove", "--yes", "bob"]).ends(0);
    old.plant(
        "bob.json",
        br#"{"username":"bob","password_hash":"","locked":false}"#,
    );
    fs::rename(old.store("removed"), old.store("elsewhere")).unwrap();
    fs::write(old.store("removed"), "").unwrap();
    let tree = recreate(&old);
    tree.restore()
        .says(&["skipped 'bob.json'", "restored 1 account"]);
    assert_eq!(tree.line("etc/passwd", "bob"), None);
}

#[test]
fn a_lock_that_is_a_trap() {
    let tree = Tree::with(&["alice"]);
    for lock in ["var/lib/opencode-users/.lock", "etc/.pwd.lock"] {
        let path = tree.path(lock);
        fs::remove_file(&path).unwrap();
        symlink("/etc/hostname", &path).unwrap();
        tree.run(&["user", "disable", "alice"]).ends(1);
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let started = std::time::Instant::now();
        tree.run(&["user", "enable", "alice"]);
        assert!(
            started.elapsed() < crate::support::SOON,
            "a FIFO holds the command up"
        );
        fs::remove_file(&path).unwrap();
    }
    tree.restore();
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

#[test]
fn tombstoned_lines_in_a_restarted_second_container() {
    // Both run on one volume; bob is removed in the first while the second, in
    // whose layer his lines are, does not run.
    let second = Tree::with(&["alice", "bob"]);
    let first = Tree::new();
    let store = second.store("");
    let store = store.to_str().unwrap();
    first.run(&["--store", store, "restore"]).ends(0);
    first
        .run(&["--store", store, "user", "remove", "--yes", "bob"])
        .ends(0);
    assert!(second.line("etc/passwd", "bob").is_some());
    // Even one that forgot what it wrote.
    for forgets in [false, true] {
        if forgets {
            let line = "bob:x:10001:10001::/home/bob:/bin/bash";
            second.edit("etc/passwd", "\nnobody:", &format!("\n{line}\nnobody:"));
            fs::remove_file(second.path("var/lib/occ-init/applied.json")).unwrap();
        }
        second
            .run(&["restore", "--boot"])
            .ends(0)
            .says(&["1 removed"]);
        for file in FOUR {
            assert_eq!(second.line(file, "bob"), None, "{file}");
            assert!(second.line(file, "alice").is_some(), "{file}");
        }
    }
    assert_eq!(second.field("etc/shadow", "alice", 1), hash('a'));
}
