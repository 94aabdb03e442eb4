//! On a running system: occ-init is PID 1 of a pid namespace, and the tree's
//! /etc, /home and /var are those of its mount namespace. Here accounts have
//! processes, and shutting somebody out ends them.

use crate::tree::{FOUR, Ran, STORE, Tree, finish, hash};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

/// Runs a shell script under an occ-init that is PID 1, with `occ` for it.
fn inside(tree: &Tree, init: &str, script: &str) -> Ran {
    let prelude = r#"
        occ() { "$OCC" "$@"; }
        # Orphans, so that PID 1 reaps them.
        as() { uid=$1; shift; ( setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@" & ) ; }
        count() { cat /proc/[0-9]*/status 2>/dev/null | grep -c "^Uid:[[:space:]]$1[[:space:]]"; }
        until_count() { for _ in $(seq 100); do [ "$(count "$1")" "$2" "$3" ] && return; sleep 0.1; done; echo "uid $1: not $2 $3"; exit 99; }
    "#;
    let mounts = r#"
        for directory in etc home var; do mount --bind "$TREE/$directory" "/$directory" || exit 98; done
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
fn with_racer() -> Tree {
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

#[test]
fn where_occ_init_is_not_pid_1_nobody_is_killed() {
    let tree = with_racer();
    let script = r"
        as 10000 sleep 1000; until_count 10000 -eq 1
        occ user disable alice || exit 97
        until_count 10000 -eq 1
    ";
    let ran = inside(&tree, "", script).ends(0);
    assert!(
        ran.err.contains("occ-init is not PID 1 here"),
        "{}",
        ran.err
    );
    assert_eq!(tree.field("etc/shadow", "alice", 7), "1");
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

#[test]
fn a_boot_with_the_stale_locks_of_a_killed_useradd() {
    let tree = with_racer();
    // The pids of the next boot's first processes: live, and not the holders.
    for (name, pid) in [
        ("passwd", "1"),
        ("shadow", "2"),
        ("group", "3"),
        ("gshadow", "7"),
    ] {
        tree.write(&format!("etc/{name}.lock"), pid.as_bytes(), 0o600);
    }
    tree.write("etc/passwd+", b"half", 0o644);
    tree.write("etc/.occ-shadow", b"half", 0o600);
    let ran = inside(&tree, r#""$OCC" --"#, "true").ends(0);
    assert!(ran.err.contains("restored 2 accounts"), "{}", ran.err);
    for name in ["passwd.lock", "gshadow.lock", "passwd+", ".occ-shadow"] {
        assert!(!tree.path("etc").join(name).exists(), "{name} is left");
    }
}

/// Runs a script in a mount namespace of its own, with `occ` on the tree.
fn mounted(tree: &Tree, script: &str) -> Ran {
    let mut command = Command::new("unshare");
    let occ = r#"occ() { "$OCC" --root "$TREE" "$@"; }; bind() { mount --bind "$TREE/$1" "$TREE/$1" || exit 98; }"#;
    command.args(["--mount", "sh", "-c", &format!("{occ}\n{script}")]);
    command
        .env("OCC", env!("CARGO_BIN_EXE_occ-init"))
        .env("TREE", tree.root());
    finish(command, b"")
}

#[test]
fn files_that_are_mount_points_are_written_in_place() {
    let tree = Tree::with(&["alice", "bob"]);
    let inode = |file: &str| std::fs::metadata(tree.path(file)).unwrap().ino();
    let before: Vec<u64> = FOUR.iter().map(|file| inode(file)).collect();
    let script = r#"
        for file in passwd shadow group gshadow; do bind "etc/$file"; done
        occ user add carol --no-password && occ user disable alice && occ user remove --yes bob && occ check
    "#;
    mounted(&tree, script).ends(0).says(&["nothing to look at"]);
    let after: Vec<u64> = FOUR.iter().map(|file| inode(file)).collect();
    assert_eq!(before, after, "in place");
    assert!(tree.line("etc/passwd", "carol").is_some() && tree.line("etc/passwd", "bob").is_none());
    assert!(tree.text("etc/passwd").ends_with("+::::::\n"));
    assert!(!tree.path("etc/.occ-passwd").exists());
    let backup = std::fs::metadata(tree.path("etc/shadow-")).unwrap();
    assert_eq!(backup.mode() & 0o777, 0o600);
}

#[test]
fn etc_that_is_read_only_or_full() {
    let read_only = r#"bind etc; mount -o remount,ro,bind "$TREE/etc""#;
    let full = r#"mkdir "$TREE/old"; mount --move "$TREE/etc" "$TREE/old" 2>/dev/null; cp -a "$TREE/etc/." "$TREE/old";
        mount -t tmpfs -o size=64k,mode=755 tmpfs "$TREE/etc" || exit 98; cp -a "$TREE/old/." "$TREE/etc"; cat /dev/zero > "$TREE/etc/filler" 2>/dev/null"#;
    for (spoil, word) in [
        (read_only, "read-only file system"),
        (full, "no space left on device"),
    ] {
        let tree = Tree::with(&["alice", "bob"]);
        let run = |command: &str| mounted(&tree, &format!("{spoil}\n{command}"));
        run("occ user disable alice")
            .ends(1)
            .says(&["recorded and takes effect at the next restore", word]);
        assert_eq!(tree.record("alice")["locked"], true, "{word}");
        tree.restore();
        assert_eq!(tree.field("etc/shadow", "alice", 7), "1", "{word}");
        run("occ user passwd bob --generate")
            .ends(1)
            .says(&["recorded", word]);
        run("occ restore --boot").ends(1).says(&[word]);
        tree.restore();
        tree.run(&["check"]).ends(0);
        std::fs::remove_dir_all(tree.path("old")).ok();
    }
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
