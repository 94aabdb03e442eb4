//! People inside who fight back, and strangers whose processes look like ours.

use crate::live::{inside, with_racer};
use crate::locks::Holder;
use crate::support::SOON;
use crate::tree::{KEY, Tree, hash};
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::time::{Duration, Instant};

#[test]
fn a_person_stopping_setuid_passwd() {
    let tree = Tree::with(&["alice", "bob"]);
    let mut holder = Holder::of(&tree, "etc/.pwd.lock", 10_000);
    let started = Instant::now();
    tree.run(&["user", "disable", "alice"])
        .ends(0)
        .says(&["of uid 10000", ".pwd.lock"]);
    assert!(started.elapsed() < SOON);
    assert!(!holder.is_alive());
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
    // Nobody's uid of ours: waited for. Boot goes on after 2 s.
    let mut holder = Holder::of(&tree, "etc/.pwd.lock", 1000);
    let started = Instant::now();
    tree.run(&["restore", "--boot"])
        .ends(0)
        .says(&["going on without the lock"]);
    let took = started.elapsed();
    assert!((Duration::from_secs(2)..SOON).contains(&took), "{took:?}");
    assert!(holder.is_alive());
}

#[test]
fn strangers_processes_under_host_pid() {
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
fn strangers_processes_under_host_pid_keep_their_locks() {
    // Not PID 1: a program of the host may be at work on these very files.
    let tree = with_racer();
    let script = r#"
        sleep 1000 & printf %s $! > "$TREE/etc/passwd.lock"
        occ restore --boot || exit 97
        [ -e "$TREE/etc/passwd.lock" ] || exit 96
    "#;
    let ran = inside(&tree, "", script).ends(0);
    assert!(ran.err.contains("going on without the lock"), "{}", ran.err);
    assert!(ran.err.contains("restored 2 accounts"), "{}", ran.err);
}

#[test]
fn symlinked_ssh_directory() {
    // Whatever stands in a home, keys come from the record and root writes none.
    for to in ["/etc", "../../etc", "/root/.ssh", "nowhere"] {
        let tree = Tree::with(&["bob"]);
        fs::create_dir(tree.path("home/alice")).unwrap();
        std::os::unix::fs::chown(tree.path("home/alice"), Some(10_001), Some(10_001)).unwrap();
        symlink(to, tree.path("home/alice/.ssh")).unwrap();
        let before = fs::read_dir(tree.path("etc")).unwrap().count();
        tree.write("keys", format!("{KEY} alice@home\n").as_bytes(), 0o644);
        let keys = tree.path("keys");
        let args = [
            "user",
            "add",
            "alice",
            "--no-password",
            "--uid=10001",
            "--ssh-key-file",
        ];
        tree.run(&[&args[..], &[keys.to_str().unwrap()]].concat())
            .ends(0);
        tree.restore();
        tree.run(&["user", "keys", "alice"])
            .ends(0)
            .prints(&format!("{KEY} alice@home\n"));
        assert_eq!(
            fs::read_link(tree.path("home/alice/.ssh"))
                .unwrap()
                .to_str(),
            Some(to)
        );
        assert_eq!(fs::metadata(tree.path("etc")).unwrap().uid(), 0);
        assert!(!tree.path("etc/authorized_keys").exists());
        tree.run(&["user", "disable", "alice"]).ends(0);
        tree.run(&["user", "keys", "alice"]).ends(0).prints("");
        tree.run(&["user", "remove", "--yes", "--purge-home", "alice"])
            .ends(0);
        let after = fs::read_dir(tree.path("etc")).unwrap();
        let left: Vec<_> = after.map(|entry| entry.unwrap().file_name()).collect();
        // .pwd.lock came and stays.
        assert!(left.len() <= before + 1, "{left:?}");
        assert_eq!(tree.field("etc/shadow", "bob", 1), hash('a'));
    }
}
