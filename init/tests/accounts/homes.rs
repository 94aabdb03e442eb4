//! Homes: made once and whole, never touched again, deleted only when asked
//! and only their owner's own.

use crate::tree::{Tree, finish, hash, record, unchanged};
use accounts::wire::ErrorKind;
use nix::sys::stat::Mode;
use serde_json::json;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;

fn owner_and_mode(path: &Path) -> (u32, u32, u32) {
    let meta = fs::symlink_metadata(path).unwrap();
    (meta.uid(), meta.gid(), meta.mode() & 0o7777)
}

#[test]
fn a_home_from_the_skeleton() {
    let tree = Tree::new();
    fs::create_dir_all(tree.path("etc/skel/.config/deep/er")).unwrap();
    tree.write("etc/skel/.config/deep/er/rc", b"rc\n", 0o640);
    tree.write("etc/skel/run", b"#!/bin/sh\n", 0o4777);
    symlink("/etc/shadow", tree.path("etc/skel/link")).unwrap();
    symlink("loop", tree.path("etc/skel/loop")).unwrap();
    nix::unistd::mkfifo(&tree.path("etc/skel/fifo"), Mode::S_IRWXU).unwrap();
    fs::write(
        tree.path("etc/skel")
            .join(std::ffi::OsStr::from_bytes(b"odd\xff\nname")),
        "x",
    )
    .unwrap();
    tree.add("alice", &hash('a'));
    let home = tree.path("home/alice");
    assert_eq!(owner_and_mode(&home), (10_000, 10_000, 0o700));
    assert_eq!(
        owner_and_mode(&home.join(".bashrc")),
        (10_000, 10_000, 0o644)
    );
    assert_eq!(
        owner_and_mode(&home.join(".config/deep/er")),
        (10_000, 10_000, 0o755)
    );
    assert_eq!(
        owner_and_mode(&home.join(".config/deep/er/rc")),
        (10_000, 10_000, 0o640)
    );
    assert_eq!(
        owner_and_mode(&home.join("run")),
        (10_000, 10_000, 0o755),
        "no setuid, not writable for all"
    );
    assert_eq!(
        fs::read_link(home.join("link")).unwrap(),
        Path::new("/etc/shadow"),
        "a link stays a link"
    );
    assert_eq!(
        fs::symlink_metadata(home.join("link")).unwrap().uid(),
        10_000
    );
    assert!(home.join("loop").is_symlink());
    assert!(!home.join("fifo").exists());
    assert_eq!(
        fs::read(home.join(std::ffi::OsStr::from_bytes(b"odd\xff\nname"))).unwrap(),
        b"x"
    );
    assert_eq!(
        fs::read(tree.path("etc/skel/.bashrc")).unwrap(),
        b"# bash\n"
    );
    assert_eq!(
        owner_and_mode(&tree.path("etc/skel/.bashrc")).0,
        0,
        "the skeleton itself stays root's"
    );
}

#[test]
fn modes_are_the_skeletons_whatever_the_umask() {
    let tree = Tree::new();
    tree.write("etc/skel/.profile", b"# all may read it\n", 0o644);
    tree.write("etc/skel/run", b"#!/bin/sh\n", 0o755);
    let mut shell = std::process::Command::new("sh");
    let add = tree.command(&["user", "add", "alice", "--no-password"]);
    let script = "umask 077; exec \"$@\"";
    shell
        .args(["-c", script, "sh"])
        .arg(add.get_program())
        .args(add.get_args());
    finish(shell, b"").ends(0);
    for (file, mode) in [("", 0o700), (".profile", 0o644), ("run", 0o755)] {
        let path = tree.path("home/alice").join(file);
        assert_eq!(owner_and_mode(&path), (10_000, 10_000, mode), "{file}");
    }
}

#[test]
fn a_present_home_is_never_touched() {
    for (owner, mode, said) in [
        (4321, 0o700, "belongs to uid 4321, not 10000"),
        (0, 0o700, "belongs to uid 0"),
        (10_000, 0o755, "mode 755"),
        (10_000, 0o700, ""),
    ] {
        let tree = Tree::new();
        let home = tree.path("home/alice");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("diary"), "mine").unwrap();
        chown(&home, Some(owner), None).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(mode)).unwrap();
        let before = fs::symlink_metadata(&home).unwrap();
        let args = [
            "user",
            "add",
            "alice",
            "--uid=10000",
            "--no-password",
            "--force",
        ];
        tree.run(&args)
            .ends(0)
            .says(&["User 'alice' created", said]);
        tree.restore().says(&[said]);
        let after = fs::symlink_metadata(&home).unwrap();
        assert_eq!(
            (before.uid(), before.mode(), before.ino()),
            (after.uid(), after.mode(), after.ino())
        );
        assert!(
            !home.join(".bashrc").exists(),
            "root writes nothing into it"
        );
    }
}

