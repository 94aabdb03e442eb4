//! An account whose record can't be read: its lines stay as they are, so it must
//! be possible to shut it out all the same.

use crate::tree::{Tree, hash, unchanged};
use accounts::wire::ErrorKind;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;

/// Alice's record is broken, in one way or another; bob's is whole.
fn broken() -> [Tree; 3] {
    let breaks: [fn(&Tree); 3] = [
        |tree| tree.plant("alice.json", b"{"),
        |tree| {
            fs::remove_file(tree.store("alice.json")).unwrap();
            symlink("/dev/null", tree.store("alice.json")).unwrap();
        },
        |tree| {
            let mut record = tree.record("alice");
            record["occ"]["schema"] = 9.into();
            tree.plant("alice.json", record.to_string().as_bytes());
        },
    ];
    breaks.map(|spoil| {
        let tree = Tree::with(&["alice", "bob"]);
        spoil(&tree);
        tree
    })
}

#[test]
fn it_can_be_shut_out_here_and_never_as_a_success() {
    for tree in broken() {
        tree.restore();
        assert_eq!(tree.field("etc/passwd", "alice", 6), "/bin/bash");
        let store = || {
            fs::symlink_metadata(tree.store("alice.json"))
                .unwrap()
                .modified()
                .unwrap()
        };
        let before = store();
        let bob = tree.line("etc/passwd", "bob");
        for _ in 0..2 {
            let args = ["--json", "user", "disable", "alice"];
            let reply = tree.run(&args).fails_as(ErrorKind::Failed);
            let (message, hint) = (&reply.error.message, &reply.error.hint);
            assert!(
                message.starts_with("'alice' is shut out here, but"),
                "{message}"
            );
            assert!(hint.contains("mend or delete the file"), "{hint}");
            assert_eq!(tree.field("etc/passwd", "alice", 6), "/usr/sbin/nologin");
            let locked = format!("!{}", hash('a'));
            assert_eq!(tree.field("etc/shadow", "alice", 1), locked);
            assert_eq!(tree.field("etc/shadow", "alice", 7), "1");
        }
        assert_eq!(store(), before, "the record stays as it is");
        assert_eq!(tree.line("etc/passwd", "bob"), bob);
        // It stays shut while the record stays broken.
        let state = tree.state();
        tree.restore();
        tree.run(&["restore", "--boot"]).ends(0);
        unchanged(&state, &tree.state(), &"a restore");
        // A record that can be read again decides.
        let mut record = tree.record("bob");
        record["userName"] = "alice".into();
        record["uid"] = 10_000.into();
        record["gid"] = 10_000.into();
        record["homeDirectory"] = "/home/alice".into();
        fs::remove_file(tree.store("alice.json")).unwrap();
        tree.plant("alice.json", record.to_string().as_bytes());
        tree.run(&["user", "disable", "alice"]).ends(0);
        assert_eq!(tree.record("alice")["locked"], true);
    }
}

#[test]
fn nothing_is_shut_that_is_not_ours() {
    let tree = Tree::with(&["alice"]);
    // Never restored here; and somebody's line of the image under its name.
    tree.plant("carol.json", b"{");
    tree.plant("daemon.json", b"{");
    tree.plant("theirs.json", b"{");
    let theirs = "theirs:x:1500:1500::/home/theirs:/bin/bash";
    tree.edit("etc/passwd", "\nnobody:", &format!("\n{theirs}\nnobody:"));
    tree.restore();
    let before = tree.state();
    for (name, kind) in [
        ("carol", ErrorKind::Failed),
        ("theirs", ErrorKind::Failed),
        ("daemon", ErrorKind::Refused),
    ] {
        tree.run(&["--json", "user", "disable", name])
            .fails_as(kind);
        unchanged(&before, &tree.state(), &name);
    }
}

#[test]
fn of_several_names_none_is_changed() {
    let [tree, ..] = broken();
    let before = tree.state();
    let reply = tree
        .run(&["--json", "user", "disable", "alice", "bob"])
        .fails_as(ErrorKind::Failed);
    let way_out = "'occ-init user disable alice' alone shuts the account out";
    assert!(reply.error.hint.contains(way_out), "{}", reply.error.hint);
    unchanged(&before, &tree.state(), &"disable");
}

#[test]
fn export_writes_the_others_and_ends_with_1() {
    for tree in broken() {
        let ran = tree
            .run(&["user", "export"])
            .ends(1)
            .says(&["skipped 'alice.json'"]);
        assert_eq!(ran.out.lines().count(), 1);
        assert!(ran.out.contains("\"userName\":\"bob\""), "{}", ran.out);
        let reply: Value = tree.run(&["--json", "user", "export"]).ends(1).json();
        assert_eq!(reply["records"].as_array().unwrap().len(), 1);
        let reason = reply["skipped"][0].as_str().unwrap();
        assert!(reason.starts_with("skipped 'alice.json': "), "{reason}");
    }
    // A tombstone is no account that an export would hold.
    let tree = Tree::with(&["alice"]);
    tree.plant("removed/20000.json", b"{");
    tree.run(&["user", "export"]).ends(0);
}
