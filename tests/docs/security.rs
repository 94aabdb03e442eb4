//! `docs/security.md` says only what a test shows: each test that it names is there.

use crate::harness::source;
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

/// The sources that hold a test: the file of its path, or all units of the login.
fn sources_of(name: &str) -> String {
    let Some((modules, _)) = name.rsplit_once("::") else {
        return sources(&source("gate/src"));
    };
    let folder = match modules.split("::").next() {
        Some("monitor" | "web") => "gate/tests",
        Some("backup") => "init/tests/accounts",
        Some("occ_init") => "host-cli/src",
        _ => "tests",
    };
    let file = format!("{folder}/{}.rs", modules.replace("::", "/"));
    std::fs::read_to_string(source(&file)).unwrap_or_default()
}

#[test]
fn every_test_it_names_exists() {
    let document = std::fs::read_to_string(source("docs/security.md")).unwrap();
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
