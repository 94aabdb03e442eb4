//! Links of the pages lead somewhere.

use super::markdown::{anchors, targets};
use super::{pages, read, source};
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Addresses of other sites. A new one is looked at before it stands here.
const ELSEWHERE: [&str; 6] = [
    "https://github.com/anomalyco/opencode",
    "https://github.com/coder/code-server/issues/1988",
    "https://github.com/jupyterhub/the-littlest-jupyterhub/issues/934",
    "https://opencode.ai",
    "https://semver.org",
    "https://systemd.io/USER_RECORD/",
];

fn is_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// `docs/../image/x` as `image/x`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                assert!(plain.pop(), "{} leaves the repository", path.display());
            }
            other => plain.push(other),
        }
    }
    plain
}

/// Why a link of a page leads nowhere.
fn fault(page: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = Path::new(page).parent().unwrap();
    let path = match file {
        "" => PathBuf::from(page),
        _ => plain(&folder.join(file)),
    };
    let path = path.to_str().unwrap();
    if !source(path).exists() {
        return Some(format!("{page}: there is no file '{path}'"));
    }
    let is_there = anchor.is_empty() || anchors(&read(path)).iter().any(|one| one == anchor);
    (!is_there).then(|| format!("{page}: '{path}' has no heading '#{anchor}'"))
}

#[test]
fn files_and_headings_exist() {
    let mut seen = 0;
    let mut faults = Vec::new();
    for page in pages() {
        let targets = targets(&read(&page));
        let here = targets.iter().filter(|target| !is_elsewhere(target));
        for target in here {
            seen += 1;
            faults.extend(fault(&page, target));
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    assert!(seen > 60, "only {seen} links: are the pages read right?");
    assert!(fault("docs/login.md", "no.md").is_some() && fault("README.md", "#no").is_some());
}

/// The pages that a comment or a message names: `docs/accounts.md`, `README.md`.
fn pages_named(line: &str) -> impl Iterator<Item = &str> {
    let is_apart = |c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c));
    let words = line.split(is_apart).map(|word| word.trim_end_matches('.'));
    words.filter(|word| {
        word.strip_suffix(".md")
            .is_some_and(|name| !name.is_empty())
    })
}

#[test]
fn pages_that_comments_name_exist() {
    let list = Command::new("git")
        .args([
            "-C",
            source("").to_str().unwrap(),
            "ls-files",
            "*.rs",
            "*.toml",
        ])
        .output()
        .unwrap();
    let mut named = BTreeSet::new();
    for file in String::from_utf8(list.stdout).unwrap().lines() {
        let text = read(file);
        let comments = text.lines().map(str::trim);
        let comments = comments.filter(|line| line.starts_with("//") || line.starts_with('#'));
        for page in comments.flat_map(pages_named) {
            let folder = Path::new(file).parent().unwrap();
            let is_there = source(page).exists() || source("").join(folder).join(page).exists();
            assert!(is_there, "{file} names '{page}', which is not there");
            named.insert(page.to_owned());
        }
    }
    assert!(named.contains("docs/benchmarks.md"), "{named:?}");
    let found: Vec<&str> = pages_named("//! as (DESIGN.md §10: 3) in docs/a.md.").collect();
    assert_eq!(found, ["DESIGN.md", "docs/a.md"]);
}

#[test]
fn addresses_of_other_sites_are_listed() {
    let pages = pages();
    let targets = pages.iter().flat_map(|page| targets(&read(page)));
    let found: BTreeSet<String> = targets.filter(|target| is_elsewhere(target)).collect();
    let listed: BTreeSet<String> = ELSEWHERE.iter().map(ToString::to_string).collect();
    assert_eq!(found, listed);
    assert!(
        ELSEWHERE
            .iter()
            .all(|target| target.starts_with("https://"))
    );
}
