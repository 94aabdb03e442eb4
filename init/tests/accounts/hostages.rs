//! Nobody loses their account to the image, to a snapshot of it, to somebody else's uid or to
//! a second record.

use crate::tree::{STORE, Tree, hash, record, unchanged};
use accounts::wire::ErrorKind;
use serde_json::json;
use std::fs;
use std::os::unix::fs::chown;

const LIST: &str = "usr/share/occ/image-accounts";
const STATE: &str = "var/lib/occ-init";

/// What useradd(8) writes for a name with that uid.
fn useradd(tree: &Tree, name: &str, uid: u32) {
    let passwd = format!("{name}:x:{uid}:{uid}::/home/{name}:/bin/sh\n+::");
    tree.edit("etc/passwd", "+::", &passwd);
    let shadow = format!("{name}:{}:20000:0:99999:7:::\nnobody:", hash('u'));
    tree.edit("etc/shadow", "nobody:", &shadow);
    tree.edit(
        "etc/group",
        "nogroup:",
        &format!("{name}:x:{uid}:\nnogroup:"),
    );
    tree.edit("etc/gshadow", "nogroup:", &format!("{name}:!::\nnogroup:"));
}

#[test]
fn files_on_a_volume_of_their_own_are_no_image() {
    let tree = Tree::new();
    fs::remove_file(tree.path(LIST)).unwrap();
    tree.add("alice", &hash('a'));
    // A new container: its own layer is empty, /etc came along.
    fs::remove_dir_all(tree.path(STATE)).unwrap();
    tree.restore();
    tree.run(&["check"]).ends(0);
    tree.run(&["user", "disable", "alice"]).ends(0);
    tree.run(&["user", "enable", "alice"]).ends(0);
    let args = ["user", "passwd", "alice", "--password-hash-stdin"];
    tree.feed(&args, hash('n')).ends(0);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('n'));
}

#[test]
fn a_snapshot_of_before_is_read_without_them_too() {
    let tree = Tree::new();
    tree.add("alice", &hash('a'));
    fs::remove_file(tree.path(LIST)).unwrap();
    tree.write(
        &format!("{STATE}/image-accounts"),
        b"user root 0\nuser alice 10000\ngroup alice 10000\nuser node 1000\n",
        0o600,
    );
    tree.restore();
    tree.run(&["user", "disable", "alice"]).ends(0);
    tree.run(&["user", "disable", "node"]).ends(5);
}

#[test]
fn somebody_made_before_occ_init_came_is_adopted() {
    let tree = Tree::new();
    fs::remove_file(tree.path(LIST)).unwrap();
    useradd(&tree, "eve", 1001);
    tree.restore();
    tree.run(&["user", "adopt", "eve"]).ends(0);
    assert_eq!(tree.names(), ["eve"]);
    tree.restore();
    tree.run(&["user", "disable", "eve"]).ends(0);
    let listed = Tree::new();
    useradd(&listed, "eve", 1001);
    let list = format!("{}user eve 1001\ngroup eve 1001\n", listed.text(LIST));
    listed.write(LIST, list.as_bytes(), 0o644);
    let args = ["--json", "user", "adopt", "eve"];
    listed.run(&args).fails_as(ErrorKind::Refused);
}

#[test]
fn adopt_says_beforehand_what_it_would_do() {
    let tree = Tree::with(&["alice"]);
    useradd(&tree, "eve", 1001);
    tree.edit("etc/group", "sudo:x:27:", "sudo:x:27:eve");
    let before = tree.state();
    tree.run(&["user", "adopt", "eve", "--dry-run"])
        .ends(0)
        .says(&[
            "User 'eve' would be adopted (uid 1001).",
            "'eve': it leaves group 'sudo'",
            "the line 'sudo: eve' in /etc/occ/groups.allow",
        ]);
    unchanged(&before, &tree.state(), &"--dry-run");
    tree.edit(
        "etc/shadow",
        &hash('u'),
        "$1$saltsalt$0123456789012345678901",
    );
    let before = tree.state();
    tree.run(&["user", "adopt", "eve", "--dry-run"])
        .ends(0)
        .says(&[
            "its password is lost",
            "'occ-init user passwd eve' sets a new one",
        ]);
    unchanged(&before, &tree.state(), &"--dry-run");
}

