//! A kill at any system call that changes something.
//!
//! Each scenario is run once under strace without injection; its mutating calls
//! are the points. Then, for each point, the same tree is made anew and the same
//! run is killed right before that call. What must hold:
//!
//! - right after the kill, no passwd line of ours stands without its shadow and
//!   group lines, and every line of the image is there;
//! - after one `restore`, the four files are those of before or those of after,
//!   no temporary of ours is left anywhere, and a second `restore` writes nothing.
//!
//! Calls are counted per system call, as strace's `when=` counts them. An
//! uninjected run that shows no point, or an injected one that is not killed, is
//! a failure: then the count was wrong and nothing was tested. Every point is
//! tried; nothing is sampled.

use crate::tree::{FOUR, Ran, STORE, Tree, finish, hash, record, unchanged};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What changes a file system, as strace calls it; `openat` changes something
/// only where it makes a file.
const MUTATING: [&str; 17] = [
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "symlinkat",
    "fchmod",
    "fchown",
];

/// One command on a tree that is made for it.
pub(crate) struct Scenario {
    pub(crate) make: fn() -> Tree,
    pub(crate) args: &'static [&'static str],
    pub(crate) input: fn() -> Vec<u8>,
}

/// One call of one kind, the `when`-th.
pub(crate) struct Point {
    pub(crate) call: &'static str,
    pub(crate) when: usize,
    /// It opens what is there and changes nothing.
    pub(crate) is_read: bool,
    /// What strace said about it, for a failed test.
    pub(crate) what: String,
}

pub(crate) const ADD: Scenario = Scenario {
    make: || Tree::with(&["alice"]),
    args: &[
        "user",
        "add",
        "carol",
        "--groups",
        "staff",
        "--password-hash-stdin",
    ],
    input: || hash('c').into(),
};

pub(crate) const PASSWD: Scenario = Scenario {
    make: || Tree::with(&["alice"]),
    args: &["user", "passwd", "alice", "--password-hash-stdin"],
    input: || hash('n').into(),
};

pub(crate) const DISABLE: Scenario = Scenario {
    make: || Tree::with(&["alice"]),
    args: &["user", "disable", "alice"],
    input: Vec::new,
};

pub(crate) const REMOVE: Scenario = Scenario {
    make: || Tree::with(&["alice", "bob"]),
    args: &["user", "remove", "--yes", "bob"],
    input: Vec::new,
};

const REMOVE_WITH_THE_HOME: Scenario = Scenario {
    make: || {
        let tree = Tree::with(&["alice", "bob"]);
        fs::create_dir_all(tree.path("home/bob/a/b")).unwrap();
        fs::write(tree.path("home/bob/a/b/c"), "diary").unwrap();
        tree
    },
    args: &["user", "remove", "--yes", "--purge-home", "bob"],
    input: Vec::new,
};

pub(crate) const RESTORE_OF_THREE: Scenario = Scenario {
    make: || {
        let tree = Tree::new();
        for (name, uid, letter) in [
            ("alice", 10_000, 'a'),
            ("bob", 10_001, 'b'),
            ("carol", 10_002, 'c'),
        ] {
            let more = json!({ "privileged": { "hashedPassword": [hash(letter)] }, "memberOf": ["staff"] });
            tree.plant(&format!("{name}.json"), &record(name, uid, &more));
        }
        tree
    },
    args: &["restore"],
    input: Vec::new,
};

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
fn remove_with_the_home() {
    everywhere(&REMOVE_WITH_THE_HOME);
}

#[test]
fn restore_of_three() {
    everywhere(&RESTORE_OF_THREE);
}

