//! Forty `user add` at once, mixed with Debian's own tools on the same files:
//! every one succeeds or says "busy", none is lost, no uid is given twice; and a
//! holder of a lock that is killed never blocks the next.

use crate::support::SOON;
use crate::tree::{FOUR, Ran, Tree, finish_child, hash, start};
use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::time::Instant;

const ROUNDS: usize = 40;
/// Theirs, of an image without occ; each is there when the race begins.
const OLD_HANDS: [&str; 6] = ["pat", "pam", "pia", "leo", "lea", "lou"];

/// A tool of Debian's on the tree, in a mount namespace where its /etc is ours:
/// with `--root` some of them take the locks of the real /etc.
fn debian(tree: &Tree, script: &str) -> Child {
    let mut command = Command::new("unshare");
    let mounts = r#"mount --bind "$TREE/etc" /etc && mount --bind "$TREE/home" /home || exit 98"#;
    command
        .args(["--mount", "sh", "-c", &format!("{mounts}\n{script}")])
        .env("TREE", tree.root());
    start(&mut command)
}

/// What useradd and chpasswd need beside the four files.
fn tree() -> Tree {
    let tree = Tree::new();
    let defs = "UID_MIN 1000\nUID_MAX 60000\nGID_MIN 1000\nGID_MAX 60000\nUSERGROUPS_ENAB yes\n";
    tree.write("etc/login.defs", defs.as_bytes(), 0o644);
    // Their own readers don't take what no colon is in.
    tree.edit("etc/passwd", "\n\nmalformed line without colons\n", "\n");
    let script = OLD_HANDS.map(|name| format!("useradd -M {name} || exit 1"));
    let made = debian(&tree, &script.join("\n"));
    finish_child(made, b"", "useradd".into()).ends(0);
    tree
}

#[test]
fn forty_adds_among_useradd_chpasswd_passwd_and_userdel() {
    let tree = tree();
    let ours: Vec<(String, Child)> = (0..ROUNDS)
        .map(|index| {
            let name = format!("user_{index:02}");
            let args = ["user", "add", &name, "--password-hash-stdin"];
            let child = start(&mut tree.command(&args));
            (name, child)
        })
        .collect();
    // As long as ours are at work, theirs are.
    let theirs: Vec<(String, Child)> = (0..8)
        .map(|index| {
            let script = format!("useradd -M theirs_{index} || exit $?");
            (format!("useradd theirs_{index}"), debian(&tree, &script))
        })
        .chain(
            [
                (
                    "chpasswd",
                    format!("printf '%s\\n' 'pat:{}' | chpasswd -e", hash('p')),
                ),
                (
                    "chpasswd again",
                    format!("printf '%s\\n' 'pam:{}' | chpasswd -e", hash('q')),
                ),
                ("passwd -d", "passwd -q -d pia".to_owned()),
                ("passwd -l", "passwd -q -l leo".to_owned()),
                ("userdel", "userdel lea".to_owned()),
                ("userdel again", "userdel lou".to_owned()),
            ]
            .map(|(what, script)| (what.to_owned(), debian(&tree, &script))),
        )
        .collect();
    let ours: Vec<(String, Ran)> = ours
        .into_iter()
        .map(|(name, child)| {
            (
                name.clone(),
                finish_child(child, hash('f').as_bytes(), name),
            )
        })
        .collect();
    let theirs: Vec<(String, Ran)> = theirs
        .into_iter()
        .map(|(what, child)| (what.clone(), finish_child(child, b"", what)))
        .collect();
    judge(&tree, &ours, &theirs);
}

