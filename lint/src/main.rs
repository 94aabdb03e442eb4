//! `just lint` runs this from the workspace's root. It reads the sources of every
//! crate and prints each broken rule with its files:
//!
//! - no file imports another that imports it, directly or around a circle;
//! - `unsafe` stands below `src/sys/` (or in `src/sys.rs`) and nowhere else.
//!
//! Tests (`#[cfg(test)]`, `#[test]`, and everything outside `src/`) are free of both.
//!
//! `source` parses one file, `tree` finds a crate's files by their `mod` lines,
//! `resolve` finds the file that a path means, `rules` are the rules.

mod resolve;
mod rules;
mod source;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt::Display;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    match broken_rules(Path::new("")) {
        Ok(broken) if broken.is_empty() => ExitCode::SUCCESS,
        Ok(broken) => fails(broken),
        Err(error) => fails([error]),
    }
}

fn fails<T: Display>(lines: impl IntoIterator<Item = T>) -> ExitCode {
    let mut stderr = io::stderr().lock();
    for line in lines {
        // Nothing is left to do about an error stream that is gone.
        let _ = writeln!(stderr, "{line}");
    }
    ExitCode::FAILURE
}

/// The broken rules of all crates in the folders of `root`.
fn broken_rules(root: &Path) -> Result<Vec<String>, String> {
    let mut broken = Vec::new();
    for src in sources(root)? {
        for file in ["lib.rs", "main.rs"] {
            let file = src.join(file);
            if file.is_file() {
                let tree = tree::Tree::read(&file)?;
                broken.extend(rules::circles(&tree));
                broken.extend(rules::misplaced_unsafe(&tree, &src));
            }
        }
    }
    Ok(broken)
}

/// `NAME/src` of every crate, in order.
fn sources(root: &Path) -> Result<Vec<PathBuf>, String> {
    let here = if root.as_os_str().is_empty() {
        Path::new(".")
    } else {
        root
    };
    let entries = fs::read_dir(here).map_err(|error| format!("{}: {error}", here.display()))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| root.join(entry.file_name()))
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .map(|folder| folder.join("src"))
        .filter(|src| src.is_dir())
        .collect();
    found.sort();
    Ok(found)
}
