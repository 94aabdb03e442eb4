//! Account files that others left dirty, hold, change or protect, and a store
//! that changes while it is read.

use crate::live::{inside, mounted, with_racer};
use crate::tree::{FOUR, STORE, Tree, finish_child, hash, record, start, unchanged};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

#[test]
fn row_24_what_is_left_of_others() {
    let tree = Tree::new();
    tree.edit(
        "etc/shadow",
        "\nnobody:",
        &format!(
            "\nalice:{}:19000::::::\nalice:{}:1::::::\nnobody:",
            hash('o'),
            hash('p')
        ),
    );
    tree.edit("etc/gshadow", "\nnogroup:", "\nalice:!:root:root\nnogroup:");
    tree.add("bob", &hash('b'));
    tree.add("alice", &hash('a'));
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        hash('a'),
        "an orphan's hash is nobody's password"
    );
    assert_eq!(tree.line("etc/gshadow", "alice").unwrap(), "alice:!::");
    let line = tree.line("etc/passwd", "alice").unwrap();
    tree.edit("etc/passwd", &line, &format!("{line}\n{line}"));
    tree.restore();
    assert_eq!(tree.line("etc/passwd", "alice").unwrap(), line);
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
}

#[test]
fn row_25_stale_locks_of_a_killed_useradd() {
    let tree = with_racer();
    // The pids of the next boot's first processes: live, and not the holders.
    for (name, pid) in [
        ("passwd", "1"),
        ("shadow", "2"),
        ("group", "3"),
        ("gshadow", "7"),
    ] {
        tree.write(&format!("etc/{name}.lock"), pid.as_bytes(), 0o600);
    }
    tree.write("etc/passwd+", b"half", 0o644);
    tree.write("etc/.occ-shadow", b"half", 0o600);
    let ran = inside(&tree, r#""$OCC" --"#, "true").ends(0);
    assert!(ran.err.contains("restored 2 accounts"), "{}", ran.err);
    for name in ["passwd.lock", "gshadow.lock", "passwd+", ".occ-shadow"] {
        assert!(!tree.path("etc").join(name).exists(), "{name} is left");
    }
}

#[test]
fn row_26_a_store_that_changes_while_it_is_read() {
    let tree = Tree::with(&["alice", "bob"]);
    let whole = [hash('a'), hash('x')].map(|hash| {
        record(
            "alice",
            10_000,
            &json!({ "privileged": { "hashedPassword": [hash] } }),
        )
    });
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0.. {
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    break;
                }
                // By rename, as we write; and in place, as nobody should.
                let new = &whole[turn % 2];
                if turn % 3 == 0 {
                    tree.plant("alice.json", new);
                } else {
                    tree.plant(".new", new);
                    fs::rename(tree.store(".new"), tree.store("alice.json")).unwrap();
                }
            }
        });
        for _ in 0..60 {
            let ran = tree.run(&["restore", "--boot"]);
            assert_eq!(ran.code, 0, "{}", ran.err);
            let shadow = tree.field("etc/shadow", "alice", 1);
            assert!(
                shadow == hash('a') || shadow == hash('x'),
                "half a record was used"
            );
            assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    tree.plant("alice.json", &whole[0]);
    tree.restore().says(&["restored 2 accounts"]);
    tree.run(&["check"]).ends(0);
}

#[test]
fn row_27_two_containers_on_one_volume() {
    let trees = [Tree::with(&["alice", "bob"]), Tree::new()];
    let store = trees[0].path(STORE);
    let store = store.to_str().unwrap();
    let add = |tree: &Tree, name: &str| {
        let args = [
            "--store",
            store,
            "user",
            "add",
            name,
            "--password-hash-stdin",
        ];
        start(&mut tree.command(&args))
    };
    let names: Vec<String> = (0..16).map(|index| format!("user_{index:02}")).collect();
    let children: Vec<_> = names
        .iter()
        .zip(trees.iter().cycle())
        .map(|(name, tree)| add(tree, name))
        .collect();
    for child in children {
        finish_child(child, hash('u').as_bytes(), "user add".into()).ends(0);
    }
    for tree in &trees {
        tree.run(&["--store", store, "restore"])
            .ends(0)
            .says(&["restored 18 accounts"]);
        let uids = names.iter().map(|name| tree.field("etc/passwd", name, 2));
        assert_eq!(uids.collect::<BTreeSet<_>>().len(), names.len());
        assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
        tree.run(&["--store", store, "check"]).ends(0);
    }
    let uid = |tree: &Tree, name| tree.field("etc/passwd", name, 2);
    assert!(
        names
            .iter()
            .all(|name| uid(&trees[0], name) == uid(&trees[1], name))
    );
}

#[test]
fn row_28_files_that_are_mount_points() {
    let tree = Tree::with(&["alice", "bob"]);
    let inode = |file: &str| std::fs::metadata(tree.path(file)).unwrap().ino();
    let before: Vec<u64> = FOUR.iter().map(|file| inode(file)).collect();
    let script = r#"
        for file in passwd shadow group gshadow; do bind "etc/$file"; done
        occ user add carol --no-password && occ user disable alice && occ user remove --yes bob && occ check
    "#;
    mounted(&tree, script).ends(0).says(&["nothing to look at"]);
    let after: Vec<u64> = FOUR.iter().map(|file| inode(file)).collect();
    assert_eq!(before, after, "in place");
    assert!(tree.line("etc/passwd", "carol").is_some() && tree.line("etc/passwd", "bob").is_none());
    assert!(tree.text("etc/passwd").ends_with("+::::::\n"));
    assert!(!tree.path("etc/.occ-passwd").exists());
    let backup = std::fs::metadata(tree.path("etc/shadow-")).unwrap();
    assert_eq!(backup.mode() & 0o777, 0o600);
}

