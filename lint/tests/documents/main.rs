//! README.md and docs/, held against the files of this repository. Nothing here needs an
//! engine or a network; `tests/docs` runs the commands of the pages.
// The whole crate is tests, but clippy knows that of functions marked so alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod architecture;
mod blocks;
mod examples;
mod figures;
mod links;
mod markdown;
mod messages;
mod security;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of this repository.
fn source(path: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap().join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(source(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the paths of all pages.
fn pages() -> Vec<String> {
    let in_folder = |folder: &str| {
        let files = fs::read_dir(source(folder)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let pages = names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "md"));
        pages.collect::<Vec<_>>()
    };
    let mut pages = in_folder("");
    pages.extend(in_folder("docs").iter().map(|name| format!("docs/{name}")));
    pages.sort();
    assert!(pages.len() > 10, "{pages:?}");
    pages
}
