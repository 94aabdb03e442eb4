//! A hostile or half-broken volume: each bad file is left out with a reason,
//! stays byte for byte, and never keeps the others out.

use crate::tree::{MARK, STORE, Tree, hash, record, unchanged};
use accounts::wire::ErrorKind;
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::time::{Duration, Instant};

/// Restores a fresh container: a new layer, the same volume.
fn recreate(tree: &Tree) -> Tree {
    let fresh = Tree::new();
    fs::remove_dir_all(fresh.path(STORE)).ok();
    fs::create_dir_all(fresh.path("var/lib")).unwrap();
    fs::rename(tree.path(STORE), fresh.path(STORE)).unwrap();
    fresh
}

/// The part of the state that is the store.
fn store_state(tree: &Tree) -> String {
    let whole = tree.state();
    let lines = whole.lines().filter(|line| line.starts_with(STORE));
    lines.collect::<Vec<_>>().join("\n")
}

/// With `plant` done to a store that holds alice and bob, both are restored in a
/// fresh container; the reason holds `words`; the store stays as it is.
#[track_caller]
fn skipped(words: &[&str], plant: impl Fn(&Tree)) -> Tree {
    let old = Tree::with(&["alice", "bob"]);
    plant(&old);
    let tree = recreate(&old);
    let before = store_state(&tree);
    let started = Instant::now();
    for args in [&["restore", "--boot"][..], &["restore"]] {
        let ran = tree.run(args).ends(0).says(words);
        assert!(!ran.err.contains(MARK));
    }
    tree.run(&["check"]).ends(1).says(words);
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "a record holds the boot up"
    );
    unchanged(&before, &store_state(&tree), &"the store");
    for (name, letter) in [("alice", 'a'), ("bob", 'b')] {
        assert_eq!(
            tree.field("etc/shadow", name, 1),
            hash(letter),
            "{name} is kept out"
        );
        assert!(tree.line("etc/passwd", name).is_some() && tree.line("etc/group", name).is_some());
    }
    tree
}

/// The same for a file `mallory.json` with this content.
#[track_caller]
fn skipped_content(content: &[u8], words: &[&str]) {
    let words = [&["skipped 'mallory.json'"][..], words].concat();
    let tree = skipped(&words, |tree| tree.plant("mallory.json", content));
    assert_eq!(tree.line("etc/passwd", "mallory"), None);
    // A record that can't be read is never taken for a free name.
    tree.run(&["--json", "user", "add", "mallory", "--no-password"])
        .fails_as(ErrorKind::Failed);
    tree.run(&["--json", "user", "show", "mallory"])
        .fails_as(ErrorKind::Failed);
}

