//! `user adopt`: an account that useradd(8) made inside becomes one with a
//! record, and nothing changes for the person.

use crate::tree::{FOUR, Tree, hash, unchanged};
use accounts::wire::{AccountReply, ErrorKind, Status};
use serde_json::json;
use std::fs;
use std::os::unix::fs::chown;

/// What `useradd -m -s /bin/sh eve` and `usermod -aG` write.
fn useradd(tree: &Tree, uid: u32, password: &str) {
    tree.edit(
        "etc/passwd",
        "+::",
        &format!("eve:x:{uid}:{uid}:Eve,,,:/home/eve:/bin/sh\n+::"),
    );
    tree.edit(
        "etc/shadow",
        "nobody:",
        &format!("eve:{password}:20000:0:99999:7:::\nnobody:"),
    );
    tree.edit("etc/group", "nogroup:", &format!("eve:x:{uid}:\nnogroup:"));
    tree.edit("etc/gshadow", "nogroup:", "eve:!::\nnogroup:");
    fs::create_dir(tree.path("home/eve")).unwrap();
    chown(tree.path("home/eve"), Some(uid), Some(uid)).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(tree.path("home/eve"), private).unwrap();
    tree.write("home/eve/file", b"hers", 0o600);
}

#[test]
fn nothing_changes_for_the_person() {
    let tree = Tree::with(&["alice"]);
    useradd(&tree, 1001, &hash('e'));
    let before = FOUR.map(|file| tree.text(file));
    tree.run(&["user", "adopt", "eve"])
        .ends(0)
        .prints("User 'eve' adopted (uid 1001).\n");
    assert_eq!(FOUR.map(|file| tree.text(file)), before);
    assert_eq!(tree.read("home/eve/file"), b"hers");
    assert_eq!(tree.text("var/lib/opencode-users/uids/1001"), "eve\n");
    let record = tree.record("eve");
    assert_eq!(record["realName"], "Eve,,,");
    assert_eq!(record["privileged"]["hashedPassword"], json!([hash('e')]));
    assert_eq!(tree.names(), ["alice", "eve"]);
    tree.run(&["check"]).ends(0);
}

#[test]
fn she_comes_back_after_an_update() {
    let tree = Tree::new();
    let fresh = FOUR.map(|file| (file, tree.text(file)));
    useradd(&tree, 1001, &hash('e'));
    let reply: AccountReply = tree.run(&["--json", "user", "adopt", "eve"]).ends(0).json();
    assert!(reply.changed && reply.account.uid == 1001);
    let before = FOUR.map(|file| tree.line(file, "eve"));
    for (file, text) in fresh {
        fs::write(tree.path(file), text).unwrap();
    }
    fs::remove_dir_all(tree.path("var/lib/occ-init")).unwrap();
    assert!(tree.line("etc/passwd", "eve").is_none());
    tree.restore();
    assert_eq!(FOUR.map(|file| tree.line(file, "eve")), before);
}

#[test]
fn only_granted_groups_are_kept() {
    let tree = Tree::new();
    useradd(&tree, 1001, "*");
    tree.edit("etc/group", "staff:x:50:", "staff:x:50:eve");
    tree.edit("etc/group", "sudo:x:27:", "sudo:x:27:eve");
    tree.run(&["user", "adopt", "eve"])
        .ends(0)
        .says(&["'eve': it leaves group 'sudo', which the image does not allow"]);
    assert_eq!(tree.record("eve")["memberOf"], json!(["staff"]));
    assert_eq!(tree.line("etc/group", "sudo").unwrap(), "sudo:x:27:");
    assert_eq!(tree.field("etc/group", "staff", 3), "eve");
}

#[test]
fn a_locked_one_is_disabled() {
    let tree = Tree::new();
    useradd(&tree, 1001, &format!("!{}", hash('e')));
    let ran = tree.run(&["--json", "user", "adopt", "eve"]).ends(0);
    let reply: AccountReply = ran.json();
    assert_eq!(reply.account.status, Status::Disabled);
    ran.says(&["'eve' is disabled"]);
    tree.run(&["user", "enable", "eve"]).ends(0);
    assert_eq!(tree.field("etc/shadow", "eve", 1), hash('e'));
    assert_eq!(tree.field("etc/passwd", "eve", 6), "/bin/sh");
}

#[test]
fn refusals_change_nothing() {
    let tree = Tree::with(&["alice", "gone"]);
    tree.run(&["user", "remove", "gone", "--yes"]).ends(0);
    useradd(&tree, 1001, &hash('e'));
    tree.edit(
        "etc/passwd",
        "+::",
        "zoe:x:1002:100::/home/zoe:\nsvc:x:105:105::/home/svc:\n+::",
    );
    let before = tree.state();
    for (name, kind) in [
        ("nosuch", ErrorKind::NotFound),
        ("alice", ErrorKind::Conflict),
        ("gone", ErrorKind::Conflict),
        ("zoe", ErrorKind::Conflict),
        ("node", ErrorKind::Refused),
        ("root", ErrorKind::Refused),
        ("audio", ErrorKind::Refused),
        ("operators", ErrorKind::Refused),
        ("svc", ErrorKind::Invalid),
        ("../x", ErrorKind::Invalid),
    ] {
        let ran = tree.run(&["--json", "user", "adopt", name]);
        ran.fails_as(kind);
        unchanged(&before, &tree.state(), &name);
    }
}

#[test]
fn a_number_or_home_of_somebody_removed_is_refused() {
    let tree = Tree::with(&["alice", "gone"]);
    tree.run(&["user", "remove", "gone", "--yes"]).ends(0);
    useradd(&tree, 10001, &hash('e'));
    let error = tree
        .run(&["--json", "user", "adopt", "eve"])
        .fails_as(ErrorKind::Conflict);
    assert_eq!(
        error.error.message,
        "cannot adopt 'eve': uid 10001 was given to 'gone'"
    );
    assert!(!tree.store("eve.json").exists());

    let tree = Tree::with(&["alice", "gone"]);
    tree.run(&["user", "remove", "gone", "--yes"]).ends(0);
    useradd(&tree, 1001, &hash('e'));
    tree.edit("etc/passwd", "/home/eve", "/home/gone");
    let error = tree
        .run(&["--json", "user", "adopt", "eve"])
        .fails_as(ErrorKind::Conflict);
    assert_eq!(error.error.message, "home '/home/gone' belongs to 'gone'");
    assert!(!tree.store("uids/1001").exists());
}
