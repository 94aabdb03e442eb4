//! Records of opencode-cloud, `{"username","password_hash","locked"}`: taken
//! over with the uid that the person's files already have.

use crate::tree::{STORE, Tree, hash, record, unchanged};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{chown, symlink};

fn old_record(name: &str, hash: &str, locked: bool) -> Vec<u8> {
    json!({ "username": name, "password_hash": hash, "locked": locked })
        .to_string()
        .into_bytes()
}

fn uid(tree: &Tree, name: &str) -> Value {
    tree.record(name)["uid"].clone()
}

#[test]
fn the_uid_comes_from_ledger_passwd_home_or_is_new() {
    let tree = Tree::new();
    for name in ["ledger", "passwd", "house", "new_one"] {
        tree.plant(
            &format!("{name}.json"),
            &old_record(name, &hash('l'), false),
        );
    }
    tree.plant("uids/1234", b"ledger\n");
    tree.edit(
        "etc/passwd",
        "nobody:",
        "passwd:x:1500:1500::/home/passwd:/bin/sh\nnobody:",
    );
    tree.edit("etc/group", "nogroup:", "passwd:x:1500:\nnogroup:");
    for (name, owner) in [("ledger", 1600), ("passwd", 1600), ("house", 1700)] {
        fs::create_dir(tree.path(format!("home/{name}"))).unwrap();
        chown(tree.path(format!("home/{name}")), Some(owner), None).unwrap();
    }
    tree.run(&["check"])
        .ends(1)
        .says(&["an older record; the next restore takes it over"]);
    tree.run(&["restore", "--boot"])
        .ends(0)
        .says(&["took over the older record of 'new_one'"]);
    assert_eq!(uid(&tree, "ledger"), 1234);
    assert_eq!(uid(&tree, "passwd"), 1500);
    assert_eq!(uid(&tree, "house"), 1700);
    assert_eq!(uid(&tree, "new_one"), 10_000);
    for name in ["ledger", "passwd", "house", "new_one"] {
        assert_eq!(tree.field("etc/shadow", name, 1), hash('l'));
        assert_eq!(
            tree.read(&format!("{STORE}/legacy/{name}.json")),
            old_record(name, &hash('l'), false)
        );
        let owner = fs::read_to_string(tree.store(&format!("uids/{}", uid(&tree, name)))).unwrap();
        assert_eq!(owner, format!("{name}\n"));
    }
    let before = tree.state();
    tree.restore();
    unchanged(&before, &tree.state(), &"a second restore");
}

#[test]
fn locked_is_never_weakened() {
    let tree = Tree::new();
    tree.plant("alice.json", &old_record("alice", &hash('a'), true));
    tree.plant(
        "bob.json",
        &old_record("bob", &format!("!{}", hash('b')), false),
    );
    tree.plant("carol.json", &old_record("carol", "!", false));
    tree.plant("dave.json", b"{\"username\":\"dave\"}");
    tree.plant("erin.json", &old_record("erin", "x", false));
    tree.restore();
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
    assert_eq!(
        tree.field("etc/shadow", "bob", 1),
        format!("!{}", hash('b'))
    );
    assert_eq!(tree.field("etc/shadow", "carol", 1), "!*");
    assert_eq!(tree.field("etc/shadow", "dave", 1), "*");
    assert_eq!(tree.field("etc/shadow", "erin", 1), "*");
    for name in ["alice", "bob", "carol"] {
        assert_eq!(tree.field("etc/shadow", name, 7), "1", "{name}");
        assert_eq!(tree.field("etc/passwd", name, 6), "/usr/sbin/nologin");
    }
}

#[test]
fn numbers_that_are_anothers_are_not_taken() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    // Homes that belong to alice, the removed bob, the image's node, and nobody.
    for (name, owner) in [
        ("carol", 10_000),
        ("dave", 10_001),
        ("erin", 1000),
        ("frank", 65_534),
        ("grace", 0),
    ] {
        fs::create_dir(tree.path(format!("home/{name}"))).unwrap();
        chown(tree.path(format!("home/{name}")), Some(owner), None).unwrap();
        tree.plant(
            &format!("{name}.json"),
            &old_record(name, &hash('l'), false),
        );
    }
    tree.restore();
    for (name, number) in ["carol", "dave", "erin", "frank", "grace"]
        .iter()
        .zip(10_002..)
    {
        assert_eq!(uid(&tree, name), number, "{name}");
    }
}

#[test]
fn a_new_number_is_none_that_the_image_lists() {
    let tree = Tree::new();
    let list = "usr/share/occ/image-accounts";
    let more = [tree.text(list).as_str(), "group later 10000\n"].concat();
    tree.write(list, more.as_bytes(), 0o644);
    tree.plant("alice.json", &old_record("alice", &hash('l'), false));
    tree.restore();
    assert_eq!(uid(&tree, "alice"), 10_001);
}

#[test]
fn names_of_the_image_and_wrong_names_stay_where_they_are() {
    let tree = Tree::with(&["alice"]);
    tree.plant("root.json", &old_record("root", &hash('r'), false));
    tree.plant("daemon.json", &old_record("daemon", &hash('r'), false));
    tree.plant("carol.json", &old_record("dave", &hash('r'), false));
    tree.restore().says(&[
        "skipped 'root.json'",
        "skipped 'daemon.json'",
        "skipped 'carol.json'",
    ]);
    assert_eq!(
        tree.read(&format!("{STORE}/root.json")),
        old_record("root", &hash('r'), false)
    );
    assert!(!tree.text("etc/shadow").contains(&hash('r')));
    assert!(!tree.store("legacy/root.json").exists());
}

#[test]
fn a_removed_person_does_not_come_back_by_an_older_record() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    tree.plant("bob.json", &old_record("bob", &hash('o'), false));
    tree.restore().says(&["skipped 'bob.json'", "was removed"]);
    assert_eq!(tree.line("etc/passwd", "bob"), None);
}

#[test]
fn a_take_over_that_is_killed_half_way_goes_on() {
    for stage in ["ledger", "legacy"] {
        let tree = Tree::new();
        tree.plant("alice.json", &old_record("alice", &hash('a'), false));
        tree.plant("uids/10007", b"alice\n");
        if stage == "legacy" {
            fs::create_dir(tree.store("legacy")).unwrap();
            tree.plant("legacy/alice.json", &old_record("alice", &hash('a'), false));
            tree.plant(
                ".occ-alice.json",
                &record("alice", 10_007, &json!({}))[..40],
            );
        }
        tree.restore();
        assert_eq!(uid(&tree, "alice"), 10_007, "{stage}");
        assert!(!tree.store(".occ-alice.json").exists());
        assert_eq!(tree.add("bob", &hash('b')), 10_008);
    }
}

#[test]
fn what_hinders_a_take_over_does_not_hinder_the_others() {
    let old = Tree::with(&["alice"]);
    old.plant("bob.json", &old_record("bob", &hash('b'), false));
    let tree = Tree::new();
    fs::rename(old.path(STORE), tree.path(STORE)).unwrap();
    fs::remove_dir(tree.path("home")).unwrap();
    symlink("/tmp", tree.path("home")).unwrap();
    tree.run(&["restore", "--boot"])
        .ends(0)
        .says(&["restored 1 account", "bob"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
    assert_eq!(
        tree.read(&format!("{STORE}/bob.json")),
        old_record("bob", &hash('b'), false)
    );
}
