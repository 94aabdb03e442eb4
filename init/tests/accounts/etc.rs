//! The four files: nobody else's byte changes, and nothing is written twice.

use crate::tree::{FOUR, STORE, Tree, foreign, hash, record, unchanged};
use accounts::wire::ErrorKind;
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

#[test]
fn a_second_restore_writes_nothing() {
    let tree = Tree::with(&["alice", "bob", "carol"]);
    tree.run(&["user", "disable", "bob"]).ends(0);
    tree.run(&["user", "remove", "--yes", "carol"]).ends(0);
    let before = tree.state();
    for args in [
        &["restore"][..],
        &["restore", "--boot"],
        &["user", "disable", "bob"],
        &["user", "enable", "alice"],
    ] {
        tree.run(args).ends(0);
        unchanged(&before, &tree.state(), &args);
    }
}

#[test]
fn other_lines_stay_to_the_byte_and_in_place() {
    let tree = Tree::new();
    let originals: Vec<Vec<u8>> = FOUR.iter().map(|file| tree.read(file)).collect();
    let names = ["alice", "bob"];
    for name in names {
        tree.add(name, &hash('a'));
    }
    tree.feed(
        &["user", "passwd", "alice", "--password-hash-stdin"],
        hash('n'),
    )
    .ends(0);
    tree.run(&["user", "disable", "bob"]).ends(0);
    for (file, original) in FOUR.iter().zip(&originals) {
        assert!(
            foreign(&tree.read(file), &names) == foreign(original, &names),
            "{file}"
        );
    }
    let passwd = tree.text("etc/passwd");
    assert!(
        passwd.find("alice:").unwrap() < passwd.find("+::::::").unwrap(),
        "before NIS"
    );
    tree.run(&["user", "remove", "--force", "alice", "bob"])
        .ends(0);
    for (file, original) in FOUR.iter().zip(&originals) {
        assert!(tree.read(file) == *original, "{file} is as it was");
    }
}

