//! `docs/architecture.md` names files that exist, and all rooms.

use super::{read, source};
use std::collections::BTreeSet;

fn document() -> String {
    read("docs/architecture.md")
}

/// Words in backquotes; the document has no code blocks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Paths have a slash; those from the container's root, and with `…`, are no files here.
#[test]
fn every_file_it_names_exists() {
    let document = document();
    let is_path = |word: &&str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        word.contains('/') && !word.starts_with('/') && word.chars().all(plain)
    };
    let mut seen = 0;
    let mut missing = Vec::new();
    let mut src = String::new();
    for line in document.lines() {
        for path in quoted(line).filter(is_path) {
            seen += 1;
            let begins = path.ends_with("/src/") && line.starts_with('`');
            if begins {
                path.clone_into(&mut src);
            }
            let here = source(path).exists();
            let in_room = line.starts_with('|') && source(&format!("{src}{path}")).exists();
            if !here && !in_room {
                missing.push(path.to_owned());
            }
        }
    }
    assert!(seen > 80, "only {seen} paths: is the document read right?");
    assert_eq!(missing, Vec::<String>::new());
}

/// A folder of a crate's `src/` that has no row.
#[test]
fn every_room_has_a_row() {
    let document = document();
    for part in document.split("\n`").skip(1) {
        let Some((krate, table)) = part.split_once("/src/`\n") else {
            continue;
        };
        let table = table.split("\n\n`").next().unwrap();
        let rows: BTreeSet<&str> = table
            .lines()
            .filter(|line| line.starts_with("| `"))
            .flat_map(quoted)
            .map(|row| row.trim_end_matches('/').trim_end_matches(".rs"))
            .collect();
        for entry in std::fs::read_dir(source(krate).join("src")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.join("mod.rs").is_file() {
                assert!(rows.contains(name), "no row for {krate}/src/{name}");
            }
        }
    }
}
