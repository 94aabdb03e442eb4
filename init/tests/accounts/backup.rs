//! `user save` and `user load`: what goes out comes back, into an empty store
//! and into one with accounts; damaged, foreign and hostile input changes
//! nothing; a kill anywhere leaves the old accounts or the new ones.

use crate::crash::points::{Kind, points};
use crate::crash::scenarios::{PLAIN, Scenario};
use crate::crash::{assert_no_leftovers, injected};
use crate::tree::{FOUR, Ran, Tree, finish, hash, record, unchanged};
use accounts::wire::{ErrorKind, LoadReply};
use serde_json::json;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
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

/// An archive that is whole and says other things than `user save` does.
fn forged(fill: impl FnOnce(&mut tar::Builder<Vec<u8>>)) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let manifest = json!({"schema": 1, "created": 0, "accounts": 1, "homes": true}).to_string();
    put(&mut archive, "occ-backup.json", manifest.as_bytes());
    put(
        &mut archive,
        "store/alice.json",
        &record("alice", 10000, &json!({})),
    );
    put(&mut archive, "store/uids/10000", b"alice\n");
    fill(&mut archive);
    let mut bytes = archive.into_inner().unwrap();
    bytes.truncate(bytes.len() - 1024);
    let mut seal = accounts::admin::backup::Seal::default();
    seal.update(&bytes);
    bytes.extend(seal.trailer());
    bytes
}

fn header(kind: tar::EntryType, path: &str, size: usize) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o4755);
    header.set_uid(10000);
    header.set_gid(10000);
    header.set_mtime(1_700_000_000);
    header.set_size(size as u64);
    // As it is: the crate would refuse to write `..`.
    header.as_gnu_mut().unwrap().name[..path.len()].copy_from_slice(path.as_bytes());
    header
}

fn put(archive: &mut tar::Builder<Vec<u8>>, path: &str, bytes: &[u8]) {
    let mut header = header(tar::EntryType::Regular, path, bytes.len());
    header.set_cksum();
    archive.append(&header, bytes).unwrap();
}

fn link(archive: &mut tar::Builder<Vec<u8>>, kind: tar::EntryType, path: &str, target: &str) {
    let mut header = header(kind, path, 0);
    header.set_link_name(target).unwrap();
    header.set_cksum();
    archive.append(&header, std::io::empty()).unwrap();
}

fn directory(archive: &mut tar::Builder<Vec<u8>>, path: &str) {
    let mut header = header(tar::EntryType::Directory, path, 0);
    header.set_cksum();
    archive.append(&header, std::io::empty()).unwrap();
}

#[test]
fn hostile_entries_change_nothing() {
    let tree = Tree::new();
    tree.restore();
    let before = tree.state();
    let large = vec![b' '; 64 * 1024 + 1];
    let cases: [(&str, &[u8]); 12] = [
        ("store/../x.json", b"{}"),
        ("store//x.json", b"{}"),
        ("/store/x.json", b"{}"),
        ("store/.lock", b""),
        ("store/.occ-x.json", b"{}"),
        ("store/x", b"{}"),
        ("store/drop/10000", b""),
        ("store/uids/alice", b"alice"),
        ("store/removed/x.json", b"{}"),
        ("store/large.json", &large),
        ("etc/passwd", b"x"),
        ("home/mallory/x", b"x"),
    ];
    for (path, bytes) in cases {
        let forged = forged(|archive| put(archive, path, bytes));
        load(&tree, &["--homes"], &forged).fails_as(ErrorKind::Invalid);
        unchanged(&before, &tree.state(), &path);
    }
    let kinds = [
        tar::EntryType::Symlink,
        tar::EntryType::Link,
        tar::EntryType::Fifo,
    ];
    for kind in kinds {
        let forged = forged(|archive| link(archive, kind, "store/x.json", "/etc/shadow"));
        load(&tree, &[], &forged).fails_as(ErrorKind::Invalid);
        unchanged(&before, &tree.state(), &kind);
    }
    // Out of a home, through a link that was just made.
    for (kind, target) in [
        (tar::EntryType::Symlink, "/etc"),
        (tar::EntryType::Symlink, "../../etc"),
        (tar::EntryType::Link, "../../etc/shadow"),
    ] {
        let forged = forged(|archive| {
            link(archive, kind, "home/alice/out", target);
            put(archive, "home/alice/out/passwd", b"x");
            directory(archive, "home/alice");
        });
        let ran = load(&tree, &["--homes"], &forged);
        assert_ne!(ran.code, 0, "{target}");
        unchanged(&before, &tree.state(), &target);
    }
}

