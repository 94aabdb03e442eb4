//! `docs/security.md` says only what a test shows: each test that it names is there.

use super::{read, source};
use std::path::Path;

/// The text of all sources below a folder.
fn sources(folder: &Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &sources(&path);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            all += &std::fs::read_to_string(&path).unwrap();
        }
    }
    all
}

/// The folders of tests that are named by their modules.
const FOLDERS: [&str; 6] = [
    "gate/tests",
    "init/tests/accounts",
    "init/tests",
    "accounts/tests",
    "host-cli/src",
    "tests",
];

/// The sources that may hold a test: the files of its path, or all units of the login.
fn sources_of(name: &str) -> String {
    let Some((modules, _)) = name.rsplit_once("::") else {
        return sources(&source("gate/src"));
    };
    let path = modules.replace("::", "/");
    let files = FOLDERS.iter().flat_map(|folder| {
        ["", "/mod", "/main"].map(|end| source(&format!("{folder}/{path}{end}.rs")))
    });
    files
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .collect()
}

#[test]
fn every_test_it_names_exists() {
    let document = read("docs/security.md");
    let rows = document.lines().filter(|line| line.starts_with("| "));
    // The last column; the words between backquotes.
    let columns = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | "));
    let named = columns.flat_map(|(_, tests)| tests.split('`').skip(1).step_by(2));
    let mut seen = 0;
    for name in named {
        seen += 1;
        let function = format!("fn {}(", name.rsplit("::").next().unwrap());
        assert!(sources_of(name).contains(&function), "no test {name}");
    }
    assert!(seen > 50, "only {seen} tests: is the document read right?");
}