#[test]
fn row_28_etc_that_is_read_only_or_full() {
    let read_only = r#"bind etc; mount -o remount,ro,bind "$TREE/etc""#;
    let full = r#"mkdir "$TREE/old"; mount --move "$TREE/etc" "$TREE/old" 2>/dev/null; cp -a "$TREE/etc/." "$TREE/old";
        mount -t tmpfs -o size=64k,mode=755 tmpfs "$TREE/etc" || exit 98; cp -a "$TREE/old/." "$TREE/etc"; cat /dev/zero > "$TREE/etc/filler" 2>/dev/null"#;
    // On a disk: tmpfs knows no such attribute before Linux 6.6.
    let immutable = r#"disk=$(mktemp -d -p /var/tmp); cp -a "$TREE/etc/." "$disk"; mount --bind "$disk" "$TREE/etc" || exit 98;
        trap "chattr -i $disk; umount $TREE/etc; rm -rf $disk" EXIT; chmod 755 "$disk"; chattr +i "$disk" || exit 98"#;
    for (spoil, word) in [
        (read_only, "read-only file system"),
        (full, "no space left on device"),
        (immutable, "operation not permitted"),
    ] {
        let tree = Tree::with(&["alice", "bob"]);
        let run = |command: &str| mounted(&tree, &format!("{spoil}\n{command}"));
        run("occ user disable alice")
            .ends(1)
            .says(&["recorded and takes effect at the next restore", word]);
        assert_eq!(tree.record("alice")["locked"], true, "{word}");
        tree.restore();
        assert_eq!(tree.field("etc/shadow", "alice", 7), "1", "{word}");
        run("occ user passwd bob --generate")
            .ends(1)
            .says(&["recorded", word]);
        run("occ restore --boot").ends(1).says(&[word]);
        tree.restore();
        tree.run(&["check"]).ends(0);
        std::fs::remove_dir_all(tree.path("old")).ok();
    }
}

#[test]
fn row_28_a_link_stays_and_its_target_is_replaced() {
    for to in [
        "../usr/lib/accounts/passwd",
        "/usr/lib/accounts/passwd",
        "hop",
    ] {
        let tree = Tree::with(&["alice"]);
        fs::create_dir_all(tree.path("usr/lib/accounts")).unwrap();
        symlink("/usr/lib/accounts/passwd", tree.path("etc/hop")).unwrap();
        let target = tree.path("usr/lib/accounts/passwd");
        fs::rename(tree.path("etc/passwd"), &target).unwrap();
        fs::write(tree.path("usr/lib/accounts/.occ-passwd"), "killed").unwrap();
        symlink(to, tree.path("etc/passwd")).unwrap();
        let inode = fs::metadata(&target).unwrap().ino();
        tree.add("bob", &hash('b'));
        let text = String::from_utf8_lossy(&fs::read(&target).unwrap()).into_owned();
        for name in ["root", "alice", "bob"] {
            assert!(
                text.contains(&format!("\n{name}:")) || text.starts_with(name),
                "{to}"
            );
        }
        assert_eq!(
            fs::read_link(tree.path("etc/passwd")).unwrap().to_str(),
            Some(to)
        );
        assert_ne!(fs::metadata(&target).unwrap().ino(), inode, "renamed over");
        assert!(!tree.path("usr/lib/accounts/.occ-passwd").exists());
        let before = tree.state();
        tree.restore();
        unchanged(&before, &tree.state(), &to);
    }
}

#[test]
fn row_28_a_link_that_is_a_trap() {
    let give =
        |path: std::path::PathBuf| std::os::unix::fs::chown(path, Some(10_000), None).unwrap();
    let open = |path: std::path::PathBuf| {
        fs::set_permissions(path, fs::Permissions::from_mode(0o1777)).unwrap();
    };
    for (to, trap) in [
        ("../home/alice/passwd", "others can write to a directory"),
        ("../tmp/passwd", "others can write to a directory"),
        ("../srv/passwd", "does not belong to root"),
        ("../srv/fifo", "not a regular file"),
        ("../srv", "not a regular file"),
        ("../srv/nothing", "nothing is there"),
        ("passwd", "too many links"),
        ("../../../../../../etc/passwd", "too many links"),
        ("../srv/../srv/passwd", "'..' after a name"),
    ] {
        let tree = Tree::with(&["alice", "bob"]);
        for directory in ["tmp", "srv"] {
            fs::create_dir(tree.path(directory)).unwrap();
        }
        open(tree.path("tmp"));
        for place in ["home/alice", "tmp", "srv"] {
            fs::copy(tree.path("etc/passwd"), tree.path(place).join("passwd")).unwrap();
        }
        give(tree.path("srv/passwd"));
        nix::unistd::mkfifo(&tree.path("srv/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::remove_file(tree.path("etc/passwd")).unwrap();
        symlink(to, tree.path("etc/passwd")).unwrap();
        let before = tree.state();
        for args in [
            &["restore"][..],
            &["user", "disable", "alice"],
            &["user", "add", "carol", "--no-password"],
        ] {
            tree.run(args)
                .ends(1)
                .says(&["etc/passwd', a link to", trap]);
            unchanged(&before, &tree.state(), &args);
        }
    }
}
