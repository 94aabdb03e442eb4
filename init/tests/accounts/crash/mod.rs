//! A kill at any system call that changes something.
//!
//! Each scenario is run once under strace without injection; its mutating calls
//! are the points. Then, for each point, a copy of the same tree takes the same
//! run and is killed right before that call. What must hold:
//!
//! - right after the kill, no passwd line of a person stands without its shadow
//!   and group lines, every line of the image is there to the byte, and every
//!   record is there or under its tombstone;
//! - after one `restore`, the four files are those of before or those of after,
//!   no temporary and no lock of ours is left anywhere, and a second `restore`
//!   writes nothing.
//!
//! Every point is tried; nothing is sampled. A run that shows no point, or an
//! injected one that is not killed, is a failure: then the count was wrong and
//! nothing was tested.

mod errors;
pub(crate) mod points;
pub(crate) mod scenarios;

use crate::tree::{FOUR, STORE, Tree, unchanged};
use points::{Kind, Point, points};
use scenarios::Scenario;
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Names of our accounts in the scenarios, and of a group whose members are ours.
const OURS: [&str; 7] = ["alice", "bob", "carol", "dave", "erin", "user_", "staff"];

macro_rules! killed_everywhere {
    ($($name:ident: $scenario:ident;)*) => {
        $(#[test]
        fn $name() {
            everywhere(stringify!($name), &scenarios::$scenario);
        })*
    };
}

killed_everywhere! {
    add: ADD;
    passwd: PASSWD;
    disable: DISABLE;
    enable: ENABLE;
    remove: REMOVE;
    remove_with_the_home: REMOVE_WITH_THE_HOME;
    add_again: ADD_AGAIN;
    restore_of_twenty: RESTORE_OF_TWENTY;
    upgrade_of_older_records: UPGRADE;
    import: IMPORT;
    adopt: ADOPT;
    capture: CAPTURE;
    capture_of_a_lock: CAPTURE_OF_A_LOCK;
    capture_of_an_expiry: CAPTURE_OF_AN_EXPIRY;
    capture_of_a_forced_change: CAPTURE_OF_A_FORCED_CHANGE;
    set: SET;
    import_update: IMPORT_UPDATE;
    add_in_place: ADD_IN_PLACE;
    disable_in_place: DISABLE_IN_PLACE;
    remove_in_place: REMOVE_IN_PLACE;
}

/// Kills the scenario at every point, and prints how that went.
fn everywhere(name: &str, scenario: &Scenario) {
    let made = (scenario.make)();
    let mut points = points(scenario, &made);
    points.retain(|point| point.kind == Kind::Changes);
    assert!(
        points.len() > 30,
        "{} points: does strace show all?",
        points.len()
    );
    let allowed = allowed(scenario, &made);
    let (mut killed, mut unsafe_, mut healed) = (0, Vec::new(), 0);
    for point in &points {
        let tree = made.copy();
        let ran = injected(scenario, &tree, point, "signal=KILL");
        let place = format!("{name} killed at {}", point.what);
        assert_eq!(ran.code, -1, "{place}: it was not killed\n{}", ran.err);
        killed += 1;
        unsafe_.extend(danger(&tree, &made).map(|danger| format!("{place}: {danger}")));
        heals(&tree, &made, &allowed, &place);
        healed += 1;
    }
    let report = format!(
        "kill points of {name}: {}, unsafe {}, healed {healed}\n",
        points.len(),
        unsafe_.len()
    );
    // Not by the macros, whose output is shown for failed tests only.
    let _ = std::io::stderr().write_all(report.as_bytes());
    assert_eq!((killed, healed), (points.len(), points.len()), "{name}");
    assert!(unsafe_.is_empty(), "{}", unsafe_.join("\n"));
}

/// What the files may be once healed: as before, as after, and as after any
/// whole part of it.
fn allowed(scenario: &Scenario, made: &Tree) -> Vec<Vec<String>> {
    let inputs = (scenario.parts)().into_iter().chain([(scenario.input)()]);
    let mut allowed: Vec<_> = inputs
        .map(|input| scenario.settled(made, Some(&input)))
        .collect();
    allowed.push(scenario.settled(made, None));
    allowed
}