/// Kills the scenario at every point.
fn everywhere(scenario: &Scenario) {
    let mut points = points(scenario);
    points.retain(|point| !point.is_read);
    assert!(
        points.len() > 30,
        "only {} points: strace shows nothing?",
        points.len()
    );
    let (before, after) = (settled(scenario, false), settled(scenario, true));
    for point in &points {
        let tree = (scenario.make)();
        let inject = format!("--inject={}:signal=KILL:when={}", point.call, point.when);
        let ran = strace(scenario, &tree, &[&inject]);
        let place = format!(
            "{} killed at {} {}",
            scenario.args.join(" "),
            point.call,
            point.what
        );
        assert_eq!(ran.code, -1, "{place}: it was not killed\n{}", ran.err);
        assert_safe(&tree, &place);
        tree.run(&["restore"]).ends(0);
        let healed = four_files(&tree);
        assert!(
            healed == before || healed == after,
            "{place}: neither old nor new"
        );
        assert_no_leftovers(tree.root(), &place);
        let state = tree.state();
        tree.run(&["restore"]).ends(0);
        unchanged(&state, &tree.state(), &place);
    }
}

/// The calls of an uninjected run that change something or open a file.
pub(crate) fn points(scenario: &Scenario) -> Vec<Point> {
    let tree = (scenario.make)();
    let trace = tree.path("../").join(format!(
        "trace-{}",
        tree.root().file_name().unwrap().display()
    ));
    let ran = strace(scenario, &tree, &["-o", trace.to_str().unwrap()]);
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(trace).unwrap();
    assert_eq!(ran.code, 0, "{}", ran.err);
    let mut counts = BTreeMap::<&str, usize>::new();
    let mut points = Vec::new();
    for line in text.lines() {
        let Some(call) = MUTATING
            .into_iter()
            .find(|call| line.starts_with(&format!("{call}(")))
        else {
            continue;
        };
        let count = counts.entry(call).or_default();
        *count += 1;
        let is_read = call == "openat" && !line.contains("O_CREAT");
        let is_talk = line.starts_with("write(1,") || line.starts_with("write(2,");
        // The dynamic loader is none of ours.
        if !is_talk && !line.contains(".so") {
            // A path and no content: a write could hold a hash.
            let what = if call == "write" {
                String::new()
            } else {
                line.to_owned()
            };
            points.push(Point {
                call,
                when: *count,
                is_read,
                what,
            });
        }
    }
    points
}

/// Runs the scenario under strace.
pub(crate) fn strace(scenario: &Scenario, tree: &Tree, options: &[&str]) -> Ran {
    let plain = tree.command(scenario.args);
    let mut command = Command::new("strace");
    command
        .arg("-qq")
        .arg(format!("--trace={}", MUTATING.join(",")))
        .args(options);
    if !options.contains(&"-o") {
        command.args(["-o", "/dev/null"]);
    }
    command.arg(plain.get_program()).args(plain.get_args());
    let found = Command::new("strace").arg("-V").output();
    assert!(
        found.is_ok(),
        "strace is missing: install it (apt-get install strace), this test kills with it"
    );
    finish(command, &(scenario.input)())
}

/// The four files after the scenario, or before it, once restored.
pub(crate) fn settled(scenario: &Scenario, with_it: bool) -> Vec<String> {
    let tree = (scenario.make)();
    if with_it {
        tree.feed(scenario.args, (scenario.input)()).ends(0);
    } else if scenario.args == ["restore"] {
        return four_files(&tree);
    }
    tree.restore();
    four_files(&tree)
}

/// What must be equal, without the day of the last change, which is today's.
pub(crate) fn four_files(tree: &Tree) -> Vec<String> {
    FOUR.iter().map(|file| tree.text(file)).collect()
}

/// Right after a kill: who has a line in passwd can be looked up in the others,
/// and nobody of the image is lost.
fn assert_safe(tree: &Tree, place: &str) {
    for name in ["alice", "bob", "carol"] {
        if tree.line("etc/passwd", name).is_some() {
            for file in ["etc/shadow", "etc/group"] {
                assert!(
                    tree.line(file, name).is_some(),
                    "{place}: {name} is in passwd, not in {file}"
                );
            }
        }
    }
    for name in ["root", "daemon", "node", "nobody"] {
        for file in ["etc/passwd", "etc/shadow"] {
            assert!(
                tree.line(file, name).is_some(),
                "{place}: {name} is lost from {file}"
            );
        }
    }
}

/// No temporary, no lock link, no half-made home, anywhere.
pub(crate) fn assert_no_leftovers(directory: &Path, place: &str) {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
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
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
    }
    assert!(directory.join(STORE).is_dir());
}