fn judge(tree: &Tree, ours: &[(String, Ran)], theirs: &[(String, Ran)]) {
    let mut made = BTreeSet::new();
    for (name, ran) in ours {
        assert!(
            [0, 8].contains(&ran.code),
            "{name}: {} {}",
            ran.code,
            ran.err
        );
        made.extend((ran.code == 0).then(|| name.clone()));
    }
    assert!(
        made.len() >= 30,
        "only {} of {ROUNDS} came through",
        made.len()
    );
    assert_eq!(tree.names(), made.iter().cloned().collect::<Vec<_>>());
    for name in &made {
        for file in FOUR {
            assert!(tree.line(file, name).is_some(), "'{name}' is not in {file}");
        }
        assert_eq!(tree.field("etc/shadow", name, 1), hash('f'));
        let uid = tree.field("etc/passwd", name, 2);
        let owner = std::fs::read_to_string(tree.store(&format!("uids/{uid}")));
        assert_eq!(owner.unwrap(), format!("{name}\n"));
    }
    nothing_of_theirs_is_lost(tree, theirs);
    let passwd = tree.text("etc/passwd");
    let uids = passwd.lines().filter_map(|line| line.split(':').nth(2));
    let uids: Vec<&str> = uids.filter(|uid| !uid.is_empty()).collect();
    let distinct: BTreeSet<_> = uids.iter().collect();
    assert_eq!(
        distinct.len(),
        uids.len(),
        "a uid was given twice:\n{passwd}"
    );
    for name in [
        "root", "daemon", "node", "nobody", "pat", "pam", "pia", "leo",
    ] {
        assert!(tree.line("etc/passwd", name).is_some(), "'{name}' is lost");
        assert!(tree.line("etc/shadow", name).is_some(), "'{name}' is lost");
    }
    tree.run(&["check"]).ends(0);
}

/// Who gave up on a lock has changed nothing; who succeeded is there.
fn nothing_of_theirs_is_lost(tree: &Tree, theirs: &[(String, Ran)]) {
    for (what, ran) in theirs {
        let succeeded = ran.code == 0;
        let password = |name| tree.field("etc/shadow", name, 1);
        let is_there = match what.as_str() {
            "chpasswd" => password("pat") == hash('p'),
            "chpasswd again" => password("pam") == hash('q'),
            "passwd -d" => password("pia").is_empty(),
            "passwd -l" => password("leo") == "!",
            "userdel" => tree.line("etc/passwd", "lea").is_none(),
            "userdel again" => tree.line("etc/passwd", "lou").is_none(),
            useradd => tree
                .line("etc/passwd", useradd.trim_start_matches("useradd "))
                .is_some(),
        };
        assert!(
            is_there || !succeeded,
            "{what} succeeded and is lost: {}",
            ran.err
        );
    }
}

/// Killed at its first call that changes an account file: it holds all locks.
#[test]
fn a_holder_that_is_killed_never_blocks_the_next() {
    let tree = Tree::with(&["alice", "bob"]);
    for (verb, state) in [("disable", true), ("enable", false)] {
        let plain = tree.command(&["user", verb, "alice"]);
        let mut command = Command::new("strace");
        command
            .args(["-qq", "-o", "/dev/null", "-P"])
            .arg(tree.path("etc/.occ-shadow"))
            .arg("--inject=fsync,renameat:signal=KILL:when=1")
            .arg(plain.get_program())
            .args(plain.get_args());
        let killed = crate::tree::finish(command, b"");
        assert_eq!(killed.code, -1, "it was not killed: {}", killed.err);
        for lock in ["passwd", "shadow", "group", "gshadow"] {
            let lock = tree.path(format!("etc/{lock}.lock"));
            assert!(lock.exists(), "{} is not held", lock.display());
        }
        let began = Instant::now();
        tree.run(&["user", verb, "alice"]).ends(0);
        assert!(began.elapsed() < SOON, "the dead hold a lock");
        assert_eq!(tree.record("alice")["locked"], state);
        assert!(!tree.path("etc/shadow.lock").exists());
        // Nor Debian's tools, which know the dead by their pids.
        let theirs = debian(&tree, "passwd -q -S bob >/dev/null && chage -W 9 bob");
        finish_child(theirs, b"", "chage".into()).ends(0);
    }
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
}
