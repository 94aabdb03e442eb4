//! A volume whose file system knows no locks: boot only reads it, and a command
//! writes to it only when told that nobody else does.

use crate::tree::{Ran, STORE, Tree, finish, hash, unchanged};
use accounts::wire::ErrorKind;
use std::fs;
use std::process::Command;

/// Runs occ-init where locking the store fails as on NFS without lock daemon.
fn without_locks(tree: &Tree, error: &str, args: &[&str], input: &str) -> Ran {
    let plain = tree.command(args);
    let mut command = Command::new("strace");
    command
        .args(["-qq", "-o", "/dev/null", "-P"])
        .arg(tree.store(".lock"))
        .arg(format!("--inject=fcntl:error={error}"))
        .arg(plain.get_program())
        .args(plain.get_args());
    finish(command, input.as_bytes())
}

/// The part of the state that is the store, without its lock.
fn store_state(tree: &Tree) -> String {
    let state = tree.state();
    let lines = state.lines().filter(|line| line.starts_with(STORE));
    lines.collect::<Vec<_>>().join("\n")
}

const OLDER: &[u8] = br#"{"username":"carol","password_hash":"","locked":true}"#;

#[test]
fn a_command_says_what_it_needs_and_changes_nothing() {
    let tree = Tree::with(&["alice", "bob"]);
    let before = tree.state();
    for error in ["ENOLCK", "EOPNOTSUPP"] {
        for args in [
            &["user", "disable", "alice"][..],
            &["user", "add", "dave", "--no-password"],
            &["user", "remove", "--yes", "bob"],
            &["restore"],
        ] {
            let args = [&["--json"], args].concat();
            let reply = without_locks(&tree, error, &args, "").fails_as(ErrorKind::Failed);
            let (message, hint) = (&reply.error.message, &reply.error.hint);
            assert!(
                message.contains(".lock': its file system has no locks"),
                "{message}"
            );
            assert!(hint.contains("--no-store-lock"), "{hint}");
            assert!(!reply.error.retryable);
            unchanged(&before, &tree.state(), &args);
        }
    }
}

#[test]
fn a_command_that_is_told_so_works() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.plant("carol.json", OLDER);
    for args in [
        &["--no-store-lock", "user", "disable", "alice"][..],
        &[
            "user",
            "add",
            "dave",
            "--password-hash-stdin",
            "--no-store-lock",
        ],
        &["restore", "--no-store-lock"],
    ] {
        without_locks(&tree, "ENOLCK", args, &hash('d')).ends(0);
    }
    assert_eq!(tree.record("alice")["locked"], true);
    assert_eq!(tree.field("etc/shadow", "dave", 1), hash('d'));
    assert_eq!(tree.record("carol")["uid"], 10_002);
    tree.run(&["check"]).ends(0);
}

#[test]
fn the_flag_takes_no_lock_away_that_is_there() {
    let tree = Tree::with(&["alice"]);
    let holder = crate::locks::Holder::of(&tree, "var/lib/opencode-users/.lock", 0);
    tree.run(&["--no-store-lock", "user", "disable", "alice"])
        .ends(8);
    drop(holder);
}

#[test]
fn boot_and_what_follows_it_only_read() {
    let old = Tree::with(&["alice", "bob"]);
    let tree = Tree::new();
    fs::rename(old.store(""), tree.store("")).unwrap();
    tree.plant("carol.json", OLDER);
    let before = store_state(&tree);
    without_locks(&tree, "ENOLCK", &["restore", "--boot"], "")
        .ends(0)
        .says(&[
            "restored 2 accounts",
            "its file system has no locks",
            "going on without",
        ]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
    // A new password waits in shadow, and a record changed elsewhere comes in.
    tree.edit("etc/shadow", &hash('a'), &hash('n'));
    let mut bob = tree.record("bob");
    bob["locked"] = true.into();
    tree.plant("bob.json", bob.to_string().as_bytes());
    let changed = store_state(&tree);
    let ran = without_locks(&tree, "ENOLCK", &["restore", "--capture"], "").ends(0);
    assert!(
        !ran.err.contains("no locks"),
        "said at each change: {}",
        ran.err
    );
    unchanged(&changed, &store_state(&tree), &"a restore without lock");
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
    assert!(tree.field("etc/shadow", "bob", 1).starts_with('!'));
    assert!(before.contains("carol.json") && tree.line("etc/passwd", "carol").is_none());
    // With locks again, or told that it may, it takes the password in.
    let args = ["--no-store-lock", "restore", "--boot"];
    without_locks(&tree, "ENOLCK", &args, "")
        .ends(0)
        .says(&["took the new password of 'alice' into its record"]);
}
