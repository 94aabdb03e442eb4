//! Blocks of commands are run, and README is short and begins plainly.

use super::markdown::fences;
use super::{pages, read};

/// Words that a reader who knows Docker may not know.
const JARGON: [&str; 8] = [
    "PAM",
    "uid",
    "PID",
    "tombstone",
    "shadow",
    "NSS",
    "socketpair",
    "restore",
];

/// The page whose Dockerfiles `tests/images/programs/mod.rs` builds.
const DOCKERFILES: &str = "docs/programs.md";

#[test]
fn blocks_with_a_fence_are_commands_that_run_and_dockerfiles_that_are_built() {
    for page in pages() {
        let text = read(&page);
        let mut fences = fences(&text);
        if page == DOCKERFILES {
            fences.retain(|word| *word != "dockerfile");
        }
        assert!(
            fences.iter().all(|word| *word == "sh"),
            "{page}: {fences:?}"
        );
    }
    assert!(read("tests/images/programs/mod.rs").contains(DOCKERFILES));
}

/// `tests/docs/pages.rs` takes a page by its path.
#[test]
fn every_page_with_commands_is_run() {
    let runs = read("tests/docs/pages.rs");
    for page in pages() {
        let has_blocks = fences(&read(&page)).contains(&"sh");
        let is_run = runs.contains(&format!("Page::new(\"{page}\")"));
        assert_eq!(
            has_blocks, is_run,
            "{page}: blocks that say sh, and whether they are run"
        );
    }
}

#[test]
fn readme_is_short_and_its_first_screen_plain() {
    let readme = read("README.md");
    assert!(readme.lines().count() <= 130);
    let (first, _) = readme.split_once("\n## What you get\n").unwrap();
    let words = first.split(|c: char| !c.is_alphanumeric());
    let jargon: Vec<&str> = words.filter(|word| JARGON.contains(word)).collect();
    assert_eq!(jargon, Vec::<&str>::new());
}