#[test]
fn what_is_no_file() {
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
fn files_with_a_second_name_or_a_foreign_owner() {
    let plain = record("mallory", 20_000, &json!({}));
    skipped(&["skipped 'mallory.json': it has 2 links"], |tree| {
        tree.plant("mallory.json", &plain);
        fs::hard_link(tree.store("mallory.json"), tree.store("x")).unwrap();
    });
    skipped(
        &["skipped 'mallory.json': it does not belong to root"],
        |tree| {
            tree.plant("mallory.json", &plain);
            chown(tree.store("mallory.json"), Some(10_000), None).unwrap();
        },
    );
}

#[test]
fn loosened_modes_are_tightened() {
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
    tree.restore()
        .says(&["it is 700 now", "it is 600 now", "restored 2 accounts"]);
    let mode = |path: &str| fs::metadata(tree.store(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("alice.json"), mode("bob.json")),
        (0o700, 0o600, 0o600)
    );
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

#[test]
fn a_store_of_somebody_else_is_not_trusted() {
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
fn sizes_and_depths() {
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
fn what_is_no_json_of_ours() {
    let text = |text: &str| text.as_bytes().to_vec();
    let whole = record("mallory", 20_000, &json!({}));
    let twice = String::from_utf8(whole.clone())
        .unwrap()
        .replacen('{', "{\"uid\":20001,", 1);
    let twice_within = String::from_utf8(whole.clone()).unwrap().replace(
        "\"hashedPassword\"",
        "\"hashedPassword\":[],\"hashedPassword\"",
    );
    for (content, word) in [
        (text("{"), "not valid JSON"),
        (text(MARK), "not valid JSON"),
        (text(&format!("{{\"userName\":\"{MARK}")), "not valid JSON"),
        (whole[..whole.len() / 2].to_vec(), "not valid JSON"),
        ([b"\xef\xbb\xbf", &whole[..]].concat(), "not valid JSON"),
        ([&whole[..], b"\0"].concat(), "not valid JSON"),
        ([&whole[..], &whole[..]].concat(), "not valid JSON"),
        (b"\0".repeat(300), "not valid JSON"),
        (
            b"{\"userName\":\"mallory\",\"uid\":20000,\"realName\":\"\xff\"}".to_vec(),
            "not valid JSON",
        ),
        (text(&twice), "twice"),
        (text(&twice_within), "twice"),
        (text("[]"), "not a JSON object"),
        (text("\"mallory\""), "not a JSON object"),
        (text("{}"), "'userName' is missing"),
        (text("{\"userName\":\"mallory\"}"), "'uid' is missing"),
    ] {
        skipped_content(&content, &[word]);
    }
}

#[test]
fn fields_that_break_a_rule() {
    let bad = |more: Value| record("mallory", 20_000, &more);
    let evil = "x:0:0::/:/bin/sh\nroot2::0:0::/root";
    let cases = [
        (bad(json!({ "uid": 0, "gid": 0 })), "invalid uid 0"),
        (bad(json!({ "uid": 999, "gid": 999 })), "invalid uid 999"),
        (
            bad(json!({ "uid": 65534, "gid": 65534 })),
            "invalid uid 65534",
        ),
        (
            bad(json!({ "uid": 65535, "gid": 65535 })),
            "invalid uid 65535",
        ),
        (
            bad(json!({ "uid": 60000, "gid": 60000 })),
            "invalid uid 60000",
        ),
        (
            bad(json!({ "uid": 4_294_967_295_u64, "gid": null })),
            "invalid uid 4294967295",
        ),
        (
            bad(json!({ "uid": 4_294_967_296_u64, "gid": null })),
            "invalid uid 4294967296",
        ),
        (
            bad(json!({ "uid": 4_294_977_296_u64, "gid": null })),
            "invalid uid 4294977296",
        ),
        (bad(json!({ "uid": -1 })), "'uid' must be a whole number"),
        (bad(json!({ "uid": 1e4 })), "'uid' must be a whole number"),
        (
            bad(json!({ "uid": "20000" })),
            "'uid' must be a whole number",
        ),
        (bad(json!({ "uid": "" })), "'uid' must be a whole number"),
        (bad(json!({ "uid": true })), "'uid' must be a whole number"),
        (bad(json!({ "uid": null })), "'uid' is missing"),
        (bad(json!({ "gid": 0 })), "gid 0 is not the uid"),
        (bad(json!({ "gid": 27 })), "gid 27 is not the uid"),
        (
            bad(json!({ "disposition": "system" })),
            "disposition is not 'regular'",
        ),
        (bad(json!({ "occ": { "schema": 2 } })), "schema 2 is newer"),
        (bad(json!({ "occ": 7 })), "'occ' must be an object"),
        (bad(json!({ "realName": evil })), "invalid comment"),
        (
            bad(json!({ "realName": format!("{MARK}:") })),
            "invalid comment",
        ),
        (
            bad(json!({ "realName": "\u{202e}toor" })),
            "invalid comment",
        ),
        (
            bad(json!({ "realName": "x".repeat(257) })),
            "invalid comment",
        ),
        (
            bad(json!({ "shell": "/bin/sh\nroot2::0:0::/:" })),
            "invalid shell",
        ),
        (bad(json!({ "shell": "sh" })), "invalid shell"),
        (bad(json!({ "shell": 7 })), "'shell' must be a string"),
        (bad(json!({ "homeDirectory": "/" })), "invalid home"),
        (bad(json!({ "homeDirectory": "/root" })), "invalid home"),
        (bad(json!({ "homeDirectory": "/etc" })), "invalid home"),
        (
            bad(json!({ "homeDirectory": "/home/../etc" })),
            "invalid home",
        ),
        (bad(json!({ "homeDirectory": "/home/a/b" })), "invalid home"),
        (bad(json!({ "homeDirectory": "/home/a:b" })), "invalid home"),
        (
            bad(json!({ "homeDirectory": "/home/a\nb" })),
            "invalid home",
        ),
        (
            bad(json!({ "memberOf": "sudo" })),
            "'memberOf' must be a list",
        ),
        (
            bad(json!({ "locked": "no" })),
            "'locked' must be true or false",
        ),
        (
            bad(json!({ "privileged": [] })),
            "'privileged' must be an object",
        ),
        (
            bad(json!({ "privileged": { "hashedPassword": MARK } })),
            "must be a list",
        ),
        (bad(json!({ "userName": 7 })), "'userName' must be a string"),
        (
            bad(json!({ "userName": MARK })),
            "the name in it is not that of the file",
        ),
        (
            bad(json!({ "userName": "MALLORY" })),
            "the name in it is not that of the file",
        ),
        (bad(json!({ "userName": "../mallory" })), "no login name"),
        (bad(json!({ "userName": "mallory:x:0:0" })), "no login name"),
        (bad(json!({ "userName": "" })), "no login name"),
    ];
    for (content, word) in &cases {
        skipped_content(content, &[word]);
    }
}

#[test]
fn a_newer_schema_is_never_rewritten() {
    let content = record("mallory", 20_000, &json!({ "occ": { "schema": 9 } }));
    let tree = Tree::with(&["alice"]);
    tree.plant("mallory.json", &content);
    for verb in [
        &["passwd", "mallory", "--generate"][..],
        &["disable", "mallory"],
        &["remove", "--force", "mallory"],
    ] {
        tree.run(&[&["user"][..], verb].concat())
            .ends(1)
            .says(&["schema 9 is newer"]);
    }
    assert_eq!(fs::read(tree.store("mallory.json")).unwrap(), content);
}

#[test]
fn names_that_are_the_systems() {
    for name in [
        "root",
        "sudo",
        "wheel",
        "admin",
        "occ-init",
        "systemd-network",
        "daemon",
        "DAEMON",
        "staff",
        "shadow",
        "audio",
        "operators",
    ] {
        let words = [&format!("skipped '{name}'")[..]];
        let tree = skipped(&words, |tree| {
            tree.plant(&format!("{name}.json"), &record(name, 20_000, &json!({ "privileged": { "sshAuthorizedKeys": ["ssh-rsa EVIL"], "hashedPassword": [hash('e')] } })));
        });
        assert!(!tree.text("etc/shadow").contains(&hash('e')));
        let keys = tree.run(&["user", "keys", name]);
        assert!(
            !keys.out.contains("EVIL"),
            "the volume gives '{name}' a key"
        );
        for verb in [
            &["passwd", name, "--generate"][..],
            &["disable", name],
            &["enable", name],
            &["remove", "--force", name],
        ] {
            tree.run(&[&["user"][..], verb].concat()).ends(5);
        }
    }
}

#[test]
fn file_names_that_are_no_names() {
    use std::os::unix::ffi::OsStrExt;
    for (file, shown) in [
        (&b"a b.json"[..], "a b.json"),
        (b"-rf.json", "-rf.json"),
        (b".json.json", ""),
        (b"x\ny.json", "x\\ny.json"),
        (b"x\x1b[2Jy.json", "x\\u{1b}[2Jy.json"),
        (b"x\xe2\x80\xae.json", "x\\u{202e}.json"),
        (b"x\xff.json", "x\u{fffd}.json"),
        (b"1234.json", "1234.json"),
        (b"mallory.json.json", "mallory.json.json"),
    ] {
        let words = if shown.is_empty() {
            Vec::new()
        } else {
            vec![format!("skipped '{shown}'")]
        };
        let old = Tree::with(&["alice"]);
        fs::write(
            old.store("").join(std::ffi::OsStr::from_bytes(file)),
            record("mallory", 20_000, &json!({})),
        )
        .unwrap();
        let tree = recreate(&old);
        let ran = tree
            .restore()
            .says(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ran.out.starts_with("restored 1 accounts"), "{}", ran.out);
        assert_eq!(
            ran.out.lines().count(),
            1 + words.len(),
            "a file name forges a line: {}",
            ran.out
        );
        assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'));
    }
}

#[test]
fn two_records_with_one_uid() {
    let words = ["skipped 'mallory': uid 10000 was given to 'alice'"];
    let older = json!({ "occ": { "schema": 1, "created": 0 } });
    let tree = skipped(&words, |tree| {
        tree.plant("mallory.json", &record("mallory", 10_000, &older));
    });
    assert_eq!(tree.field("etc/passwd", "alice", 2), "10000");
    // Getting rid of the intruder leaves the owner of the uid alone.
    fs::write(tree.path("home/alice/diary"), "mine").unwrap();
    tree.run(&["user", "remove", "--yes", "mallory"]).ends(0);
    tree.run(&["check"]).ends(0);
    assert_eq!(tree.field("etc/passwd", "alice", 2), "10000");
    let fresh = recreate(&tree);
    fresh.restore().says(&["restored 2 accounts"]);
    assert_eq!(fresh.field("etc/passwd", "alice", 2), "10000");
}

#[test]
fn a_removed_persons_uid_planted_again() {
    let words = ["skipped 'mallory': uid 10002 was given to 'carol'"];
    let tree = skipped(&words, |tree| {
        tree.add("carol", &hash('c'));
        tree.run(&["user", "remove", "--yes", "carol"]).ends(0);
        tree.plant("mallory.json", &record("mallory", 10_002, &json!({})));
    });
    tree.run(&["user", "remove", "--yes", "mallory"]).ends(0);
    // Her tombstone is still hers.
    tree.run(&["user", "add", "carol", "--restore", "--no-password"])
        .ends(0);
    assert_eq!(tree.field("etc/passwd", "carol", 2), "10002");
}

#[test]
fn somebody_elses_home_is_not_purged_with_an_intruder() {
    let tree = Tree::with(&["alice", "bob"]);
    fs::write(tree.path("home/alice/diary"), "mine").unwrap();
    for (name, uid) in [("mallory", 10_000), ("trudy", 20_001)] {
        tree.plant(
            &format!("{name}.json"),
            &record(name, uid, &json!({ "homeDirectory": "/home/alice" })),
        );
        tree.run(&["user", "remove", "--yes", "--purge-home", name]);
        assert_eq!(tree.read("home/alice/diary"), b"mine");
    }
}

#[test]
fn case_twins_and_the_uid_of_an_image_user() {
    skipped(&["differs from 'alice' in case only"], |tree| {
        tree.plant(
            "Alice.json",
            &record(
                "Alice",
                20_000,
                &json!({ "occ": { "created": 1_900_000_000_000_000_u64 } }),
            ),
        );
    });
    skipped(
        &["skipped 'mallory': uid 1000 is 'node' in the image"],
        |tree| {
            tree.plant("mallory.json", &record("mallory", 1000, &json!({})));
        },
    );
    skipped(
        &["skipped 'mallory': home '/home/alice' belongs to 'alice'"],
        |tree| {
            let more = json!({ "homeDirectory": "/home/alice", "occ": { "created": 1_900_000_000_000_000_u64 } });
            tree.plant("mallory.json", &record("mallory", 20_000, &more));
        },
    );
}

#[test]
fn hashes_that_the_gate_stops() {
    let bomb = format!("$6$rounds=999999999$salt${}", "x".repeat(86));
    for (hash, word) in [
        (bomb.as_str(), "too costly"),
        ("", "empty"),
        ("*", "characters"),
        ("x:0:0", "characters"),
        ("$6$a$b\nroot2::", "characters"),
        (MARK, "no known scheme"),
    ] {
        let content = record(
            "mallory",
            20_000,
            &json!({ "privileged": { "hashedPassword": [hash] } }),
        );
        let words = ["'mallory' has no password until it is set again", word];
        let tree = skipped(&words, |tree| tree.plant("mallory.json", &content));
        assert_eq!(
            tree.field("etc/shadow", "mallory", 1),
            "*",
            "restored, and shut"
        );
        // An unrelated change keeps what it can't read.
        tree.run(&["user", "disable", "mallory"]).ends(0);
        assert_eq!(
            tree.record("mallory")["privileged"]["hashedPassword"],
            json!([hash])
        );
        tree.feed(
            &["user", "passwd", "mallory", "--password-hash-stdin"],
            crate::tree::hash('n'),
        )
        .ends(0);
        assert_eq!(
            tree.field("etc/shadow", "mallory", 1),
            format!("!{}", crate::tree::hash('n'))
        );
    }
}

#[test]
fn groups_of_the_image_that_a_record_asks_for() {
    let asked = json!({ "memberOf": ["sudo", "root", "shadow", "staff", "audio", "nosuch", "a:b\nx", "*"] });
    let words = ["'mallory' is not put into group 'sudo'", "'a:b\\nx'"];
    let tree = skipped(&words, |tree| {
        tree.plant("mallory.json", &record("mallory", 20_000, &asked));
    });
    assert_eq!(tree.field("etc/group", "sudo", 3), "");
    assert_eq!(
        tree.field("etc/group", "audio", 3),
        "node",
        "allowed to alice and bob alone"
    );
    assert_eq!(
        tree.field("etc/group", "staff", 3),
        "mallory",
        "allowed to everybody"
    );
}

#[test]
fn a_planted_uid_at_the_top_of_the_range() {
    let tree = Tree::with(&["alice"]);
    tree.plant("mallory.json", &record("mallory", 59_999, &json!({})));
    tree.plant("uids/59998", b"mallory\n");
    tree.plant("uids/4294967295", b"mallory\n");
    tree.plant("uids/065534", b"mallory\n");
    tree.plant("uids/x", b"mallory\n");
    assert_eq!(tree.add("bob", &hash('b')), 1001, "1000 is the image's");
    assert_eq!(tree.add("carol", &hash('c')), 1002);
}

#[test]
fn tombstones_that_are_planted() {
    let dead = record("mallory", 20_000, &json!({}));
    for (file, content, word) in [
        (
            "removed/20001.json",
            &dead[..],
            "its uid is not its file's name",
        ),
        (
            "removed/mallory.json",
            &dead,
            "its uid is not its file's name",
        ),
        (
            "removed/20000.json",
            b"{",
            "skipped tombstone '20000.json': not valid JSON",
        ),
        ("removed/1000.json", &record("node", 1000, &json!({})), ""),
        (
            "removed/65534.json",
            &record("nobody", 65_534, &json!({})),
            "invalid uid 65534",
        ),
        (
            "removed/0.json",
            &record("root", 0, &json!({})),
            "invalid uid 0",
        ),
    ] {
        let tree = Tree::with(&["alice"]);
        let lines: Vec<Vec<u8>> = crate::tree::FOUR
            .iter()
            .map(|file| tree.read(file))
            .collect();
        tree.plant(file, content);
        tree.restore().says(&[word]);
        let after: Vec<Vec<u8>> = crate::tree::FOUR
            .iter()
            .map(|file| tree.read(file))
            .collect();
        assert!(
            lines == after,
            "a planted tombstone takes lines away: {file}"
        );
    }
}

#[test]
fn a_tombstone_for_a_living_person_without_a_ledger() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.plant("removed/10000.json", &record("alice", 10_000, &json!({})));
    tree.restore().says(&["restored 2 accounts"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

#[test]
fn directories_of_the_store_that_are_none() {
    for name in ["removed", "uids", "legacy"] {
        let old = Tree::with(&["alice", "bob"]);
        fs::remove_dir_all(old.store(name)).ok();
        symlink("/tmp", old.store(name)).unwrap();
        let tree = recreate(&old);
        // Fail shut: without the tombstones nobody knows whose lines are dead.
        let ran = tree.run(&["restore"]);
        assert!(ran.code == 0 || ran.err.contains(name), "{}", ran.err);
        assert_eq!(
            fs::read_link(tree.store(name)).unwrap().to_str(),
            Some("/tmp")
        );
    }
}

#[test]
fn a_thousand_bad_records() {
    skipped(&["skipped 'bad0.json'", "skipped 'bad999.json'"], |tree| {
        for index in 0..1000 {
            tree.plant(&format!("bad{index}.json"), b"{\"userName\":");
        }
    });
}

#[test]
fn a_lock_that_is_a_trap() {
    let tree = Tree::with(&["alice"]);
    for lock in ["var/lib/opencode-users/.lock", "etc/.pwd.lock"] {
        let path = tree.path(lock);
        fs::remove_file(&path).unwrap();
        symlink("/etc/hostname", &path).unwrap();
        tree.run(&["user", "disable", "alice"]).ends(1);
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        let started = Instant::now();
        tree.run(&["user", "enable", "alice"]);
        assert!(
            started.elapsed() < Duration::from_secs(5),
            "a FIFO holds the command up"
        );
        fs::remove_file(&path).unwrap();
    }
    tree.restore();
}

#[test]
fn a_uid_whose_owner_cannot_be_read_goes_to_nobody_else() {
    let claims = |old: &Tree| {
        let mut bob = old.record("bob");
        bob["uid"] = json!(10_000);
        bob["gid"] = json!(10_000);
        old.plant("bob.json", &serde_json::to_vec(&bob).unwrap());
    };
    // The record is broken; the tombstone is; so is the ledger's word besides.
    let cases: [(&str, &[&str]); 4] = [
        ("alice", &["alice.json"]),
        ("alice", &["removed/10000.json"]),
        ("(unreadable)", &["alice.json", "uids/10000"]),
        ("(unreadable)", &["removed/10000.json", "uids/10000"]),
    ];
    for (owner, broken) in cases {
        let old = Tree::with(&["alice", "bob", "carol"]);
        if broken[0].starts_with("removed") {
            old.run(&["user", "remove", "--yes", "alice"]).ends(0);
        }
        claims(&old);
        for file in broken {
            fs::remove_file(old.store(file)).unwrap();
            symlink("/dev/null", old.store(file)).unwrap();
        }
        let tree = recreate(&old);
        let reason = format!("skipped 'bob': uid 10000 was given to '{owner}'");
        tree.run(&["check"]).ends(1).says(&[&reason]);
        tree.run(&["restore", "--boot"]).ends(0).says(&[&reason]);
        assert_eq!(tree.line("etc/passwd", "bob"), None, "{broken:?}");
        assert!(tree.line("etc/passwd", "carol").is_some(), "{broken:?}");
    }
}

#[test]
fn thousands_of_groups_are_a_few_lines() {
    let tree = Tree::with(&["bob"]);
    let groups: Vec<String> = (0..7000).map(|n| format!("{n:x}")).collect();
    let greedy = record("alice", 10_001, &json!({ "memberOf": groups }));
    tree.plant("alice.json", &greedy);
    for args in [&["restore"][..], &["restore", "--boot"], &["check"]] {
        let ran = tree.run(args).says(&["'alice'", "more groups"]);
        let lines = ran.err.lines().chain(ran.out.lines());
        let about = lines.filter(|line| line.contains("alice")).count();
        assert!((1..=20).contains(&about), "{args:?}: {about} lines");
    }
    assert!(tree.line("etc/passwd", "alice").is_some());
}

#[test]
fn a_refused_account_with_lines_in_place_is_shut_out() {
    // Why it is refused: another's group, another's uid.
    for reason in ["group", "uid"] {
        let tree = Tree::with(&["alice", "bob"]);
        if reason == "group" {
            tree.edit("etc/group", "\nnogroup:", "\nothers:x:10001:\nnogroup:");
        } else {
            let mut bob = tree.record("bob");
            bob["uid"] = json!(10_000);
            bob["gid"] = json!(10_000);
            tree.plant("bob.json", &serde_json::to_vec(&bob).unwrap());
        }
        let others = tree.line("etc/passwd", "alice").unwrap();
        tree.restore().says(&["skipped 'bob'"]);
        assert_eq!(tree.field("etc/passwd", "bob", 6), "/bin/bash");
        tree.run(&["user", "disable", "bob"])
            .ends(0)
            .says(&["'bob' is shut out, but was not restored"]);
        assert_eq!(tree.field("etc/passwd", "bob", 2), "10001");
        assert_eq!(tree.field("etc/passwd", "bob", 6), "/usr/sbin/nologin");
        assert_eq!(
            tree.field("etc/shadow", "bob", 1),
            format!("!{}", hash('b'))
        );
        assert_eq!(tree.field("etc/shadow", "bob", 7), "1");
        assert_eq!(tree.line("etc/passwd", "alice").unwrap(), others);
        let before = tree.state();
        tree.restore();
        unchanged(&before, &tree.state(), &reason);
    }
}

#[test]
fn a_line_that_is_not_ours_is_not_locked() {
    let tree = Tree::with(&["alice"]);
    let line = "bob:x:10001:10001::/home/bob:/bin/bash";
    tree.edit("etc/passwd", "\nnobody:", &format!("\n{line}\nnobody:"));
    tree.plant(
        "bob.json",
        &record("bob", 10_002, &json!({ "locked": true })),
    );
    tree.restore().says(&["skipped 'bob'"]);
    tree.run(&["user", "disable", "bob"]).ends(1);
    assert_eq!(tree.line("etc/passwd", "bob").unwrap(), line);
}
