//! A hostile or half-broken volume, and people who fight back. Each attack is
//! left out with a reason, stays byte for byte, and never keeps anybody else
//! out: every test here sees that the others were restored.
//!
//! The rows are those of the attack table that shadow-utils, systemd, containerd
//! and their CVEs taught; a test's name begins with its row's number.
//!
//! | row | attack | file |
//! |---|---|---|
//! | 01 | a record with uid 0 | numbers |
//! | 02 | uids that are empty, `1e3`, -1, 2^32, 65535 | numbers |
//! | 03 | the uid of an image account | numbers |
//! | 04 | names of the image and the system | names |
//! | 05 | names with `:`, newline, `/`, `..`, `$(…)`, UTF-8 | names |
//! | 06 | names of digits | names |
//! | 07 | comment, home, shell with `:` or newline | texts |
//! | 08 | comment with `\r` or bidi overrides | texts |
//! | 09 | hashes that are none | texts |
//! | 10 | hashes that cost minutes | texts |
//! | 11 | a shell that is not there | texts |
//! | 12 | homes like `/`, `/etc`, `/root` | homes |
//! | 13 | a home, or its parent, that is a link | homes |
//! | 14 | a home that is swapped while it is made or deleted | homes |
//! | 15 | a record that is a link, FIFO, device, directory, socket | files |
//! | 16 | a record with a second link | files |
//! | 17 | 10 GB sparse, large, deep | files |
//! | 18 | owners and modes | files |
//! | 19 | one name in two cases, one uid twice | claims |
//! | 20 | groups that give power | names |
//! | 21 | very many records | files |
//! | 22 | JSON that is none, or not ours | contents |
//! | 23 | a newer schema | contents |
//! | 24 | what is left of others in the account files | etc_files |
//! | 25 | stale locks and temporaries | etc_files |
//! | 26 | a store that changes while it is read | etc_files |
//! | 27 | two containers on one volume | etc_files |
//! | 28 | account files that can't be replaced | etc_files |
//! | 29 | names that forge log lines | names |
//! | 30 | a clock at 1970 | numbers |

mod claims;
mod contents;
mod etc_files;
mod files;
mod homes;
mod names;
mod numbers;
mod people;
mod store;
mod texts;

use crate::support::SOON;
use crate::tree::{MARK, STORE, Tree, hash, record, unchanged};
use accounts::wire::ErrorKind;
use serde_json::Value;
use std::fs;
use std::time::Instant;

/// The sources, so that the table above can't promise what is not there.
const SOURCES: [&str; 10] = [
    include_str!("claims.rs"),
    include_str!("contents.rs"),
    include_str!("etc_files.rs"),
    include_str!("files.rs"),
    include_str!("homes.rs"),
    include_str!("names.rs"),
    include_str!("numbers.rs"),
    include_str!("people.rs"),
    include_str!("store.rs"),
    include_str!("texts.rs"),
];

/// Beside the table.
const OTHERS: [&str; 9] = [
    "group_names_of_sudoers",
    "reserved_prefixes",
    "planted_uid_at_the_top",
    "two_records_one_uid",
    "hash_cost_bombs",
    "tombstoned_lines_in_a_restarted_second_container",
    "a_person_stopping_setuid_passwd",
    "symlinked_ssh_directory",
    "strangers_processes_under_host_pid",
];

#[test]
fn every_row_has_its_test() {
    let all = SOURCES.concat();
    let is_tested = |name: &str| all.contains(&format!("#[test]\nfn {name}"));
    let rows = (1..=30).map(|row| format!("row_{row:02}_"));
    let missing: Vec<String> = rows
        .chain(OTHERS.map(str::to_owned))
        .filter(|name| !is_tested(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

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
    // Who is restored without an entry in the ledger gets one.
    let is_kept = |line: &&str| line.starts_with(STORE) && !line.contains("/uids/");
    let lines = whole.lines().filter(is_kept);
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
    assert!(started.elapsed() < SOON, "a record holds the boot up");
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

/// The same for records of mallory with one field changed each.
#[track_caller]
fn skipped_fields(cases: &[(Value, &str)]) {
    for (more, word) in cases {
        skipped_content(&record("mallory", 20_000, more), &[word]);
    }
}