#[test]
fn owner_and_mode_stay_and_others_lose_write_permission() {
    let tree = Tree::with(&["alice"]);
    fs::set_permissions(tree.path("etc/passwd"), fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(tree.path("etc/shadow"), fs::Permissions::from_mode(0o000)).unwrap();
    tree.add("bob", &hash('b'));
    let meta = |file: &str| fs::metadata(tree.path(file)).unwrap();
    assert_eq!(meta("etc/passwd").mode() & 0o7777, 0o644);
    assert_eq!(
        (meta("etc/shadow").mode() & 0o7777, meta("etc/shadow").gid()),
        (0, 42)
    );
    assert_eq!(
        (
            meta("etc/gshadow").mode() & 0o7777,
            meta("etc/gshadow").gid()
        ),
        (0o640, 42)
    );
}

#[test]
fn files_that_are_not_there() {
    let tree = Tree::new();
    fs::remove_file(tree.path("etc/gshadow")).unwrap();
    fs::remove_file(tree.path("etc/shadow")).unwrap();
    tree.add("alice", &hash('a'));
    assert!(
        !tree.path("etc/gshadow").exists(),
        "an image without gshadow does without"
    );
    let shadow = fs::metadata(tree.path("etc/shadow")).unwrap();
    assert_eq!(
        (shadow.mode() & 0o7777, shadow.uid(), shadow.gid()),
        (0o640, 0, 42)
    );
    let bare = Tree::new();
    for file in FOUR {
        fs::remove_file(bare.path(file)).unwrap();
    }
    bare.add("alice", &hash('a'));
    let shadow = fs::metadata(bare.path("etc/shadow")).unwrap();
    assert_eq!(
        (shadow.mode() & 0o7777, shadow.gid()),
        (0o600, 0),
        "no group shadow"
    );
    assert_eq!(
        fs::metadata(bare.path("etc/passwd")).unwrap().mode() & 0o7777,
        0o644
    );
}

#[test]
fn a_file_that_is_a_trap_changes_nothing() {
    for trap in ["fifo", "directory"] {
        let tree = Tree::with(&["alice", "bob"]);
        let path = tree.path("etc/passwd");
        fs::rename(&path, tree.path("etc/passwd.real")).unwrap();
        match trap {
            "fifo" => nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap(),
            _ => fs::create_dir(&path).unwrap(),
        }
        let before = tree.state();
        for args in [
            &["restore"][..],
            &["user", "disable", "alice"],
            &["user", "add", "carol", "--no-password"],
            &["user", "remove", "--yes", "bob"],
        ] {
            let words = [
                "cannot read",
                "etc/passwd': it is not a regular file",
                "hint:",
            ];
            tree.run(args).ends(1).says(&words);
            unchanged(&before, &tree.state(), &args);
        }
    }
}

#[test]
fn a_last_line_without_its_newline() {
    let tree = Tree::new();
    tree.write("etc/passwd", b"root:x:0:0:root:/root:/bin/bash", 0o644);
    tree.add("alice", &hash('a'));
    assert!(
        tree.text("etc/passwd")
            .starts_with("root:x:0:0:root:/root:/bin/bash\nalice:x:10000:")
    );
}

#[test]
fn subordinate_ids_where_there_are_any() {
    let tree = Tree::new();
    tree.write("etc/subuid", b"node:100000:65536\n", 0o644);
    tree.add("alice", &hash('a'));
    assert_eq!(
        tree.line("etc/subuid", "alice").unwrap(),
        format!("alice:{}:65536", 100_000 + 9000 * 65_536)
    );
    assert!(!tree.path("etc/subgid").exists());
    tree.run(&["user", "remove", "--force", "alice"]).ends(0);
    assert_eq!(tree.text("etc/subuid"), "node:100000:65536\n");
}

#[test]
fn an_image_that_takes_a_persons_name_or_uid() {
    let old = Tree::with(&["alice", "bob", "carol"]);
    let tree = Tree::new();
    fs::rename(old.path(STORE), tree.path(STORE)).unwrap();
    let list = tree.text("usr/share/occ/image-accounts") + "user bob 998\nuser service 10002\n";
    tree.write("usr/share/occ/image-accounts", list.as_bytes(), 0o644);
    tree.edit(
        "etc/passwd",
        "\nnobody:",
        "\nbob:x:998:998::/:/bin/sh\nservice:x:10002:10002::/:/bin/sh\nnobody:",
    );
    tree.run(&["check"]).ends(1).says(&[
        "skipped 'bob'",
        "skipped 'carol'",
        "'service' in the image",
    ]);
    tree.restore().says(&["restored 1 account"]);
    assert_eq!(tree.field("etc/passwd", "bob", 2), "998");
    assert_eq!(tree.line("etc/passwd", "carol"), None);
    tree.run(&["--json", "user", "disable", "bob"])
        .fails_as(ErrorKind::Refused);
    let keys = tree.run(&["user", "keys", "carol"]).ends(0);
    assert_eq!(keys.out, "");
}

#[test]
fn a_snapshot_of_the_image_where_it_has_no_list() {
    let tree = Tree::new();
    fs::remove_file(tree.path("usr/share/occ/image-accounts")).unwrap();
    tree.run(&["--json", "user", "add", "node", "--no-password"])
        .fails_as(ErrorKind::Refused);
    tree.add("alice", &hash('a'));
    // People of later are not the image's.
    tree.plant("bob.json", &record("bob", 10_001, &json!({})));
    tree.restore().says(&["restored 2 accounts"]);
    let list = tree.text("var/lib/occ-init/image-accounts");
    assert!(
        list.contains("user node 1000") && !list.contains("alice"),
        "{list}"
    );
}

#[test]
fn what_pwck_and_grpck_say() {
    let tree = Tree::with(&["alice", "bob"]);
    // Lines that the checkers themselves don't know.
    tree.edit("etc/passwd", "# people come below\n", "");
    tree.edit("etc/passwd", "\n\nmalformed line without colons\n", "\n");
    tree.run(&["user", "disable", "bob"]).ends(0);
    for (checker, files) in [
        ("pwck", ["etc/passwd", "etc/shadow"]),
        ("grpck", ["etc/group", "etc/gshadow"]),
    ] {
        let mut command = std::process::Command::new(checker);
        command.arg("-r").args(files.map(|file| tree.path(file)));
        if checker == "pwck" {
            command.arg("-q");
        }
        let output = command
            .output()
            .unwrap_or_else(|error| panic!("{checker} is missing (package passwd): {error}"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        for name in ["alice", "bob"] {
            let about: Vec<&str> = said
                .lines()
                .filter(|line| line.contains(name) && !line.contains("directory"))
                .collect();
            assert!(about.is_empty(), "{checker}: {about:?}");
        }
    }
}

#[test]
fn without_bash_in_the_image_its_sh_is_the_shell_and_the_record_stays() {
    let tree = Tree::with(&["alice"]);
    let shell = || tree.field("etc/passwd", "alice", 6);
    assert_eq!(shell(), "/bin/bash", "an image without any shell");
    fs::create_dir(tree.path("bin")).unwrap();
    std::os::unix::fs::symlink("/bin/busybox-of-this-image", tree.path("bin/sh")).unwrap();
    tree.restore();
    assert_eq!(shell(), "/bin/sh");
    assert_eq!(tree.record("alice")["shell"], "/bin/bash");
    tree.write("bin/bash", b"", 0o755);
    tree.restore();
    assert_eq!(shell(), "/bin/bash");
}
