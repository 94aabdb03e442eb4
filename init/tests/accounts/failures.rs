//! The exit code of each way to fail, and its kind for programs; nothing changes.

use crate::tree::{Tree, unchanged};
use accounts::wire::ErrorKind;

#[test]
fn usage_errors() {
    let tree = Tree::with(&["alice", "bob"]);
    let before = tree.state();
    for args in [
        &["user"][..],
        &["user", "frobnicate"],
        &["user", "add", "dave"],
        &["user", "add", "--generate"],
        &["user", "add", "dave", "carol", "--generate"],
        &["user", "add", "dave", "--generate", "--password-stdin"],
        &["user", "add", "dave", "--no-password", "--generate"],
        &[
            "user",
            "add",
            "dave",
            "--restore",
            "--new-uid",
            "--generate",
        ],
        &["user", "passwd"],
        &["user", "passwd", "alice"],
        &["user", "enable"],
        &["user", "disable"],
        &["user", "remove"],
        &["user", "remove", "alice"],
        &["user", "show"],
        &["user", "list", "--frobnicate"],
        &["restore", "now"],
    ] {
        let ran = tree.run(args).ends(2);
        assert!(
            !ran.err.is_empty() && ran.out.is_empty(),
            "{args:?}: {}",
            ran.out
        );
        tree.run(&[&["--json"][..], args].concat())
            .fails_as(ErrorKind::Usage);
        unchanged(&before, &tree.state(), &args);
    }
}

#[test]
fn each_failure_has_its_kind_in_json_and_in_the_exit_code() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    tree.plant("dave.json", b"no json");
    let before = tree.state();
    let add = |more: &[&'static str]| [&["user", "add"][..], more, &["--no-password"]].concat();
    let cases: Vec<(Vec<&str>, ErrorKind, &str)> = vec![
        (
            add(&["alice"]),
            ErrorKind::Conflict,
            "account 'alice' already exists",
        ),
        (
            add(&["ALICE"]),
            ErrorKind::Conflict,
            "differs from 'alice' in case only",
        ),
        (
            add(&["bob"]),
            ErrorKind::Conflict,
            "account 'bob' was removed",
        ),
        (
            add(&["carol", "--restore"]),
            ErrorKind::NotFound,
            "no account 'carol' was removed",
        ),
        (
            add(&["carol", "--uid", "10000"]),
            ErrorKind::Conflict,
            "was given to 'alice'",
        ),
        (
            add(&["carol", "--uid", "10001"]),
            ErrorKind::Conflict,
            "was given to 'bob'",
        ),
        (
            add(&["carol", "--uid", "1000"]),
            ErrorKind::Conflict,
            "'node' in the image",
        ),
        (
            add(&["carol", "--groups", "sudo"]),
            ErrorKind::Refused,
            "in group 'sudo'",
        ),
        (
            add(&["carol", "--groups", "audio"]),
            ErrorKind::Refused,
            "'carol' in group 'audio'",
        ),
        (add(&["root"]), ErrorKind::Refused, "reserved"),
        (
            add(&["daemon"]),
            ErrorKind::Refused,
            "the image has a user of that name",
        ),
        (
            add(&["staff"]),
            ErrorKind::Refused,
            "the image has a group of that name",
        ),
        (
            add(&["dave"]),
            ErrorKind::Failed,
            "the record of 'dave' can't be used",
        ),
        (
            vec!["user", "show", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "keys", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "passwd", "erin", "--generate"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "enable", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "disable", "alice", "erin"],
            ErrorKind::NotFound,
            "no such account 'erin'",
        ),
        (
            vec!["user", "remove", "--force", "alice", "erin"],
            ErrorKind::NotFound,
            "no such account",
        ),
        (
            vec!["user", "disable", "daemon"],
            ErrorKind::Refused,
            "the image has a user",
        ),
        (
            vec!["user", "passwd", "root", "--generate"],
            ErrorKind::Refused,
            "reserved",
        ),
        (
            vec!["user", "show", "a:b"],
            ErrorKind::Invalid,
            "invalid name 'a:b'",
        ),
        (
            vec!["user", "remove", "--yes", "alice"],
            ErrorKind::Refused,
            "Cannot remove last user.",
        ),
    ];
    for (args, kind, words) in cases {
        let reply = tree.run(&[&["--json"][..], &args].concat()).fails_as(kind);
        assert!(
            reply.error.message.contains(words),
            "{args:?}: {}",
            reply.error.message
        );
        let ran = tree.run(&args).ends(kind.exit_code().into());
        assert!(ran.out.is_empty(), "{args:?}: {}", ran.out);
        assert!(ran.err.starts_with("occ-init: "), "{args:?}: {}", ran.err);
        unchanged(&before, &tree.state(), &args);
    }
    let reply = tree
        .run(&["--json", "user", "add", "bob", "--no-password"])
        .fails_as(ErrorKind::Conflict);
    for way_out in ["--restore", "--new-uid"] {
        assert!(reply.error.hint.contains(way_out), "{}", reply.error.hint);
    }
}

#[test]
fn a_group_of_somebody_else_with_the_name_is_a_conflict() {
    let tree = Tree::with(&["alice"]);
    tree.edit("etc/group", "nogroup:", "carol:x:1500:\nnogroup:");
    tree.edit(
        "etc/passwd",
        "nobody:",
        "dave:x:1600:1600::/home/dave:/bin/sh\nnobody:",
    );
    let before = tree.state();
    for name in ["carol", "dave"] {
        let args = ["--json", "user", "add", name, "--no-password"];
        tree.run(&args).fails_as(ErrorKind::Conflict);
        unchanged(&before, &tree.state(), &"");
    }
}

#[test]
fn a_change_that_does_not_reach_etc_is_no_success() {
    let tree = Tree::with(&["alice", "bob"]);
    // Somebody's group has taken alice's gid: restore leaves her out.
    tree.edit("etc/group", "nogroup:", "evil:x:10000:\nnogroup:");
    // Her lines are restore's own, so at least she can be shut out.
    tree.run(&["user", "disable", "alice"])
        .ends(0)
        .says(&["'alice' is shut out, but was not restored"]);
    for args in [
        &["user", "passwd", "alice", "--generate"][..],
        &["user", "enable", "alice"],
    ] {
        tree.run(args)
            .ends(1)
            .says(&["'evil' with id 10000", "recorded"]);
    }
    tree.run(&["user", "disable", "bob"]).ends(0);
}

#[test]
fn only_root_may() {
    let tree = Tree::with(&["alice"]);
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(tree.root(), everybody).unwrap();
    // A copy, because the build directory may be closed to others; by cp(1),
    // because a file that was ever open for writing here may be busy.
    let elsewhere = tempfile::TempDir::new().unwrap();
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(elsewhere.path(), everybody).unwrap();
    let copy = elsewhere.path().join("occ-init");
    let copied = std::process::Command::new("cp")
        .arg(env!("CARGO_BIN_EXE_occ-init"))
        .arg(&copy)
        .status();
    assert!(copied.unwrap().success());
    let before = tree.state();
    for args in [
        &["user", "list"][..],
        &["user", "show", "alice"],
        &["user", "add", "bob", "--no-password"],
        &["user", "disable", "alice"],
        &["restore"],
        &["restore", "--dry-run"],
        &["check"],
    ] {
        let mut command = std::process::Command::new(&copy);
        std::os::unix::process::CommandExt::uid(&mut command, 10_000);
        command.arg("--root").arg(tree.root()).args(args);
        crate::tree::finish(command, b"")
            .ends(5)
            .says(&["only root may do this"]);
    }
    unchanged(&before, &tree.state(), &"");
}