fn heals(tree: &Tree, made: &Tree, allowed: &[Vec<String>], place: &str) {
    tree.run(&["restore"]).ends(0);
    let healed = four_files(tree);
    assert!(allowed.contains(&healed), "{place}: neither old nor new");
    assert_eq!(danger(tree, made), None, "{place}, then restored");
    assert_no_leftovers(tree.root(), place);
    let state = tree.state();
    tree.run(&["restore"]).ends(0);
    unchanged(&state, &tree.state(), &place);
}

pub(crate) fn four_files(tree: &Tree) -> Vec<String> {
    FOUR.iter().map(|file| tree.text(file)).collect()
}

/// What is half there or lost, if anything is.
fn danger(tree: &Tree, made: &Tree) -> Option<String> {
    half_there(tree)
        .or_else(|| lost_line(tree, made))
        .or_else(|| lost_record(tree, made))
}

/// Who has a line in passwd can be looked up in the other files.
fn half_there(tree: &Tree) -> Option<String> {
    let passwd = tree.text("etc/passwd");
    let people = passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?.parse::<u32>().ok()?);
        (1000..60_000).contains(&uid).then_some(name)
    });
    people
        .flat_map(|name| ["etc/shadow", "etc/group"].map(|file| (name, file)))
        .find(|(name, file)| tree.line(file, name).is_none())
        .map(|(name, file)| format!("'{name}' is in passwd, not in {file}"))
}

/// Lines of others, to the byte and in order.
fn lost_line(tree: &Tree, made: &Tree) -> Option<String> {
    let others = |tree: &Tree, file: &str| -> Vec<Vec<u8>> {
        let content = tree.read(file);
        let is_ours = |line: &[u8]| OURS.iter().any(|name| line.starts_with(name.as_bytes()));
        let lines = content.split_inclusive(|&b| b == b'\n');
        lines
            .filter(|line| !is_ours(line) && *line != b"\n")
            .map(<[u8]>::to_vec)
            .collect()
    };
    FOUR.iter()
        .find(|file| others(tree, file) != others(made, file))
        .map(|file| format!("lines of others in {file} changed"))
}

fn lost_record(tree: &Tree, made: &Tree) -> Option<String> {
    let names = made.store_names();
    names
        .into_iter()
        .find(|name| !has_record(tree, name))
        .map(|name| format!("the record of '{name}' is lost"))
}

/// As a record of either format or as a tombstone, whole.
fn has_record(tree: &Tree, name: &str) -> bool {
    let is_whole = |path: String| {
        let document = fs::read(tree.store(&path))
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        document.is_some_and(|record| record["userName"] == name || record["username"] == name)
    };
    is_whole(format!("{name}.json"))
        || (10_000..10_003).any(|uid| is_whole(format!("removed/{uid}.json")))
}

/// No temporary, no lock link, no half-made home, anywhere.
pub(crate) fn assert_no_leftovers(directory: &Path, place: &str) {
    let entries = |directory: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let mut paths = entries(directory);
    while let Some(path) = paths.pop() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_lock = name
            .strip_suffix(".lock")
            .is_some_and(|file| !matches!(file, "" | ".pwd"));
        let is_pid_file = path.parent().unwrap().ends_with("etc")
            && name
                .rsplit_once('.')
                .is_some_and(|(_, end)| end.parse::<u32>().is_ok());
        assert!(
            !name.starts_with(".occ-") && !is_lock && !is_pid_file && !name.ends_with('+'),
            "{place}: {} is left",
            path.display()
        );
        if path.is_dir() && !path.is_symlink() {
            paths.extend(entries(&path));
        }
    }
    assert!(directory.join(STORE).is_dir());
}

/// One injected run, for [`errors`] too.
pub(crate) fn injected(
    scenario: &Scenario,
    tree: &Tree,
    point: &Point,
    what: &str,
) -> crate::tree::Ran {
    let inject = format!("--inject={}:{what}:when={}", point.call, point.when);
    scenario.strace(tree, &[&format!("--trace={}", point.call), &inject])
}