#[test]
fn a_newer_version_and_wanted_homes_that_are_not_there_are_named() {
    let tree = Tree::new();
    let backup = save(&Tree::with(&["alice"]), &[]);
    let reply = load(&tree, &["--homes"], &backup).fails_as(ErrorKind::Invalid);
    assert_eq!(
        reply.error.message,
        "cannot use the backup: it was made without homes"
    );
    let mut archive = tar::Builder::new(Vec::new());
    put(&mut archive, "occ-backup.json", br#"{"schema":2}"#);
    let mut newer = archive.into_inner().unwrap();
    newer.truncate(newer.len() - 1024);
    let mut seal = accounts::admin::backup::Seal::default();
    seal.update(&newer);
    newer.extend(seal.trailer());
    let reply = load(&tree, &[], &newer).fails_as(ErrorKind::Invalid);
    assert!(reply.error.message.contains("version 2"), "{reply:?}");
    assert!(!tree.store("alice.json").exists());
}

/// alice's home with all kinds of things in it.
fn with_a_home() -> Tree {
    let tree = Tree::with(&["alice", "bob"]);
    let home = tree.path("home/alice");
    let deep = home.join("d".repeat(90)).join("e".repeat(90));
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("note"), "deep").unwrap();
    fs::write(home.join("empty"), "").unwrap();
    fs::write(home.join("large"), vec![7; 300_000]).unwrap();
    symlink("/etc/shadow", home.join("link")).unwrap();
    symlink("x".repeat(300), home.join("long")).unwrap();
    fs::set_permissions(home.join("large"), fs::Permissions::from_mode(0o4640)).unwrap();
    chown(home.join("large"), Some(10000), Some(29)).unwrap();
    let made = Command::new("mkfifo").arg(home.join("fifo")).status();
    assert!(made.unwrap().success());
    tree
}

#[test]
fn homes_come_back_where_there_is_none() {
    let from = with_a_home();
    let backup = save(&from, &["--homes"]);
    let to = Tree::new();
    fs::create_dir(to.path("home/bob")).unwrap();
    fs::write(to.path("home/bob/mine"), "kept").unwrap();
    let reply: LoadReply = load(&to, &["--homes"], &backup).ends(0).json();
    assert_eq!(
        (reply.homes, reply.kept_homes),
        (vec!["/home/alice".into()], vec!["/home/bob".into()])
    );
    assert_eq!(fs::read(to.path("home/bob/mine")).unwrap(), b"kept");
    let home = to.path("home/alice");
    let meta = home.metadata().unwrap();
    assert_eq!(
        (meta.uid(), meta.gid(), meta.mode() & 0o7777),
        (10000, 10000, 0o700)
    );
    let large = home.join("large").metadata().unwrap();
    // Whatever was setuid is not, any more.
    assert_eq!(
        (large.uid(), large.gid(), large.mode() & 0o7777, large.len()),
        (10000, 29, 0o640, 300_000)
    );
    let then = from.path("home/alice/large").metadata().unwrap();
    assert_eq!(large.mtime(), then.mtime());
    assert_eq!(
        fs::read_link(home.join("link")).unwrap().to_str(),
        Some("/etc/shadow")
    );
    assert_eq!(
        fs::read_link(home.join("long")).unwrap().as_os_str().len(),
        300
    );
    let deep = home.join("d".repeat(90)).join("e".repeat(90)).join("note");
    assert_eq!(fs::read(deep).unwrap(), b"deep");
    assert!(home.join(".bashrc").exists() && !home.join("fifo").exists());
}

#[test]
fn homes_are_left_out_unless_they_are_asked_for() {
    let backup = save(&with_a_home(), &["--homes"]);
    let to = Tree::new();
    load(&to, &[], &backup).ends(0);
    assert!(to.path("home/alice/.bashrc").exists() && !to.path("home/alice/large").exists());
}

#[test]
fn a_file_of_nothing_but_holes_is_left_out() {
    let tree = Tree::with(&["alice"]);
    let file = fs::File::create(tree.path("home/alice/exabytes")).unwrap();
    file.set_len(1 << 42).unwrap();
    let output = tree.command(&["user", "save", "--homes"]).output().unwrap();
    assert!(output.status.success() && output.stdout.len() < 100_000);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("exabytes' is not in the backup: the files of this home have holes"),
        "{said}"
    );
}

