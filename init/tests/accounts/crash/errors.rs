//! An error at any system call that opens, reads or changes something: a full
//! disk, a read-only one, a failing one, a mount point, no file descriptor left,
//! a capability that is missing, a signal.
//!
//! The points are those of [`super`], and reads besides. What must hold after
//! each single error:
//!
//! - the run ends by itself: without error where it can go on (always after
//!   EINTR, which only says "again"), else with the exit code of a failure and a
//!   message that names the file;
//! - every record that was there is there or under its tombstone, and every
//!   line of the image is in its file, to the byte;
//! - the next `restore` makes the files those of before or those of after (of
//!   after, if the run said that the change is made or recorded), and leaves no
//!   temporary and no lock.

use super::points::{Kind, Point, points};
use super::scenarios::{self, Scenario};
use super::{allowed, assert_no_leftovers, four_files, injected, lost_line, lost_record};
use crate::tree::{Ran, Tree};
use std::collections::BTreeSet;
use std::io::Write as _;

macro_rules! spoilt_everywhere {
    ($($name:ident: $scenario:ident;)*) => {
        $(#[test]
        fn $name() {
            everywhere(stringify!($name), &scenarios::$scenario);
        })*
    };
}

spoilt_everywhere! {
    add: ADD;
    passwd: PASSWD;
    disable: DISABLE;
    enable: ENABLE;
    remove: REMOVE;
    add_again: ADD_AGAIN;
    restore_of_three: RESTORE_OF_THREE;
    upgrade_of_older_records: UPGRADE;
    import: IMPORT;
    adopt: ADOPT;
    capture: CAPTURE;
    disable_in_place: DISABLE_IN_PLACE;
}

/// Commands look twice, before and after a question: of reads that are alike the
/// last one is enough.
fn distinct(points: Vec<Point>) -> Vec<Point> {
    let mut seen = BTreeSet::new();
    let mut distinct: Vec<Point> = points
        .into_iter()
        .rev()
        .filter(|point| point.kind != Kind::Opens || seen.insert(point.what.clone()))
        .collect();
    distinct.reverse();
    distinct
}

fn errors(point: &Point) -> &'static [&'static str] {
    match (point.kind, point.call.as_str()) {
        (Kind::Opens, _) => &["EMFILE", "EIO", "EINTR"],
        (Kind::Reads, _) => &["EIO"],
        (Kind::Changes, "fchown" | "fchownat") => {
            &["ENOSPC", "EROFS", "EIO", "EBUSY", "EPERM", "EINTR"]
        }
        (Kind::Changes, _) => &["ENOSPC", "EROFS", "EIO", "EBUSY", "EINTR"],
    }
}

fn everywhere(name: &str, scenario: &Scenario) {
    let made = (scenario.make)();
    let points = distinct(points(scenario, &made));
    let of = |kind| points.iter().filter(|point| point.kind == kind).count();
    assert!(
        of(Kind::Opens) > 10 && of(Kind::Reads) > 10,
        "no file is read?"
    );
    let sorted = allowed(scenario, &made);
    let allowed: Vec<_> = sorted.iter().map(|files| sorted_lines(files)).collect();
    let (mut count, mut failures) = (0, Vec::new());
    for point in &points {
        for error in errors(point) {
            count += 1;
            failures.extend(spoil(scenario, &made, point, error, &allowed).err());
        }
    }
    let report = format!("errors in {name}: {count}, bad ends {}\n", failures.len());
    let _ = std::io::stderr().write_all(report.as_bytes());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs the scenario with one error in one place; what went wrong, in a line.
fn spoil(
    scenario: &Scenario,
    made: &Tree,
    point: &Point,
    error: &str,
    allowed: &[Vec<Vec<String>>],
) -> Result<(), String> {
    let tree = made.copy();
    let ran = injected(scenario, &tree, point, &format!("error={error}"));
    let place = format!("{} with {error} at {}", scenario.args.join(" "), point.what);
    let fail = |what: &str| Err(format!("{place}: {what}\n  {} {}", ran.code, ran.err));
    if let Some(what) = ends_badly(&ran, &tree, error) {
        return fail(what);
    }
    if let Some(lost) = lost_line(&tree, made).or_else(|| lost_record(&tree, made)) {
        return fail(&lost);
    }
    let healing = tree.run(&["restore"]);
    if healing.code != 0 {
        return fail(&format!("no restore afterwards: {}", healing.err));
    }
    let healed = sorted_lines(&four_files(&tree));
    // The whole of it is the last but one, see `allowed`.
    let whole = &allowed[allowed.len() - 2];
    let is_made = ran.code == 0 || ran.err.contains("is recorded");
    if !allowed.contains(&healed) || (is_made && healed != *whole) {
        return fail("neither old nor new");
    }
    if let Some(lost) = lost_line(&tree, made) {
        return fail(&format!("{lost} in the next restore"));
    }
    assert_no_leftovers(tree.root(), &place);
    Ok(())
}

fn ends_badly(ran: &Ran, tree: &Tree, error: &str) -> Option<&'static str> {
    if ![0, 1, 3, 4, 5].contains(&ran.code) || ran.err.contains("panicked") {
        return Some("it did not end by itself, or with a wrong code");
    }
    if error == "EINTR" && ran.code != 0 {
        return Some("an interrupted call was not repeated");
    }
    // A record is named by its account; without the other's record, which is
    // not read, the account would be the last.
    let root = tree.root().to_str().unwrap();
    let last = "Cannot remove last user";
    let names = [root, "/proc/", "record of 'alice'", "record of 'bob'", last];
    // An import says per line what became of it, as its answer.
    let said = [&ran.err, &ran.out];
    let names_it = |name: &&str| said.iter().any(|text| text.contains(name));
    (ran.code != 0 && !names.iter().any(names_it)).then_some("the error does not name the file")
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
