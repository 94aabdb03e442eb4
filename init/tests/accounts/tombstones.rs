//! Removed people and their numbers: a uid never gets a second name.

use crate::tree::{STORE, Tree, hash, record};
use accounts::wire::{AccountReply, ErrorKind};
use serde_json::json;
use std::fs;

#[test]
fn restore_keeps_what_is_not_asked_to_change() {
    let tree = Tree::with(&["alice"]);
    let add = [
        "user",
        "add",
        "bob",
        "--no-password",
        "--comment=Bob B",
        "--shell=/bin/sh",
    ];
    tree.run(&add).ends(0);
    tree.run(&["user", "remove", "bob", "--yes"]).ends(0);
    tree.run(&[
        "user",
        "add",
        "bob",
        "--restore",
        "--no-password",
        "--shell=/bin/dash",
    ])
    .ends(0);
    assert_eq!(tree.field("etc/passwd", "bob", 4), "Bob B");
    assert_eq!(tree.field("etc/passwd", "bob", 6), "/bin/dash");
}

/// Blanks are most of what it would have if it were written for people.
#[test]
fn a_record_full_of_others_fields_is_disabled_and_leaves_its_number_known() {
    let tree = Tree::with(&["alice", "bob"]);
    let fat = record("carol", 20_000, &json!({ "theirs": vec![1; 29_000] }));
    tree.plant("carol.json", &fat);
    tree.restore();
    tree.run(&["user", "disable", "carol"]).ends(0);
    assert_eq!(tree.field("etc/shadow", "carol", 7), "1");
    assert_eq!(tree.record("carol")["theirs"][28_999], 1);
    tree.run(&["user", "remove", "--yes", "carol"]).ends(0);
    tree.run(&["check"]).ends(0);
    tree.run(&["--json", "user", "add", "carol", "--no-password"])
        .fails_as(ErrorKind::Conflict);
}

#[test]
fn restore_gives_uid_and_home_back() {
    let tree = Tree::with(&["alice", "bob"]);
    fs::write(tree.path("home/bob/diary"), "mine").unwrap();
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    let dead: serde_json::Value =
        serde_json::from_slice(&tree.read(&format!("{STORE}/removed/10001.json"))).unwrap();
    assert_eq!(dead["userName"], "bob");
    assert_eq!(dead["privileged"], json!({}), "a tombstone keeps no secret");
    tree.run(&["--json", "user", "add", "bob", "--no-password"])
        .fails_as(ErrorKind::Conflict);
    tree.run(&["--json", "user", "add", "BOB", "--no-password"])
        .fails_as(ErrorKind::Conflict);
    assert_eq!(
        tree.add("carol", &hash('c')),
        10_002,
        "his number goes to nobody"
    );
    let args = [
        "--json",
        "user",
        "add",
        "bob",
        "--restore",
        "--password-hash-stdin",
    ];
    let reply: AccountReply = tree.feed(&args, hash('n')).ends(0).json();
    assert_eq!(
        (reply.account.uid, reply.account.home_directory.as_str()),
        (10_001, "/home/bob")
    );
    assert_eq!(tree.read("home/bob/diary"), b"mine");
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('n'));
    assert!(!tree.store("removed/10001.json").exists());
    tree.run(&["--json", "user", "add", "bob", "--restore", "--no-password"])
        .fails_as(ErrorKind::Conflict);
    tree.run(&["check"]).ends(0);
}

#[test]
fn a_new_uid_gets_a_home_of_its_own() {
    let tree = Tree::with(&["alice", "bob"]);
    fs::write(tree.path("home/bob/diary"), "mine").unwrap();
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    let args = ["--json", "user", "add", "bob", "--new-uid", "--no-password"];
    let reply: AccountReply = tree.run(&args).ends(0).json();
    assert_eq!(
        (reply.account.uid, reply.account.home_directory.as_str()),
        (10_002, "/home/bob-10002")
    );
    assert!(!tree.path("home/bob-10002/diary").exists());
    tree.run(&["check"]).ends(0);
    // Removed again there are two of them; the younger one comes back.
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    let args = ["--json", "user", "add", "bob", "--restore", "--no-password"];
    let reply: AccountReply = tree.run(&args).ends(0).json();
    assert_eq!(
        (reply.account.uid, reply.account.home_directory.as_str()),
        (10_002, "/home/bob-10002")
    );
}

