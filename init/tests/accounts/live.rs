//! On a running system: occ-init is PID 1 of a pid namespace, and the tree's
//! /etc, /home and /var are those of its mount namespace. Here accounts have
//! processes, and shutting somebody out ends them.

use crate::tree::{Ran, STORE, Tree, finish, hash};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Runs a shell script under an occ-init that is PID 1, with `occ` for it.
pub(crate) fn inside(tree: &Tree, init: &str, script: &str) -> Ran {
    let prelude = r#"
        occ() { "$OCC" "$@"; }
        # Orphans, so that PID 1 reaps them.
        as() { uid=$1; shift; ( setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@" & ) ; }
        count() { cat /proc/[0-9]*/status 2>/dev/null | grep -c "^Uid:[[:space:]]$1[[:space:]]"; }
        until_count() { for _ in $(seq 100); do [ "$(count "$1")" "$2" "$3" ] && return; sleep 0.1; done; echo "uid $1: not $2 $3"; exit 99; }
    "#;
    let mounts = r#"
        for directory in etc home var; do mount --bind "$TREE/$directory" "/$directory" || exit 98; done
        # Its own, as a container has: the first init that writes its status there has claimed it.
        mount -t tmpfs tmpfs /run || exit 98
    "#;
    let mut command = Command::new("unshare");
    command.args(["--pid", "--mount", "--fork", "--mount-proc", "--kill-child"]);
    command
        .args(["sh", "-c"])
        .arg(format!("{mounts} exec {init} sh -c '{prelude} {script}'"));
    command
        .env("OCC", env!("CARGO_BIN_EXE_occ-init"))
        .env("TREE", tree.root());
    finish(command, b"")
}

/// A program that forks and exits for ever: no scan of /proc ever catches it.
pub(crate) fn with_racer() -> Tree {
    let tree = Tree::with(&["alice", "bob"]);
    // The real /usr has no list of the tree's image.
    let list = tree.read("usr/share/occ/image-accounts");
    tree.write("var/lib/occ-init/image-accounts", &list, 0o600);
    tree.write("chain", b"#!/bin/sh\n\"$0\" &\n", 0o755);
    std::fs::set_permissions(tree.root(), std::fs::Permissions::from_mode(0o755)).unwrap();
    tree
}

#[test]
fn disable_ends_processes_fork_racers_included() {
    let tree = with_racer();
    let script = r#"
        as 10000 sleep 1000; as 10000 "$TREE/chain"; as 10001 sleep 1000
        until_count 10000 -ge 2; until_count 10001 -eq 1
        occ user disable alice || exit 97
        until_count 10000 -eq 0; until_count 10001 -eq 1
        occ user enable alice || exit 96
        as 10000 sleep 1000; until_count 10000 -eq 1
        occ user remove --yes alice || exit 95
        until_count 10000 -eq 0; until_count 10001 -eq 1
    "#;
    inside(&tree, r#""$OCC" --"#, script)
        .ends(0)
        .says(&["User", "disabled.", "removed."]);
    assert_eq!(tree.line("etc/passwd", "alice"), None);
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
}

/// Its processes are too short for a look through /proc, which sees nobody there
/// and must not be believed. What it touches tells whether it lives.
#[test]
fn a_fork_racer_that_is_alone_is_ended_too() {
    let tree = with_racer();
    tree.write("beat", b"", 0o666);
    let script = r#"
        last_beat() { stat -c %y "$TREE/beat"; }
        # Between the list of processes and a look at the newest lie these.
        for _ in $(seq 300); do as 0 sleep 1000; done
        for round in 1 2 3 4 5; do
            before=$(last_beat)
            as 10000 perl -e "while (1) { exit if fork; utime undef, undef, q($TREE/beat) }"
            until [ "$(last_beat)" != "$before" ]; do :; done
            occ user disable alice || exit 97
            before=$(last_beat)
            for _ in $(seq 20); do occ user list > /dev/null; done
            [ "$(last_beat)" = "$before" ] || { echo "it lives in round $round"; exit 99; }
            occ user enable alice || exit 96
        done
    "#;
    inside(&tree, r#""$OCC" --"#, script).ends(0);
}

/// alice's subordinate uids are 589924000 to 589989535, bob's follow.
#[test]
fn what_runs_under_subordinate_uids_ends_too() {
    let tree = with_racer();
    tree.write("etc/subuid", b"", 0o644);
    let script = r#"
        occ restore || exit 98
        as 589924000 sleep 1000; as 589989535 "$TREE/chain"; as 589989536 sleep 1000
        for uid in $(seq 589925000 589925099); do as $uid sleep 1000; done
        until_count 589924000 -eq 1; until_count 589989535 -ge 1; until_count 589989536 -eq 1
        until_count 589925099 -eq 1
        occ user disable alice || exit 97
        until_count 589924000 -eq 0; until_count 589989535 -eq 0; until_count "5899250.." -eq 0
        until_count 589989536 -eq 1
        occ user enable alice || exit 96
        as 589924000 sleep 1000; until_count 589924000 -eq 1
        occ user remove --yes alice || exit 95
        until_count 589924000 -eq 0; until_count 589989536 -eq 1
    "#;
    inside(&tree, r#""$OCC" --"#, script).ends(0);
    assert!(tree.line("etc/subuid", "bob").is_some());
}

/// Under that name in subuid stands what is another's: restore took it out.
#[test]
fn numbers_that_are_not_subordinate_are_left_alone() {
    let tree = with_racer();
    tree.write("etc/subuid", b"node:589924000:65536\n", 0o644);
    let script = r"
        occ restore || exit 98
        as 589924000 sleep 1000; until_count 589924000 -eq 1
        occ user disable alice || exit 97
        until_count 589924000 -eq 1
    ";
    inside(&tree, r#""$OCC" --"#, script).ends(0);
}

#[test]
fn an_intruders_record_ends_nobodys_processes() {
    let tree = with_racer();
    let record = crate::tree::record("mallory", 10_000, &serde_json::json!({}));
    tree.plant("mallory.json", &record);
    let script = r"
        as 10000 sleep 1000; until_count 10000 -eq 1
        occ user remove --yes mallory || exit 97
        until_count 10000 -eq 1
    ";
    inside(&tree, r#""$OCC" --"#, script).ends(0);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

/// Runs a script in a mount namespace of its own, with `occ` on the tree.
pub(crate) fn mounted(tree: &Tree, script: &str) -> Ran {
    let mut command = Command::new("unshare");
    let occ = r#"occ() { "$OCC" --root "$TREE" "$@"; }; bind() { mount --bind "$TREE/$1" "$TREE/$1" || exit 98; }"#;
    command.args(["--mount", "sh", "-c", &format!("{occ}\n{script}")]);
    command
        .env("OCC", env!("CARGO_BIN_EXE_occ-init"))
        .env("TREE", tree.root());
    finish(command, b"")
}

#[test]
fn a_read_only_store_still_restores() {
    let old = Tree::with(&["alice", "bob"]);
    let tree = Tree::new();
    std::fs::rename(old.path(STORE), tree.path(STORE)).unwrap();
    let script =
        r#"bind var/lib/opencode-users; mount -o remount,ro,bind "$TREE/var/lib/opencode-users"; "#;
    mounted(&tree, &format!("{script} occ check"))
        .ends(1)
        .says(&["'alice' has a record, but is not in /etc"]);
    mounted(&tree, &format!("{script} occ restore --boot"))
        .ends(0)
        .says(&["restored 2 accounts"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
    mounted(&tree, &format!("{script} occ user disable alice"))
        .ends(1)
        .says(&["read-only file system"]);
    assert_eq!(tree.record("alice")["locked"], false);
}
