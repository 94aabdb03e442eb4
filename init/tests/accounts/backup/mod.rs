//! `user save` and `user load`: what goes out comes back, into an empty store
//! and into one with accounts; damaged, foreign and hostile input changes
//! nothing; a kill anywhere leaves the old accounts or the new ones.

mod forged;
mod homes;

use crate::crash::points::{Kind, points};
use crate::crash::scenarios::{PLAIN, Scenario};
use crate::crash::{assert_no_leftovers, injected};
use crate::tree::{FOUR, Ran, Tree, finish, hash, record, unchanged};
use accounts::wire::{ErrorKind, LoadReply};
use homes::with_a_home;
use serde_json::json;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output, Stdio};

/// What `user save` writes.
fn save(tree: &Tree, args: &[&str]) -> Vec<u8> {
    let output: Output = tree
        .command(&[&["user", "save"], args].concat())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("$6$"), "a hash is said");
    output.stdout
}

fn load(tree: &Tree, args: &[&str], backup: &[u8]) -> Ran {
    tree.feed(&[&["--json", "user", "load"], args].concat(), backup)
}

/// The files of the store and what is in them, but locks.
fn store(tree: &Tree) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for part in ["", "uids", "removed", "legacy"] {
        for entry in fs::read_dir(tree.store(part)).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with(".lock") {
                let meta = path.metadata().unwrap();
                assert_eq!(
                    (meta.mode() & 0o7777, meta.uid()),
                    (0o600, 0),
                    "{}",
                    path.display()
                );
                let name = path.strip_prefix(tree.store("")).unwrap();
                files.push((name.to_str().unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// alice, bob disabled, carol removed, and a record that nobody can read.
fn people() -> Tree {
    let tree = Tree::with(&["alice", "bob", "carol"]);
    tree.run(&["user", "disable", "bob"]).ends(0);
    tree.run(&["user", "remove", "--yes", "carol"]).ends(0);
    tree.plant("broken.json", b"{");
    tree
}

fn lines(tree: &Tree) -> Vec<Option<String>> {
    let names = ["alice", "bob", "carol"];
    FOUR.iter()
        .flat_map(|file| names.map(|name| tree.line(file, name)))
        .collect()
}

#[test]
fn an_empty_store_gets_everything_uids_ledger_and_tombstones() {
    let from = people();
    let backup = save(&from, &[]);
    let to = Tree::new();
    let reply: LoadReply = load(&to, &[], &backup).ends(0).json();
    assert_eq!(
        (reply.added, reply.replaced.len()),
        (vec!["alice".into(), "bob".into()], 0)
    );
    assert_eq!(store(&from), store(&to));
    assert_eq!(lines(&from), lines(&to));
    // The number of the removed one is still hers.
    assert_eq!(to.add("dave", &hash('d')), 10003);
    to.run(&["user", "add", "carol", "--no-password"]).ends(4);
}

#[test]
fn a_store_with_accounts_is_left_alone_until_it_is_forced() {
    let tree = people();
    let backup = save(&tree, &[]);
    let before = tree.state();
    let reply = load(&tree, &[], &backup).fails_as(ErrorKind::Refused);
    assert_eq!(
        reply.error.message,
        "the store is not empty: it has 3 accounts and 1 removed one"
    );
    unchanged(&before, &tree.state(), &"refused load");

    // Since then: alice has another password, bob is back in, carol too, dave is new.
    tree.feed(
        &["user", "passwd", "alice", "--password-hash-stdin"],
        hash('z'),
    )
    .ends(0);
    tree.run(&["user", "enable", "bob"]).ends(0);
    tree.feed(
        &["user", "add", "carol", "--restore", "--password-hash-stdin"],
        hash('y'),
    )
    .ends(0);
    tree.add("dave", &hash('d'));
    let dave = tree.record("dave");
    let reply: LoadReply = load(&tree, &["--force"], &backup).ends(0).json();
    assert_eq!(reply.replaced, ["alice", "bob"]);
    assert_eq!(tree.names(), ["alice", "bob", "carol", "dave"]);
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
    assert!(tree.field("etc/shadow", "bob", 1).starts_with('!'));
    assert_eq!(tree.field("etc/shadow", "carol", 1), hash('y'));
    assert_eq!(tree.record("dave"), dave);
}

#[test]
fn who_was_removed_since_comes_back_with_the_same_uid() {
    let tree = Tree::with(&["alice", "bob"]);
    let (backup, before) = (save(&tree, &[]), store(&tree));
    tree.run(&["user", "remove", "--yes", "bob"]).ends(0);
    let reply: LoadReply = load(&tree, &["--force"], &backup).ends(0).json();
    assert_eq!(
        (reply.added, reply.replaced),
        (vec!["bob".into()], vec!["alice".into()])
    );
    assert_eq!(store(&tree), before);
    assert_eq!(tree.field("etc/passwd", "bob", 2), "10001");
}

#[test]
fn a_number_never_gets_a_second_name() {
    let backup = save(&Tree::with(&["zoe"]), &[]);
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    let reply = load(&tree, &["--force"], &backup).fails_as(ErrorKind::Conflict);
    assert!(
        reply
            .error
            .message
            .ends_with("uid 10000 is 'alice' here and 'zoe' in the backup")
    );
    unchanged(&before, &tree.state(), &"clash");
}

#[test]
fn whom_the_image_refuses_is_named_and_the_others_are_there() {
    let from = Tree::with(&["alice", "postgres"]);
    let backup = save(&from, &[]);
    let to = Tree::new();
    let mut image = to.text("usr/share/occ/image-accounts");
    image.push_str("user postgres 70\n");
    to.write("usr/share/occ/image-accounts", image.as_bytes(), 0o644);
    let reply: LoadReply = load(&to, &[], &backup).ends(1).json();
    assert!(
        reply
            .problems
            .iter()
            .any(|line| line.contains("'postgres'")),
        "{reply:?}"
    );
    assert!(
        to.line("etc/passwd", "alice").is_some() && to.line("etc/passwd", "postgres").is_none()
    );
}

#[test]
fn damaged_cut_and_foreign_input_changes_nothing() {
    let backup = save(&people(), &[]);
    let tree = Tree::new();
    tree.restore();
    let before = tree.state();
    let refused = |input: &[u8], why: &str| {
        let reply = load(&tree, &[], input).fails_as(ErrorKind::Invalid);
        assert!(
            reply.error.message.starts_with("cannot use the backup: "),
            "{reply:?}"
        );
        assert!(reply.error.message.contains(why), "{why}: {reply:?}");
        unchanged(&before, &tree.state(), &why);
    };
    refused(b"", "not a backup");
    refused(&[0; 4096], "not a backup");
    refused(&[backup.as_slice(), b"x"].concat(), "too early");
    for end in [
        1,
        100,
        512,
        1500,
        backup.len() / 2,
        backup.len() - 1024,
        backup.len() - 1,
    ] {
        refused(&backup[..end], if end < 15 { "" } else { "too early" });
    }
    for at in (15..backup.len() - 2048).step_by(97) {
        let mut bytes = backup.clone();
        bytes[at] ^= 0x20;
        refused(&bytes, "damaged");
    }
    let seal = backup.len() - 1500;
    let mut bytes = backup.clone();
    bytes[seal] ^= 1;
    refused(&bytes, "damaged");
}

#[test]
fn an_archive_can_be_read_and_checked_without_occ() {
    let backup = save(&people(), &["--homes"]);
    let list = finish(
        {
            let mut tar = Command::new("tar");
            tar.args(["-tf", "-"]);
            tar
        },
        &backup,
    );
    let list = list.ends(0).out;
    for path in [
        "occ-backup.json",
        "store/alice.json",
        "store/uids/10000",
        "home/alice/.bashrc",
    ] {
        assert!(
            list.lines().any(|line| line == path),
            "{path} is not in\n{list}"
        );
    }
    let body = &backup[..backup.len() - 2048];
    let sum = finish(Command::new("sha256sum"), body).ends(0).out;
    let seal = &backup[backup.len() - 1536..][..64];
    assert_eq!(sum.split(' ').next().unwrap().as_bytes(), seal);
}

#[test]
fn a_thousand_accounts_go_out_and_come_back() {
    let from = Tree::new();
    for number in 0..1000 {
        let name = format!("user{number}");
        from.plant(
            &format!("{name}.json"),
            &record(&name, 20_000 + number, &json!({})),
        );
        from.plant(
            &format!("uids/{}", 20_000 + number),
            format!("{name}\n").as_bytes(),
        );
    }
    from.restore();
    let to = Tree::new();
    let reply: LoadReply = load(&to, &[], &save(&from, &[])).ends(0).json();
    assert_eq!(reply.added.len(), 1000);
    assert_eq!(store(&from), store(&to));
    assert_eq!(from.names(), to.names());
}

const LOAD: Scenario = Scenario {
    make: || {
        let tree = Tree::with(&["alice"]);
        let args = ["user", "passwd", "alice", "--password-hash-stdin"];
        tree.feed(&args, hash('z')).ends(0);
        fs::remove_dir_all(tree.path("home/alice")).unwrap();
        tree
    },
    args: &["user", "load", "--force", "--homes"],
    input: || save(&with_a_home(), &["--homes"]),
    ..PLAIN
};

/// Once somebody holds the lock again; and a home is whole or not there.
#[test]
fn a_kill_anywhere_leaves_the_old_accounts_or_the_new() {
    let made = (LOAD.make)();
    let mut points = points(&LOAD, &made);
    points.retain(|point| point.kind == Kind::Changes);
    assert!(points.len() > 60, "only {} points", points.len());
    let (mut old, mut new) = (0, 0);
    for point in &points {
        let tree = made.copy();
        let place = format!("killed at {} {} {}", point.call, point.when, point.what);
        let ran = injected(&LOAD, &tree, point, "signal=KILL");
        assert_eq!(ran.code, -1, "{place}: it was not killed\n{}", ran.err);
        let committed = tree.store(".loaded").exists();
        if tree.path("home/alice").exists() {
            let large = fs::metadata(tree.path("home/alice/large"));
            assert_eq!(large.unwrap().len(), 300_000, "{place}: half a home");
        }
        tree.restore();
        match (tree.field("etc/shadow", "alice", 1), tree.names().len()) {
            (of, 1) if of == hash('z') && !committed => old += 1,
            (of, 2) if of == hash('a') => new += 1,
            (_, count) => panic!("{place}: neither old nor new, {count} accounts"),
        }
        for left in [".loading", ".loaded"] {
            assert!(!tree.store(left).exists(), "{place}: {left} is left");
        }
        assert_no_leftovers(tree.root(), &place);
    }
    assert!(old > 20 && new > 20, "{old} times old, {new} times new");
}

/// Whoever ends with input unread takes the answer along, on some engines.
#[test]
fn what_is_refused_is_taken_in_to_its_end() {
    use std::io::Write;
    let tree = people();
    for (args, code) in [
        (&["user", "load"][..], 5),
        (&["user", "load", "--force"], 9),
    ] {
        let mut command = tree.command(args);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Far more than a pipe holds.
        stdin.write_all(&vec![b'x'; 4 << 20]).unwrap();
        drop(stdin);
        assert_eq!(child.wait().unwrap().code(), Some(code), "{args:?}");
    }
}
