//! Passwords and hashes stay where they belong: in shadow and in records.
//!
//! Every run of these tests looks for them in both output streams already (see
//! `Ran`); here are the ways out that need more than that.

use crate::support::until;
use crate::tree::{MARK, STORE, Tree, finish_child, hash, record, start};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Breaks a tree.
type Spoil = fn(&Tree);

/// Every file of a tree whose bytes hold the word.
fn files_with(directory: &Path, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut paths = vec![directory.to_owned()];
    while let Some(path) = paths.pop() {
        if path.is_dir() && !path.is_symlink() {
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.is_file() && contains(&fs::read(&path).unwrap(), word) {
            found.push(path.strip_prefix(directory).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|window| window == word.as_bytes())
}

#[test]
fn a_password_is_nowhere_and_a_hash_in_two_places() {
    let tree = Tree::new();
    tree.feed(&["user", "add", "alice", "--password-stdin", "-v"], MARK)
        .ends(0);
    assert!(files_with(tree.root(), MARK).is_empty());
    let hash = tree.field("etc/shadow", "alice", 1);
    assert!(hash.starts_with("$6$rounds=100000$"));
    assert_eq!(
        hash.split('$').nth(3).unwrap().len(),
        16,
        "what crypt(3) reads of a salt"
    );
    assert_eq!(
        files_with(tree.root(), &hash),
        ["etc/shadow", &format!("{STORE}/alice.json")]
    );
    tree.run(&["user", "remove", "--force", "alice"]).ends(0);
    assert!(
        files_with(tree.root(), &hash).is_empty(),
        "a removed person's hash is kept nowhere"
    );
}

#[test]
fn secret_files_are_roots_alone() {
    let tree = Tree::with(&["alice", "bob"]);
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for directory in ["", "removed", "uids"] {
        assert_eq!(mode(tree.store(directory)), 0o700, "{directory}");
    }
    for file in ["alice.json", "removed/10001.json", "uids/10000", ".lock"] {
        assert_eq!(mode(tree.store(file)), 0o600, "{file}");
    }
    assert_eq!(mode(tree.path("var/lib/occ-init")), 0o700);
    assert_eq!(mode(tree.path("var/lib/occ-init/applied.json")), 0o600);
    assert_eq!(mode(tree.path("etc/.pwd.lock")), 0o600);
}

#[test]
fn argv_and_environment_of_a_running_add() {
    let tree = Tree::new();
    let mut command = tree.command(&["user", "add", "alice", "--password-stdin"]);
    // Slow enough to be looked at.
    command.env("OCC_INIT_SHA512_ROUNDS", "2000000");
    let mut child = start(&mut command);
    child
        .stdin
        .as_mut()
        .unwrap()
        .write_all(MARK.as_bytes())
        .unwrap();
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    let read_stdin =
        || fs::read_to_string(proc.join("wchan")).is_ok_and(|place| place.contains("pipe"));
    until("it reads the password", read_stdin);
    for file in ["cmdline", "environ"] {
        let bytes = fs::read(proc.join(file)).unwrap();
        assert!(!bytes.is_empty() && !contains(&bytes, MARK), "{file}");
    }
    let limits = fs::read_to_string(proc.join("limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    finish_child(child, b"-more\n", "add".into()).ends(0);
}

#[test]
fn every_way_to_fail_with_a_secret_in_hand() {
    let spoil: [(&str, Spoil); 7] = [
        ("no /etc/shadow that can be read", |tree| {
            fs::remove_file(tree.path("etc/shadow")).unwrap();
            symlink("/nowhere", tree.path("etc/shadow")).unwrap();
        }),
        ("no room for temporaries", |tree| {
            fs::create_dir_all(tree.path("etc/.occ-shadow/x")).unwrap();
        }),
        ("a store that is a file", |tree| {
            fs::remove_dir_all(tree.store("")).unwrap();
            fs::write(tree.path(STORE), "").unwrap();
        }),
        ("a ledger that is a file", |tree| {
            fs::remove_dir_all(tree.store("uids")).unwrap();
            fs::write(tree.store("uids"), "").unwrap();
        }),
        ("a directory in the record's place", |tree| {
            fs::create_dir_all(tree.store("bob.json/x")).unwrap();
        }),
        ("a state directory that is a link", |tree| {
            fs::remove_dir_all(tree.path("var/lib/occ-init")).unwrap();
            symlink("/nowhere", tree.path("var/lib/occ-init")).unwrap();
        }),
        ("a shadow line of its own", |tree| {
            let line = format!("{MARK}:{}:1\n", hash('q'));
            let shadow = tree.text("etc/shadow") + &line;
            tree.write("etc/shadow", shadow.as_bytes(), 0o640);
        }),
    ];
    for (what, spoil) in spoil {
        let tree = Tree::with(&["alice"]);
        spoil(&tree);
        let request = json!({ "schema": 1, "password": format!("{MARK}-1") }).to_string();
        for args in [
            &["-v", "user", "add", "bob", "--request-stdin"][..],
            &["--json", "-v", "user", "passwd", "alice", "--request-stdin"],
        ] {
            // Ran looks at both streams; here only that it ends.
            let ran = tree.feed(args, &request);
            assert!(
                ran.code == 0 || !ran.err.is_empty(),
                "{what}: {args:?} fails and says nothing"
            );
        }
        for args in [
            &["-v", "restore"][..],
            &["--json", "restore"],
            &["restore", "--dry-run"],
            &["check"],
            &["user", "list"],
        ] {
            tree.run(args);
        }
    }
}

#[test]
fn a_hash_in_the_wrong_field_of_a_record() {
    for field in [
        "realName",
        "shell",
        "homeDirectory",
        "userName",
        "disposition",
        "memberOf",
        "uid",
        "locked",
    ] {
        let tree = Tree::with(&["alice"]);
        let secret = format!("{}:{MARK}", hash('q'));
        let value = if field == "memberOf" {
            json!({ "x": secret })
        } else {
            Value::from(secret)
        };
        let mut more = json!({});
        more[field] = value;
        tree.plant("bob.json", &record("bob", 20_000, &more));
        for args in [
            &["-v", "restore"][..],
            &["--json", "restore"],
            &["--json", "check"],
            &["user", "show", "bob"],
            &["user", "passwd", "bob", "--generate"],
            &["restore", "--boot"],
        ] {
            tree.run(args);
        }
    }
}

#[test]
fn a_plan_names_accounts_and_no_hash() {
    let tree = Tree::with(&["alice"]);
    tree.edit("etc/shadow", &hash('a'), "*");
    tree.run(&["restore", "--dry-run", "-v"]).ends(0).says(&[
        "'alice' in /etc/shadow: another password",
        "would write '/etc/shadow'",
    ]);
    tree.run(&["restore", "--dry-run", "--json"]).ends(0);
}

#[test]
fn what_is_sent_is_read_even_when_the_answer_is_no() {
    use std::io::{Read as _, Write as _};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    let tree = Tree::with(&["alice"]);
    for args in [
        ["user", "add", "root", "--request-stdin"],
        ["user", "add", "alice", "--password-stdin"],
        ["user", "passwd", "nobody", "--request-stdin"],
    ] {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[b'x'; 1000]).unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        let mut command = tree.command(&args);
        let ended = command.stdin(OwnedFd::from(theirs)).output().unwrap();
        // Drops the last end of theirs: the kernel resets what was left unread.
        drop(command);
        assert_ne!(ended.status.code(), Some(0), "{args:?}");
        assert_eq!(ours.read(&mut [0]).unwrap(), 0, "{args:?}");
    }
}