#[test]
fn what_is_no_directory_is_not_followed() {
    let tree = Tree::new();
    fs::create_dir(tree.path("elsewhere")).unwrap();
    symlink("../elsewhere", tree.path("home/alice")).unwrap();
    symlink("nowhere", tree.path("home/bob")).unwrap();
    tree.write("home/carol", b"a file", 0o644);
    let home = |name: &str| format!("'/home/{name}' is not a directory");
    for name in ["alice", "bob", "carol"] {
        tree.run(&["user", "add", name, "--no-password"])
            .ends(0)
            .says(&[&home(name)]);
    }
    assert_eq!(fs::read_dir(tree.path("elsewhere")).unwrap().count(), 0);
    tree.run(&["user", "remove", "--yes", "--purge-home", "alice"])
        .ends(5);
    assert!(tree.path("elsewhere").is_dir());
}

#[test]
fn homes_are_elsewhere_where_the_image_says_so() {
    let tree = Tree::with(&["alice"]);
    let (bob, allow) = (
        json!({ "homeDirectory": "/srv/people/bob" }),
        "etc/occ/homes.allow",
    );
    tree.plant("bob.json", &record("bob", 20_000, &bob));
    fs::create_dir_all(tree.path("srv/people/carol")).unwrap();
    chown(tree.path("srv/people/carol"), Some(20_005), Some(20_005)).unwrap();
    // Whoever can write the list could move homes: it then counts for nothing.
    for (list, mode) in [("", 0o644), ("/srv\n", 0o644), ("/srv/people\n", 0o666)] {
        tree.write(allow, list.as_bytes(), mode);
        tree.restore().says(&["skipped 'bob': invalid home"]);
    }
    let line = "name,home\ndave,/srv/people/dave\n";
    tree.feed(&["user", "import"], line)
        .ends(1)
        .says(&["nor in a directory that /etc/occ/homes.allow names"]);
    tree.write(allow, b"# people's disk\n/srv/people\n", 0o644);
    tree.restore().says(&["restored 2 accounts (1 new"]);
    assert_eq!(tree.field("etc/passwd", "bob", 5), "/srv/people/bob");
    let home = fs::metadata(tree.path("srv/people/bob")).unwrap();
    assert_eq!((home.uid(), home.mode() & 0o7777), (20_000, 0o700));
    assert!(tree.path("srv/people/bob/.bashrc").exists());
    tree.run(&["check"]).ends(0);
    // New numbers are above those of homes there, too.
    tree.feed(&["user", "import"], line).ends(0);
    assert_eq!(tree.field("etc/passwd", "dave", 2), "20006");
    let purge = ["user", "remove", "--yes", "--purge-home", "bob"];
    tree.run(&purge).ends(0);
    assert!(!tree.path("srv/people/bob").exists() && tree.path("srv/people/dave").exists());
}

/// As storage of Kubernetes comes: open to all, or by `fsGroup` to a group.
#[test]
fn a_volume_of_homes_that_is_open_to_others_is_closed() {
    for (mode, closed) in [(0o777, 0o755), (0o1777, 0o1755), (0o2775, 0o2755)] {
        let tree = Tree::new();
        tree.plant("alice.json", &record("alice", 10_000, &json!({})));
        let homes = tree.path("home");
        chown(&homes, Some(0), Some(2000)).unwrap();
        fs::set_permissions(&homes, fs::Permissions::from_mode(mode)).unwrap();
        // A boot that has nothing to restore may leave it to this.
        tree.run(&["user", "add", "bob", "--no-password"])
            .ends(0)
            .says(&[&format!("had mode {mode:o}; it is {closed:o} now")]);
        assert_eq!(fs::metadata(&homes).unwrap().mode() & 0o7777, closed);
        for (name, uid) in [("alice", 10_000), ("bob", 10_001)] {
            let home = fs::metadata(homes.join(name)).unwrap();
            let seen = (home.uid(), home.gid(), home.mode() & 0o7777);
            assert_eq!(seen, (uid, uid, 0o700));
        }
        let again = tree.run(&["restore", "--boot"]).ends(0);
        assert!(!again.err.contains("had mode"), "{}", again.err);
    }
}

