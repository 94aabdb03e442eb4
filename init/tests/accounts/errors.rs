//! An error at any system call that opens or changes something: a full disk, a
//! read-only one, a failing one, a mount point, no file descriptor left, a signal.
//!
//! The points are those of [`crate::crash`], and reads besides. What must hold
//! after each single error:
//!
//! - the run ends by itself: without error where it can go on (always after
//!   EINTR, which only says "again"), else with one that names the file;
//! - every record that was there is there or under its tombstone, and every
//!   line of the image is in its file, to the byte;
//! - the next `restore` makes the files those of before or those of after (of
//!   after, if the run said that the change is made or recorded), and leaves no
//!   temporary and no lock.

use crate::crash::{
    ADD, DISABLE, PASSWD, Point, REMOVE, RESTORE_OF_THREE, Scenario, assert_no_leftovers,
    four_files, points, settled, strace,
};
use crate::tree::{FOUR, Ran, Tree, foreign};
use serde_json::Value;
use std::fs;

#[test]
fn add() {
    everywhere(&ADD);
}

#[test]
fn passwd() {
    everywhere(&PASSWD);
}

#[test]
fn disable() {
    everywhere(&DISABLE);
}

#[test]
fn remove() {
    everywhere(&REMOVE);
}

#[test]
fn restore_of_three() {
    everywhere(&RESTORE_OF_THREE);
}

/// What each call can really fail with, as its manual page lists it.
fn errors(point: &Point) -> &'static [&'static str] {
    match point.call {
        "openat" if point.is_read => &["EMFILE", "EIO", "EINTR"],
        "openat" => &["EMFILE", "EROFS", "ENOSPC", "EINTR"],
        "write" | "pwrite64" | "fsync" | "fdatasync" => &["ENOSPC", "EIO", "EINTR"],
        "rename" | "renameat" | "renameat2" => &["EBUSY", "EROFS", "ENOSPC", "EIO", "EINTR"],
        "fchmod" | "fchown" => &["EROFS", "EIO", "EINTR"],
        _ => &["EROFS", "ENOSPC", "EIO", "EINTR"],
    }
}

fn everywhere(scenario: &Scenario) {
    let points = points(scenario);
    assert!(
        points.iter().filter(|point| point.is_read).count() > 10,
        "no file is read?"
    );
    let sorted = |with_it| sorted_lines(&settled(scenario, with_it));
    let (before, after) = (sorted(false), sorted(true));
    let mut failures = Vec::new();
    for point in &points {
        for error in errors(point) {
            failures.extend(inject(scenario, point, error, &before, &after).err());
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Runs the scenario with one error in one place; what went wrong, in a line.
fn inject(
    scenario: &Scenario,
    point: &Point,
    error: &str,
    before: &[Vec<String>],
    after: &[Vec<String>],
) -> Result<(), String> {
    let tree = (scenario.make)();
    let files: Vec<Vec<u8>> = FOUR.iter().map(|file| tree.read(file)).collect();
    let inject = format!("--inject={}:error={error}:when={}", point.call, point.when);
    let ran = strace(scenario, &tree, &[&inject]);
    let place = format!(
        "{} with {error} at {} {}",
        scenario.args.join(" "),
        point.call,
        point.what
    );
    let fail = |what: &str| Err(format!("{place}: {what}\n  {} {}", ran.code, ran.err));
    if let Some(what) = ends_badly(&ran, &tree, error) {
        return fail(what);
    }
    // A group of the image, but its members are ours.
    let names = ["alice", "bob", "carol", "staff"];
    let is_kept = || {
        let mut pairs = FOUR.iter().zip(&files);
        pairs.all(|(file, old)| foreign(&tree.read(file), &names) == foreign(old, &names))
    };
    if !is_kept() {
        return fail("lines of others changed");
    }
    if !(scenario.make)()
        .store_names()
        .iter()
        .all(|name| has_record(&tree, name))
    {
        return fail("a record is lost");
    }
    let healing = tree.run(&["restore"]);
    if healing.code != 0 {
        return fail(&format!("no restore afterwards: {}", healing.err));
    }
    let healed = sorted_lines(&four_files(&tree));
    let is_made = ran.code == 0 || ran.err.contains("is recorded");
    if healed != after && (is_made || healed != before) {
        return fail("neither old nor new");
    }
    if !is_kept() {
        return fail("lines of others changed in the next restore");
    }
    assert_no_leftovers(tree.root(), &place);
    Ok(())
}

fn ends_badly(ran: &Ran, tree: &Tree, error: &str) -> Option<&'static str> {
    if !(0..=9).contains(&ran.code) || ran.err.contains("panicked") {
        return Some("it did not end by itself");
    }
    if error == "EINTR" && ran.code != 0 {
        return Some("an interrupted call was not repeated");
    }
    // A record is named by its account; without the other's record, which is
    // not read, the account would be the last.
    let root = tree.root().to_str().unwrap();
    let last = "Cannot remove last user";
    let names = [root, "/proc/", "record of 'alice'", "record of 'bob'", last];
    (ran.code != 0 && !names.iter().any(|name| ran.err.contains(name)))
        .then_some("the error does not name the file")
}

/// Whose record could not be read in one run gets a line and memberships in the
/// next, after those of the others.
fn sorted_lines(files: &[String]) -> Vec<Vec<String>> {
    let sorted = |text: &String| {
        let mut lines: Vec<String> = text.lines().map(sorted_members).collect();
        lines.sort_unstable();
        lines
    };
    files.iter().map(sorted).collect()
}

fn sorted_members(line: &str) -> String {
    let (start, members) = line.rsplit_once(':').unwrap_or_default();
    let mut members: Vec<&str> = members.split(',').collect();
    members.sort_unstable();
    format!("{start}:{}", members.join(","))
}

fn has_record(tree: &Tree, name: &str) -> bool {
    let is_whole = |path: String| {
        let document = fs::read(tree.store(&path))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        document.is_some_and(|record| record["userName"] == name)
    };
    is_whole(format!("{name}.json"))
        || (10_000..10_003).any(|uid| is_whole(format!("removed/{uid}.json")))
}
