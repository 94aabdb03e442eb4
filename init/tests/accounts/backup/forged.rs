//! `user load` of archives that are whole and say other things than `user save` does: they
//! change nothing.

use super::{load, save};
use crate::tree::{Tree, record, unchanged};
use accounts::wire::ErrorKind;
use serde_json::json;

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
    sealed(archive)
}

fn sealed(archive: tar::Builder<Vec<u8>>) -> Vec<u8> {
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
    let reply = load(&tree, &[], &sealed(archive)).fails_as(ErrorKind::Invalid);
    assert!(reply.error.message.contains("version 2"), "{reply:?}");
    assert!(!tree.store("alice.json").exists());
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
