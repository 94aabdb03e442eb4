//! Everything that is in a tree, so that any change shows.

use accounts::account::Digest;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub(super) fn describe(root: &Path, path: &Path, state: &mut String) {
    let meta = fs::symlink_metadata(path).unwrap();
    let name = path.strip_prefix(root).unwrap();
    if name.ends_with(".lock") || name.ends_with(".pwd.lock") {
        return;
    }
    let (mode, uid, gid) = (meta.mode(), meta.uid(), meta.gid());
    write!(state, "{} {mode:o} {uid}:{gid}", name.display()).unwrap();
    if meta.is_dir() {
        state.push('\n');
        let mut entries: Vec<PathBuf> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for entry in &entries {
            describe(root, entry, state);
        }
        return;
    }
    let (inode, size, links) = (meta.ino(), meta.size(), meta.nlink());
    write!(
        state,
        " {inode} {size} {links} {}.{}",
        meta.mtime(),
        meta.mtime_nsec()
    )
    .unwrap();
    if meta.is_symlink() {
        write!(state, " -> {}", fs::read_link(path).unwrap().display()).unwrap();
    } else if meta.is_file() && size < 1 << 20 {
        write!(state, " {}", Digest::of([fs::read(path).unwrap()])).unwrap();
    }
    state.push('\n');
}

/// Two states must be equal; of unequal ones the differing paths are printed.
#[track_caller]
pub(crate) fn unchanged(before: &str, after: &str, what: &dyn std::fmt::Debug) {
    let (old, new): (BTreeSet<&str>, BTreeSet<&str>) =
        (before.lines().collect(), after.lines().collect());
    let gone: Vec<_> = old.difference(&new).collect();
    let come: Vec<_> = new.difference(&old).collect();
    assert!(
        gone.is_empty() && come.is_empty(),
        "{what:?} changed {gone:#?}\nto {come:#?}"
    );
}

/// Lines of a file that are nobody's of `names`.
pub(crate) fn foreign<'a>(content: &'a [u8], names: &[&str]) -> Vec<&'a [u8]> {
    let is_ours = |line: &[u8]| {
        names
            .iter()
            .any(|name| line.starts_with(format!("{name}:").as_bytes()))
    };
    content
        .split_inclusive(|&b| b == b'\n')
        .filter(|line| !is_ours(line))
        .collect()
}