#[test]
fn what_is_left_of_a_removed_person_passes_to_nobody() {
    let tree = Tree::with(&["alice", "bob"]);
    let args = [
        "user",
        "add",
        "carol",
        "--groups",
        "staff",
        "--password-hash-stdin",
    ];
    tree.feed(&args, hash('c')).ends(0);
    // usermod -aG sudo, somewhere inside.
    tree.edit("etc/group", "sudo:x:27:", "sudo:x:27:carol,alice");
    tree.edit("etc/gshadow", "sudo:*::", "sudo:*:carol:carol");
    tree.run(&["user", "remove", "--yes", "carol"]).ends(0);
    for file in crate::tree::FOUR {
        assert!(!tree.text(file).contains("carol"), "{file}");
    }
    assert_eq!(tree.line("etc/group", "sudo").unwrap(), "sudo:x:27:");
    // An old image layer brings her lines back: they go again.
    tree.edit(
        "etc/passwd",
        "nobody:",
        "carol:x:10002:10002::/home/carol:/bin/sh\nnobody:",
    );
    tree.edit(
        "etc/shadow",
        "nobody:",
        &format!("carol:{}:19000::::::\nnobody:", hash('c')),
    );
    tree.edit("etc/group", "nogroup:", "carol:x:10002:\nnogroup:");
    tree.restore().says(&["1 removed"]);
    for file in crate::tree::FOUR {
        assert!(!tree.text(file).contains("carol"), "{file}");
    }
    // Her name with another number is somebody else.
    tree.edit(
        "etc/passwd",
        "nobody:",
        "carol:x:1500:1500::/home/carol:/bin/sh\nnobody:",
    );
    tree.restore();
    assert_eq!(tree.field("etc/passwd", "carol", 2), "1500");
}

#[test]
fn a_record_that_was_deleted_by_hand_takes_its_lines_along() {
    let tree = Tree::with(&["alice", "bob"]);
    fs::remove_file(tree.store("bob.json")).unwrap();
    tree.restore().says(&["1 removed"]);
    for file in crate::tree::FOUR {
        assert_eq!(tree.line(file, "bob"), None, "{file}");
    }
    // The ledger still knows the number; the name may have a new one.
    assert_eq!(tree.add("carol", &hash('c')), 10_002);
}

#[test]
fn the_next_uid_is_above_all_that_was_ever_used() {
    let tree = Tree::new();
    tree.edit(
        "etc/passwd",
        "nobody:",
        "old:x:10100:10100::/home/old:/bin/sh\nnobody:",
    );
    assert_eq!(tree.add("alice", &hash('a')), 10_101);
    tree.edit("etc/group", "nogroup:", "team:x:10200:\nnogroup:");
    assert_eq!(tree.add("bob", &hash('b')), 10_201);
    fs::create_dir(tree.path("home/gone")).unwrap();
    std::os::unix::fs::chown(tree.path("home/gone"), Some(10_300), None).unwrap();
    assert_eq!(tree.add("carol", &hash('c')), 10_301);
    // A crashed add: the number was written down, the record never came.
    tree.plant("uids/10400", b"dave\n");
    assert_eq!(tree.add("dave", &hash('d')), 10_401);
    tree.plant("uids/10500", b"");
    assert_eq!(tree.add("erin", &hash('e')), 10_501);
    assert_eq!(
        fs::read_to_string(tree.store("uids/10501")).unwrap(),
        "erin\n"
    );
    tree.plant("removed/10600.json", &record("frank", 10_600, &json!({})));
    assert_eq!(tree.add("grace", &hash('g')), 10_601);
    for (uid, owner) in [("10400", "dave"), ("10500", "")] {
        let args = ["user", "add", "heidi", "--no-password", "--uid", uid];
        tree.run(&args).ends(4).says(&["was given to", owner]);
    }
}

#[test]
fn a_number_is_kept_through_a_recreate() {
    let old = Tree::with(&["alice", "bob", "carol"]);
    old.run(&["user", "remove", "--yes", "bob"]).ends(0);
    let fresh = Tree::new();
    fs::rename(old.path(STORE), fresh.path(STORE)).unwrap();
    fresh.restore().says(&["restored 2 accounts (2 new"]);
    assert_eq!(fresh.field("etc/passwd", "carol", 2), "10002");
    assert_eq!(fresh.line("etc/passwd", "bob"), None);
    assert_eq!(fresh.add("dave", &hash('d')), 10_003);
}
