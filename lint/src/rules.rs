//! The rules. Each yields a line or more for every place where it is broken.

use crate::resolve::Target;
use crate::tree::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From each file to those that it imports from, with a path that does.
type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, String>>;

/// Circles of files that import each other.
///
/// A module may use what the modules around it define: `super::Error` in a child is
/// no import of this rule, `crate::other::Error` is.
pub(crate) fn circles(tree: &Tree) -> Vec<String> {
    let imports = imports(tree);
    let mut broken = Vec::new();
    let mut done = BTreeSet::new();
    for file in imports.keys() {
        if done.contains(file) {
            continue;
        }
        let from_here = reachable(&imports, file);
        let circle: Vec<&PathBuf> = from_here
            .iter()
            .filter(|other| reachable(&imports, other).contains(file))
            .collect();
        if !circle.is_empty() {
            broken.push(describe(&imports, &circle));
            done.extend(circle.into_iter().cloned());
        }
    }
    broken
}

fn imports(tree: &Tree) -> Imports {
    let mut imports = Imports::new();
    for (id, module) in tree.modules.iter().enumerate() {
        let uses = module.source.imports.iter().map(|import| &import.path);
        for path in uses.chain(&module.source.paths) {
            let Some(Target::Item(target)) = tree.resolve(id, path) else {
                continue;
            };
            let file = &tree.modules[target].file;
            if *file != module.file && !tree.is_in(id, target) {
                let from = imports.entry(module.file.clone()).or_default();
                from.entry(file.clone()).or_insert_with(|| path.join("::"));
            }
        }
    }
    imports
}

/// All files that a file imports from, directly or not.
fn reachable(imports: &Imports, from: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut next = vec![from.to_owned()];
    while let Some(file) = next.pop() {
        for other in imports.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    found
}

fn describe(imports: &Imports, circle: &[&PathBuf]) -> String {
    let mut lines = vec![format!("circle of {} files:", circle.len())];
    for &file in circle {
        let from = imports.get(file).into_iter().flatten();
        for (to, path) in from.filter(|(to, _)| circle.contains(to)) {
            lines.push(format!(
                "  {} imports {} ({path})",
                file.display(),
                to.display()
            ));
        }
    }
    lines.join("\n")
}

/// `unsafe` in a file that is not `src/sys.rs` nor below `src/sys/`.
pub(crate) fn misplaced_unsafe(tree: &Tree, src: &Path) -> Vec<String> {
    let files: BTreeSet<&Path> = tree
        .modules
        .iter()
        .filter(|module| module.source.has_unsafe)
        .map(|module| module.file.as_path())
        .filter(|file| *file != src.join("sys.rs") && !file.starts_with(src.join("sys")))
        .collect();
    let line = |file: &Path| {
        format!(
            "unsafe outside of {}/sys/: {}",
            src.display(),
            file.display()
        )
    };
    files.into_iter().map(line).collect()
}