/// Each has less than one may have, and cost its owner nothing.
#[test]
fn holes_of_many_files_count_together() {
    let tree = Tree::with(&["alice"]);
    for number in 0..20 {
        let path = tree.path(format!("home/alice/{number:02}"));
        fs::File::create(path).unwrap().set_len(300 << 20).unwrap();
    }
    let mut command = tree.command(&["user", "save", "--homes"]);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    let length = std::io::copy(&mut out, &mut std::io::sink()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(length < (1 << 30) + (1 << 20), "{length}");
    assert_eq!(
        said.matches("have holes of more than 1 GiB").count(),
        17,
        "{said}"
    );
}

#[test]
fn a_file_with_several_names_comes_once_and_keeps_them() {
    let from = with_a_home();
    let home = from.path("home/alice");
    let before = save(&from, &["--homes"]).len();
    let deep = home.join("d".repeat(90)).join("e".repeat(90));
    fs::hard_link(home.join("large"), deep.join("f".repeat(90))).unwrap();
    for number in 0..100 {
        fs::hard_link(home.join("large"), home.join(format!("z{number}"))).unwrap();
    }
    let backup = save(&from, &["--homes"]);
    assert!(backup.len() < before + 300_000, "{}", backup.len());
    let to = Tree::new();
    load(&to, &["--homes"], &backup).ends(0);
    let home = to.path("home/alice");
    let deep = home.join("d".repeat(90)).join("e".repeat(90));
    let state = |path: std::path::PathBuf| {
        let meta = path.metadata().unwrap();
        (meta.ino(), meta.len(), meta.uid(), meta.mode() & 0o7777)
    };
    let large = state(home.join("large"));
    assert_eq!((large.1, large.2, large.3), (300_000, 10000, 0o640));
    assert_eq!(state(home.join("z99")), large);
    assert_eq!(state(deep.join("f".repeat(90))), large);
    assert_eq!(home.join("large").metadata().unwrap().nlink(), 102);
}

/// A link to a file of this machine's would be its owner's once the home is in place.
#[test]
fn a_name_of_a_file_outside_its_home_is_not_made() {
    let tree = Tree::new();
    tree.restore();
    let before = tree.state();
    // The last goes through a link, which is not a directory.
    let targets = [
        "/etc/passwd",
        "etc/passwd",
        "home/bob/file",
        "home/alice/../../etc/passwd",
        "home/alice/out",
        "home/alice/sub",
        "home/alice/missing",
        "home/alice",
        "home/alice/",
        "home/alice/out/passwd",
    ];
    for target in targets {
        let forged = forged(|archive| {
            let etc = tree.path("etc");
            let mut link = header(tar::EntryType::Symlink, "", 0);
            archive
                .append_link(&mut link, "home/alice/out", etc)
                .unwrap();
            directory(archive, "home/alice/sub");
            let mut name = header(tar::EntryType::Link, "", 0);
            // tar's own append_link would change some of them.
            name.set_path("home/alice/name").unwrap();
            name.as_mut_bytes()[157..157 + target.len()].copy_from_slice(target.as_bytes());
            name.set_cksum();
            archive.append(&name, std::io::empty()).unwrap();
            directory(archive, "home/alice");
        });
        let is_through_link = target.contains("out/");
        let kind = if is_through_link {
            ErrorKind::Failed
        } else {
            ErrorKind::Invalid
        };
        load(&tree, &["--homes"], &forged).fails_as(kind);
        unchanged(&before, &tree.state(), &target);
    }
}

/// tar keeps such a name in memory before anybody sees it.
#[test]
fn a_name_that_is_longer_than_a_path_is_not_read() {
    let tree = Tree::new();
    tree.restore();
    let before = tree.state();
    for (kind, size) in [
        (tar::EntryType::GNULongName, 1 << 20),
        (tar::EntryType::GNULongLink, 1 << 20),
        (tar::EntryType::XHeader, 10),
        (tar::EntryType::GNUSparse, 0),
    ] {
        let forged = forged(|archive| {
            let mut header = header(kind, "././@LongLink", size);
            header.set_cksum();
            archive.append(&header, &*vec![b'x'; size]).unwrap();
            directory(archive, "home/alice");
        });
        let reply = load(&tree, &["--homes"], &forged).fails_as(ErrorKind::Invalid);
        let message = reply.error.message;
        assert!(message.contains("an entry of type"), "{kind:?}: {message}");
        unchanged(&before, &tree.state(), &kind);
    }
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
