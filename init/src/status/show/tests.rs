use super::*;
use crate::cli::globals::Globals;
use crate::clock::now_usec;
use crate::status::claim::Claim;
use crate::status::file::{StatusFile, tell_restore};
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn summary_is_shown_as_lines() {
    let status = json!({
        "schema": 1, "pid": 1, "child": {"pid": 0, "argv0": "op\u{1b}en"},
        "restore": {"state": "done", "restored": 2, "skipped": ["a", "b"], "removed": []},
    });
    assert_eq!(
        for_people(&status),
        "restore: done\n  removed: none\n  restored: 2\n  skipped: a, b\ncommand: op?en (pid 0), not running\n"
    );
}

/// The status file of a tree of its own.
fn status_file(argv0: &str) -> (tempfile::TempDir, Globals, StatusFile) {
    let dir = tempfile::tempdir().unwrap();
    let globals = Globals {
        root: Some(dir.path().to_owned()),
        ..Globals::default()
    };
    let status = StatusFile::new(&globals.paths(), 7, argv0.to_owned());
    (dir, globals, status)
}

#[test]
fn ending_stays_when_a_late_restore_is_written() {
    let (_dir, globals, mut status) = status_file("sh");
    status.set_restore(json!({"state": "running"}));
    status.write().unwrap();
    let before = read(&globals).unwrap();
    assert!(!is_ending(&before));
    assert!(status.set_ending());
    assert!(!status.set_ending(), "once");
    status.write().unwrap();
    let mut after = read(&globals).unwrap();
    assert!(is_ending(&after));
    after["ending"] = json!(false);
    assert_eq!(after, before);
    status.set_restore(json!({"state": "done"}));
    status.write().unwrap();
    let late = read(&globals).unwrap();
    assert_eq!(late.pointer("/restore/state"), Some(&json!("done")));
    assert!(is_ending(&late));
    assert_eq!(is_ready(&late).unwrap_err(), "the command was told to end");
}

#[test]
fn file_is_written_whole_with_its_mode_and_read_back() {
    let (dir, globals, mut status) = status_file("a \"b\"");
    status.set_restore(json!({"state": "done"}));
    status.write().unwrap();
    let value = read(&globals).unwrap();
    assert_eq!(
        value.pointer("/child"),
        Some(&json!({"pid": 7, "argv0": "a \"b\""}))
    );
    assert_eq!(value.pointer("/restore/state"), Some(&json!("done")));
    assert_eq!(
        status.path().metadata().unwrap().permissions().mode() & 0o7777,
        0o644
    );
    let files = fs::read_dir(dir.path().join("run/occ-init")).unwrap();
    assert_eq!(files.count(), 1, "no temporary file stays");
}

#[test]
fn problems_are_those_of_the_last_restore() {
    let of = |restore: Value| problems(&json!({ "restore": restore }));
    let none: [&str; 0] = [];
    assert_eq!(of(json!({"state": "done", "problems": []})), none);
    assert_eq!(
        of(json!({"state": "done", "problems": ["a\u{1b}b", "c"]})),
        ["a?b", "c"]
    );
    assert_eq!(
        of(json!({"state": "failed", "reason": "no disk"})),
        ["the last restore failed: no disk"]
    );
    assert_eq!(
        of(json!({"state": "skipped", "reason": "not root"})),
        ["accounts are not restored: not root"]
    );
    assert_eq!(
        of(json!({"state": "skipped", "reason": "--no-restore"})),
        none
    );
    assert_eq!(of(json!({"state": "running"})), none);
}

#[test]
fn later_restore_of_a_command_is_the_last_one() {
    let restore = |at: u64| json!({"state": "done", "finishedUSec": at});
    let before = now_usec();
    let (_dir, globals, mut status) = status_file("sh");
    let after = now_usec();
    let last = || read(&globals).unwrap()["restore"]["finishedUSec"].clone();
    // Without a directory of PID 1's there is nobody to tell.
    tell_restore(&globals.paths(), &restore(after + 9));
    status.set_restore(restore(after + 5));
    status.write().unwrap();
    assert_eq!(last(), after + 5);
    for (at, expected) in [(4, 5), (6, 6)] {
        tell_restore(&globals.paths(), &restore(after + at));
        assert_eq!(last(), after + expected);
    }
    status.set_restore(restore(after + 7));
    status.write().unwrap();
    assert_eq!(last(), after + 7);
    let skipped = json!({"state": "skipped"});
    status.set_restore(skipped.clone());
    status.write().unwrap();
    assert_eq!(last(), after + 6);
    tell_restore(&globals.paths(), &restore(before - 1));
    assert_eq!(
        read(&globals).unwrap()["restore"],
        skipped,
        "of another boot"
    );
}

#[test]
fn file_is_of_the_first_that_claims_it() {
    let (_dir, globals, _) = status_file("first");
    let paths = globals.paths();
    assert!(matches!(Claim::look(&paths), Claim::Free));
    let first = Claim::take(&paths);
    assert!(matches!(first, Claim::Held(_)));
    for second in [Claim::take(&paths), Claim::look(&paths)] {
        assert!(matches!(second, Claim::Anothers));
    }
    drop(first);
    assert!(matches!(Claim::take(&paths), Claim::Held(_)));
}

#[test]
fn a_file_that_cannot_be_claimed_is_nobodys() {
    let (dir, globals, _) = status_file("first");
    std::fs::write(dir.path().join("run"), "a file").unwrap();
    assert!(matches!(Claim::take(&globals.paths()), Claim::Free));
}
