//! A test file that nobody compiles passes for ever.

use std::collections::BTreeSet;
use std::path::Path;

/// The names of all `*.rs` in a directory, but that of the module itself.
fn files(directory: &Path, but: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
        .filter(|name| name != but)
        .collect()
}

/// The names in `mod NAME;` lines.
fn modules(source: &str) -> BTreeSet<String> {
    let declared = source
        .lines()
        .filter_map(|line| line.trim_start_matches("pub(crate) ").strip_prefix("mod "));
    declared
        .filter_map(|rest| rest.strip_suffix(';').map(str::to_owned))
        .collect()
}

#[test]
fn every_file_here_is_a_module() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests");
    let mut expected = files(&tests, "main");
    expected.insert("harness".into());
    assert_eq!(modules(include_str!("main.rs")), expected);
    assert_eq!(
        modules(include_str!("harness/mod.rs")),
        files(&tests.join("harness"), "mod")
    );
}
