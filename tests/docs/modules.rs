//! A test file that nobody compiles passes for ever.

use crate::harness::source;
use std::path::Path;

/// The files below a folder whose module declares none of that name.
fn undeclared(folder: &Path, head: &str, found: &mut Vec<String>) {
    let declared = std::fs::read_to_string(folder.join(head)).unwrap_or_default();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_module = if path.is_dir() {
            undeclared(&path, "mod.rs", found);
            path.join("mod.rs").exists()
        } else {
            name != head && path.extension().is_some_and(|end| end == "rs")
        };
        let line = format!("mod {};", name.trim_end_matches(".rs"));
        if is_module && !declared.lines().any(|declared| declared.ends_with(&line)) {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn every_file_here_is_a_module() {
    let mut found = Vec::new();
    undeclared(&source("tests"), "main.rs", &mut found);
    assert_eq!(found, Vec::<String>::new());
}