#[test]
fn a_base_that_is_not_roots_alone_gets_no_homes() {
    let spoil: [fn(&Tree); 2] = [
        |tree| {
            fs::remove_dir(tree.path("home")).unwrap();
            fs::create_dir(tree.path("elsewhere")).unwrap();
            symlink("elsewhere", tree.path("home")).unwrap();
        },
        |tree| chown(tree.path("home"), Some(10_000), None).unwrap(),
    ];
    for spoil in spoil {
        let tree = Tree::new();
        tree.plant("alice.json", &record("alice", 10_000, &json!({})));
        spoil(&tree);
        tree.run(&["restore", "--boot"])
            .ends(0)
            .says(&["no homes are made", "restored 1 account"]);
        assert_eq!(
            tree.field("etc/shadow", "alice", 1),
            hash('r'),
            "she can log in all the same"
        );
        assert_eq!(fs::read_dir(tree.path("home")).unwrap().count(), 0);
        let before = tree.state();
        let args = ["user", "add", "bob", "--no-password"];
        tree.run(&args).ends(1).says(&["home"]);
        unchanged(&before, &tree.state(), &args);
        tree.run(&["user", "disable", "alice"]).ends(0);
    }
}

#[test]
fn purge_deletes_what_the_person_had() {
    let tree = Tree::with(&["alice", "bob"]);
    let home = tree.path("home/bob");
    fs::create_dir(tree.path("outside")).unwrap();
    tree.write("outside/keep", b"kept", 0o644);
    symlink(tree.path("outside"), home.join("link")).unwrap();
    symlink(tree.path("outside/keep"), home.join("filelink")).unwrap();
    fs::hard_link(tree.path("outside/keep"), home.join("hard")).unwrap();
    nix::unistd::mkfifo(&home.join("fifo"), Mode::S_IRWXU).unwrap();
    drop(std::os::unix::net::UnixListener::bind(home.join("socket")).unwrap());
    for name in [&b"new\nline"[..], b"\xff\xfe", b"-rf", b" ", b"*", b"..."] {
        fs::create_dir(home.join(std::ffi::OsStr::from_bytes(name))).unwrap();
        fs::write(home.join(std::ffi::OsStr::from_bytes(name)).join("x"), "").unwrap();
    }
    fs::create_dir(home.join("closed")).unwrap();
    fs::write(home.join("closed/x"), "").unwrap();
    fs::set_permissions(home.join("closed"), fs::Permissions::from_mode(0o0)).unwrap();
    tree.run(&["user", "remove", "--yes", "--purge-home", "bob"])
        .ends(0)
        .prints("User 'bob' removed.\n");
    assert_eq!(tree.read("outside/keep"), b"kept");
    let left: Vec<_> = fs::read_dir(tree.path("home"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["alice"]);
}

#[test]
fn purge_of_a_tree_as_deep_as_a_person_can_make_it() {
    let tree = Tree::with(&["alice", "bob"]);
    let mut directory = nix::fcntl::open(
        &tree.path("home/bob"),
        nix::fcntl::OFlag::O_DIRECTORY,
        Mode::empty(),
    )
    .unwrap();
    for _ in 0..3000 {
        nix::sys::stat::mkdirat(&directory, "d", Mode::S_IRWXU).unwrap();
        directory = nix::fcntl::openat(
            &directory,
            "d",
            nix::fcntl::OFlag::O_DIRECTORY,
            Mode::empty(),
        )
        .unwrap();
    }
    drop(directory);
    tree.run(&["user", "remove", "--yes", "--purge-home", "bob"])
        .ends(0);
    assert_eq!(fs::read_dir(tree.path("home")).unwrap().count(), 1);
}

#[test]
fn purge_of_somebody_elses_home_is_refused_before_anything_changes() {
    let tree = Tree::with(&["alice", "bob", "carol"]);
    chown(tree.path("home/bob"), Some(4321), None).unwrap();
    let before = tree.state();
    for names in [&["bob"][..], &["alice", "bob"]] {
        let args = [
            &["--json", "user", "remove", "--yes", "--purge-home"][..],
            names,
        ]
        .concat();
        let reply = tree.run(&args).fails_as(ErrorKind::Refused);
        assert!(
            reply.error.message.contains("belongs to uid 4321"),
            "{}",
            reply.error.message
        );
        unchanged(&before, &tree.state(), &args);
    }
    fs::remove_dir_all(tree.path("home/carol")).unwrap();
    tree.run(&["user", "remove", "--yes", "--purge-home", "carol"])
        .ends(0);
}

#[test]
fn a_skeleton_too_deep_keeps_nobody_out() {
    let tree = Tree::new();
    fs::create_dir_all(tree.path("etc/skel").join("d/".repeat(100))).unwrap();
    tree.run(&["user", "add", "alice", "--no-password"])
        .ends(0)
        .says(&["cannot make", "home/alice"]);
    assert!(tree.line("etc/passwd", "alice").is_some());
    let left: Vec<_> = fs::read_dir(tree.path("home"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "half a home is left: {left:?}");
}