#[test]
fn a_home_elsewhere_names_the_line_that_the_image_lacks() {
    let tree = Tree::with(&["alice"]);
    useradd(&tree, "eve", 1001);
    tree.edit("etc/passwd", "/home/eve", "/srv/people/eve");
    let adopt = ["--json", "user", "adopt", "eve"];
    let before = tree.state();
    let refused = tree.run(&adopt).fails_as(ErrorKind::Invalid).error;
    let step = "add the line '/srv/people' to /etc/occ/homes.allow in the image";
    assert_eq!(refused.hint, step, "{}", refused.message);
    unchanged(&before, &tree.state(), &adopt);
    tree.write("etc/occ/homes.allow", b"/srv/people\n", 0o644);
    fs::create_dir_all(tree.path("srv/people")).unwrap();
    tree.run(&adopt).ends(0);
    assert_eq!(tree.record("eve")["homeDirectory"], "/srv/people/eve");
}

#[test]
fn a_stranger_with_the_uid_of_a_removed_account_is_told() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "remove", "bob", "--yes"]).ends(0);
    useradd(&tree, "eve", 10001);
    let told = "'eve' has uid 10001 in /etc/passwd, which was 'bob''s";
    tree.run(&["check"]).ends(1).says(&[told]);
    tree.restore().says(&[told]);
    tree.run(&["user", "list"]).ends(0).says(&[told]);
    // Neither way back is a half one.
    let before = tree.state();
    let adopt = ["--json", "user", "adopt", "eve"];
    let refused = tree.run(&adopt).fails_as(ErrorKind::Conflict).error;
    assert!(
        refused.hint.starts_with("'userdel eve' and then"),
        "{}",
        refused.hint
    );
    let restore = ["--json", "user", "add", "bob", "--restore", "--no-password"];
    let refused = tree.run(&restore).fails_as(ErrorKind::Conflict).error;
    assert!(refused.hint.contains("'userdel eve'"), "{}", refused.hint);
    unchanged(&before, &tree.state(), &restore);
}

#[test]
fn a_line_of_useradd_in_the_way_names_adopt() {
    let tree = Tree::with(&["alice"]);
    useradd(&tree, "eve", 1001);
    let add = ["--json", "user", "add", "eve", "--no-password"];
    let refused = tree.run(&add).fails_as(ErrorKind::Conflict).error;
    assert!(
        refused.hint.starts_with("'occ-init user adopt eve'"),
        "{}",
        refused.hint
    );
    tree.run(&["user", "adopt", "eve"]).ends(0);
}

#[test]
fn a_home_of_another_uid_is_asked_about() {
    let tree = Tree::with(&["alice"]);
    fs::create_dir(tree.path("home/bob")).unwrap();
    chown(tree.path("home/bob"), Some(1500), Some(1500)).unwrap();
    let before = tree.state();
    let add = ["--json", "user", "add", "bob", "--no-password"];
    let refused = tree.run(&add).fails_as(ErrorKind::Conflict);
    assert!(
        refused.error.hint.contains("--uid 1500"),
        "{}",
        refused.error.hint
    );
    unchanged(&before, &tree.state(), &add);
    let forced = tree.copy();
    forced.run(&[&add[..], &["--force"]].concat()).ends(0);
    assert_eq!(forced.field("etc/passwd", "bob", 2), "10001");
    tree.run(&[&add[..], &["--uid", "1500"]].concat()).ends(0);
    assert_eq!(tree.field("etc/passwd", "bob", 2), "1500");
}

#[test]
fn of_two_records_with_one_uid_the_one_that_is_there_stays() {
    let tree = Tree::with(&["zoe"]);
    fs::remove_file(tree.store("uids/10000")).unwrap();
    tree.plant("alice.json", &record("alice", 10000, &json!({})));
    tree.restore();
    assert_eq!(tree.field("etc/passwd", "zoe", 2), "10000");
    assert_eq!(tree.line("etc/passwd", "alice"), None);
    let nobody = Tree::new();
    for name in ["alice", "zoe"] {
        nobody.plant(&format!("{name}.json"), &record(name, 10000, &json!({})));
    }
    nobody.restore().says(&["is claimed by another record too"]);
    assert_eq!(nobody.line("etc/passwd", "alice"), None);
    assert_eq!(nobody.line("etc/passwd", "zoe"), None);
}

#[test]
fn a_record_put_there_by_hand_gets_its_entry() {
    let tree = Tree::with(&["alice"]);
    tree.plant("zoe.json", &record("zoe", 10500, &json!({})));
    tree.restore();
    assert_eq!(tree.text(&format!("{STORE}/uids/10500")), "zoe\n");
}

#[test]
fn a_uid_beyond_the_range_names_uid_max() {
    let tree = Tree::new();
    let args = [
        "--json",
        "user",
        "add",
        "bob",
        "--no-password",
        "--uid",
        "60001",
    ];
    let refused = tree.run(&args).fails_as(ErrorKind::Invalid);
    assert!(
        refused.error.message.contains("UID_MAX"),
        "{}",
        refused.error.message
    );
}
