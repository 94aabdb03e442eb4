//! The programs under test, as they are shipped, and the files of this repository.

use super::engine::give_up;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Copies, so that a build meanwhile changes nothing.
struct Programs {
    directory: TempDir,
}

/// The program, the variable that names it, where a build leaves it, and which.
const SHIPPED: [(&str, &str, &str, &str); 3] = [
    (
        "occ",
        "OCC_BIN",
        "target/release/occ",
        "cargo build --release -p occ",
    ),
    (
        "occ-init",
        "OCC_INIT_BIN",
        "target/static/occ-init",
        "init/build-static",
    ),
    (
        "occ-gate",
        "OCC_GATE_BIN",
        "target/release/occ-gate",
        "cargo build --release -p occ-gate",
    ),
];

impl Programs {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, variable, built, made_by) in SHIPPED {
            let found = std::env::var_os(variable).map_or_else(|| source(built), PathBuf::from);
            if !found.is_file() {
                give_up(&format!(
                    "'{}' is not there; run `{made_by}`, or set {variable}",
                    found.display()
                ));
            }
            std::fs::copy(found, directory.path().join(name)).unwrap();
        }
        Self { directory }
    }
}

fn program(name: &str) -> PathBuf {
    static PROGRAMS: OnceLock<Programs> = OnceLock::new();
    let programs = PROGRAMS.get_or_init(Programs::new);
    programs.directory.path().join(name)
}

/// The occ under test; its file has that name.
pub(crate) fn occ() -> PathBuf {
    program("occ")
}

/// The static occ-init under test.
pub(crate) fn occ_init() -> PathBuf {
    program("occ-init")
}

/// occ-init for arm64; the machine runs it by itself, or by qemu.
pub(crate) fn occ_init_for_arm64() -> PathBuf {
    if cfg!(target_arch = "aarch64") {
        return occ_init();
    }
    let built = || source("target/static/arm64/occ-init");
    let found = std::env::var_os("OCC_INIT_ARM64_BIN").map_or_else(built, PathBuf::from);
    assert!(
        found.is_file(),
        "'{}' is not there; run `init/build-static arm64`, or set OCC_INIT_ARM64_BIN",
        found.display()
    );
    assert!(
        Path::new("/proc/sys/fs/binfmt_misc/qemu-aarch64").exists(),
        "this machine runs no programs for arm64; ./test lets it do so by qemu"
    );
    found
}

/// The occ-gate under test.
pub(crate) fn occ_gate() -> PathBuf {
    program("occ-gate")
}

/// A file of this repository.
pub(crate) fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join(path)
}
