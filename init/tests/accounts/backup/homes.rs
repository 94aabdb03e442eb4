//! Homes in a backup: what comes back, and what takes no room on a disk takes none in it.

use super::{load, save};
use crate::tree::Tree;
use accounts::wire::LoadReply;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::process::{Command, Stdio};

/// alice's home with all kinds of things in it.
pub(super) fn with_a_home() -> Tree {
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
