//! The rules on small crates.

use crate::broken_rules;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A workspace of one crate with these files below `src/`.
fn workspace(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("one/src")).unwrap();
    fs::write(root.path().join("one/Cargo.toml"), "").unwrap();
    for (file, text) in files {
        let path = root.path().join("one/src").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

/// The broken rules, with paths that begin at `src/`.
#[track_caller]
fn broken(files: &[(&str, &str)]) -> String {
    let root = workspace(files);
    let broken = broken_rules(root.path()).unwrap().join("\n");
    let prefix = root.path().join("one");
    broken.replace(&format!("{}/", Path::display(&prefix)), "")
}

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let files = [
        ("main.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A;"),
        ("b.rs", "pub struct B; fn f() { crate::a::A; }"),
    ];
    let expected = "circle of 2 files:\n  src/a.rs imports src/b.rs (crate::b::B)\n  \
                    src/b.rs imports src/a.rs (crate::a::A)";
    assert_eq!(broken(&files), expected);
}

#[test]
fn three_files_are_a_circle_and_what_only_imports_them_is_not_in_it() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use super::b::f; pub fn g() {}"),
        ("b.rs", "use crate::{c::{h as other}}; pub fn f() {}"),
        ("c/mod.rs", "pub fn h() { super::a::g() }"),
        ("d.rs", "use crate::a::g;"),
    ];
    let found = broken(&files);
    assert!(found.starts_with("circle of 3 files"), "{found}");
    assert!(!found.contains("src/d.rs"), "{found}");
}

#[test]
fn imports_in_one_direction_are_no_circle() {
    let files = [
        ("main.rs", "mod a; mod b; use a::A; fn main() { b::f() }"),
        ("a.rs", "pub struct A; use std::fmt; use serde::a;"),
        ("b.rs", "use crate::a::{self, A}; pub fn f() { a::A; }"),
    ];
    assert_eq!(broken(&files), "");
}

#[test]
fn child_uses_what_its_parent_defines() {
    let files = [
        ("main.rs", "mod room; const LIMIT: u8 = 1;"),
        ("room/mod.rs", "mod child; pub struct Error; use child::f;"),
        (
            "room/child.rs",
            "use super::Error; use crate::LIMIT; pub fn f() {}",
        ),
    ];
    assert_eq!(broken(&files), "");
}

#[test]
fn re_export_counts_as_the_file_that_defines_it() {
    let files = [
        ("main.rs", "mod etc; mod store;"),
        (
            "etc/mod.rs",
            "mod lock; pub use lock::Lock; use crate::store::Store;",
        ),
        ("etc/lock.rs", "pub struct Lock;"),
        ("store.rs", "use crate::etc::Lock; pub struct Store;"),
    ];
    assert_eq!(broken(&files), "");
    let mut files = files;
    files[2].1 = "use crate::store::Store; pub struct Lock;";
    let found = broken(&files);
    assert!(
        found.contains("src/etc/lock.rs imports src/store.rs"),
        "{found}"
    );
    assert!(
        found.contains("src/store.rs imports src/etc/lock.rs"),
        "{found}"
    );
}

#[test]
fn circle_through_a_child_is_found() {
    let files = [
        ("main.rs", "mod room; mod other;"),
        ("room/mod.rs", "mod child; pub fn g() { child::f() }"),
        ("room/child.rs", "pub fn f() { crate::other::h() }"),
        ("other.rs", "pub fn h() { crate::room::g() }"),
    ];
    let found = broken(&files);
    assert!(found.starts_with("circle of 3 files"), "{found}");
}

#[test]
fn paths_in_macros_aliases_and_globs_count() {
    for code in [
        "fn f() { format!(\"{}\", crate::b::X); }",
        "use crate::b; fn f() { b::X; }",
        "use crate::b as other; fn f() { other::X; }",
        "use crate::b::*; fn f() { self::X::new(); }",
        "fn f() { use crate::b::X; }",
        "impl Vec<crate::b::X> {}",
    ] {
        let code = format!("{code} pub struct A;");
        let files = [
            ("main.rs", "mod a; mod b;"),
            ("a.rs", code.as_str()),
            ("b.rs", "pub struct X; use crate::a::A;"),
        ];
        assert!(broken(&files).starts_with("circle of 2"), "{code}");
    }
}

#[test]
fn tests_import_what_they_like() {
    let files = [
        ("main.rs", "mod a; mod b; #[cfg(test)] mod tests;"),
        (
            "a.rs",
            "use crate::b::B; pub struct A; #[cfg(test)] use crate::tests::t;",
        ),
        (
            "b.rs",
            "pub struct B; #[cfg(test)] mod tests { use crate::a::A; fn f() { unsafe {} } } \
             #[test] fn g() { crate::a::A; unsafe {} } impl B { #[cfg(test)] fn h() { crate::a::A; } }",
        ),
    ];
    assert_eq!(broken(&files), "");
}

#[test]
fn unsafe_belongs_to_sys() {
    for code in [
        "fn f() { unsafe { g() } }",
        "unsafe fn f() {}",
        "unsafe impl Send for X {}",
        "#[unsafe(no_mangle)] fn f() {}",
        "fn f() { println!(\"{}\", unsafe { g() }) }",
        "macro_rules! m { () => { unsafe { g() } } }",
        "mod inner { fn f() { unsafe { g() } } }",
    ] {
        let files = [
            ("lib.rs", "mod a; mod sys;"),
            ("a.rs", code),
            ("sys/mod.rs", code),
        ];
        assert_eq!(
            broken(&files),
            "unsafe outside of src/sys/: src/a.rs",
            "{code}"
        );
    }
    let words = "#![deny(unsafe_code)] /// unsafe\nfn f() { let s = \"unsafe\"; }";
    assert_eq!(broken(&[("lib.rs", words)]), "");
}

#[test]
fn file_that_is_missing_or_no_rust_is_an_error() {
    let root = workspace(&[("main.rs", "mod gone;")]);
    let error = broken_rules(root.path()).unwrap_err();
    assert!(error.contains("no file of module 'gone'"), "{error}");
    let root = workspace(&[("main.rs", "fn {")]);
    assert!(broken_rules(root.path()).is_err());
}
