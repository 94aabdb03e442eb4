//! Record files that are links, traps, too large, too many, or not root's.

use super::{recreate, skipped, skipped_content};
use crate::tree::{Tree, hash, record};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use serde_json::json;
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown, symlink};

#[test]
fn row_15_what_is_no_file() {
    let plain = record("mallory", 20_000, &json!({}));
    let link = |tree: &Tree| {
        tree.write("var/elsewhere", &plain, 0o600);
        symlink("../../elsewhere", tree.store("mallory.json")).unwrap();
    };
    skipped(&["skipped 'mallory.json': it is a symbolic link"], link);
    skipped(&["skipped 'mallory.json': it is a symbolic link"], |tree| {
        symlink("alice.json", tree.store("mallory.json")).unwrap();
    });
    skipped(&["skipped 'mallory.json'"], |tree| {
        nix::unistd::mkfifo(&tree.store("mallory.json"), Mode::S_IRWXU).unwrap();
    });
    skipped(&["skipped 'mallory.json': not a regular file"], |tree| {
        fs::create_dir(tree.store("mallory.json")).unwrap();
    });
    for (kind, device) in [
        (SFlag::S_IFCHR, makedev(1, 5)),
        (SFlag::S_IFCHR, makedev(5, 0)),
        (SFlag::S_IFBLK, makedev(7, 99)),
    ] {
        skipped(&["skipped 'mallory.json'"], |tree| {
            mknod(&tree.store("mallory.json"), kind, Mode::S_IRUSR, device).unwrap();
        });
    }
    skipped(&["skipped 'mallory.json'"], |tree| {
        drop(std::os::unix::net::UnixListener::bind(tree.store("mallory.json")).unwrap());
    });
}

#[test]
fn row_16_a_record_with_a_second_link() {
    let plain = record("mallory", 20_000, &json!({}));
    skipped(&["skipped 'mallory.json': it has 2 links"], |tree| {
        tree.plant("mallory.json", &plain);
        fs::hard_link(tree.store("mallory.json"), tree.store("x")).unwrap();
    });
    // Somebody with the volume links a file of theirs to the image's.
    skipped(&["skipped 'mallory.json': it has 2 links"], |tree| {
        fs::hard_link(tree.path("etc/shadow"), tree.store("mallory.json")).unwrap();
    });
}

#[test]
fn row_18_a_record_of_somebody_else() {
    let plain = record("mallory", 20_000, &json!({}));
    skipped(
        &["skipped 'mallory.json': it does not belong to root"],
        |tree| {
            tree.plant("mallory.json", &plain);
            chown(tree.store("mallory.json"), Some(10_000), None).unwrap();
        },
    );
}

#[test]
fn row_18_loosened_modes_are_tightened() {
    let old = Tree::with(&["alice", "bob"]);
    // What Kubernetes' fsGroup does to a volume: group, group bits, setgid.
    let loosen = |path: &str, mode: u32| {
        chown(old.store(path), None, Some(2000)).unwrap();
        fs::set_permissions(old.store(path), fs::Permissions::from_mode(mode)).unwrap();
    };
    loosen("", 0o2777);
    loosen("uids", 0o2775);
    loosen("alice.json", 0o660);
    loosen("bob.json", 0o666);
    let tree = recreate(&old);
    tree.restore().says(&[
        "it is 700 now",
        "2 files of the store; their mode is 600 now",
        "restored 2 accounts",
    ]);
    let mode = |path: &str| fs::metadata(tree.store(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("alice.json"), mode("bob.json")),
        (0o700, 0o600, 0o600)
    );
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

#[test]
fn row_18_a_store_of_somebody_else_is_not_trusted() {
    let tree = Tree::with(&["alice"]);
    chown(tree.store(""), Some(10_000), None).unwrap();
    tree.run(&["restore"])
        .ends(1)
        .says(&["can't be trusted", "does not belong to root", "0700"]);
    let mut command = tree.command(&["restore"]);
    command.env("OCC_INIT_TRUST_STORE_MODES", "1");
    crate::tree::finish(command, b"").ends(0);
}

#[test]
fn row_17_sparse_large_and_deep() {
    let sparse = |tree: &Tree| {
        let file = File::create(tree.store("mallory.json")).unwrap();
        file.set_len(10 << 30).unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o600))
            .unwrap();
    };
    skipped(
        &["skipped 'mallory.json': 10737418240 bytes, at most 65536 are allowed"],
        sparse,
    );
    let pad = |len: usize| {
        let mut bytes = record("mallory", 20_000, &json!({}));
        bytes.resize(len, b' ');
        bytes
    };
    skipped_content(&pad(65_537), &["65537 bytes"]);
    skipped_content(b"", &["not valid JSON"]);
    let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n)).into_bytes();
    skipped_content(&deep(17), &["deeper than 16"]);
    skipped_content(&deep(30_000), &["deeper than 16"]);
    // At the limit it is a record.
    let old = Tree::with(&["alice"]);
    old.plant("mallory.json", &pad(65_536));
    recreate(&old).restore().says(&["restored 2 accounts"]);
}

#[test]
fn row_21_very_many_records() {
    let words = ["skipped 'bad0.json'", "more: 'occ-init check' lists them"];
    let many = |tree: &Tree| {
        for index in 0..20_000 {
            fs::write(tree.store(&format!("bad{index}.json")), b"{\"userName\":").unwrap();
        }
    };
    let old = Tree::with(&["alice", "bob"]);
    many(&old);
    let tree = recreate(&old);
    let ran = tree.run(&["restore", "--boot"]).ends(0).says(&words);
    assert!(ran.err.lines().count() < 300, "they flood the log");
    // PID 1 reads the summary as one line of at most 1 MiB.
    let summary = ran.out.lines().last().unwrap();
    assert!(summary.len() < 1 << 19, "{} bytes", summary.len());
    serde_json::from_str::<serde_json::Value>(summary).unwrap();
    for (name, letter) in [("alice", 'a'), ("bob", 'b')] {
        assert_eq!(tree.field("etc/shadow", name, 1), hash(letter));
    }
    let found = tree.run(&["check"]).ends(1);
    assert_eq!(found.out.matches("skipped 'bad").count(), 20_000);
}
