//! The commands in README.md work as they are written: its `sh` blocks,
//! in their order, in one shell that ends at the first failure.

use crate::harness::{BUILD, Call, Instance, free_port, run, source};
use std::path::{Path, PathBuf};

/// How the README calls the second container and its port, which here are this
/// test's own.
const OTHER: &str = "--container copy";
const OTHER_PORT: &str = "--port 3001";

/// The fenced blocks that say `sh`.
pub(super) fn blocks(readme: &str) -> Vec<&str> {
    let starts = readme.split("\n```sh\n").skip(1);
    starts
        .map(|rest| rest.split("\n```\n").next().unwrap())
        .collect()
}

/// The first block installs from the clone, the others run anywhere. In between
/// occ is told to leave everybody else's container and port alone.
fn script(blocks: &[&str], instance: &Instance, other: &str, place: &Path) -> String {
    let other_port = format!("--port {}", free_port());
    let tour = blocks[1..].join("\n");
    assert!(tour.contains(OTHER) && tour.contains(OTHER_PORT), "{tour}");
    let tour = tour
        .replace(OTHER, &format!("--container {other}"))
        .replace(OTHER_PORT, &other_port);
    format!(
        "set -euxo pipefail\ncd {}\n{}\n\
         occ config set container {}\nocc config set image {}\nocc config set port {}\n\
         cd {}\n{tour}\n",
        source("").display(),
        blocks[0],
        instance.name,
        instance.image,
        instance.port,
        place.display(),
    )
}

/// A shell with a home of its own, and with this machine's Rust.
pub(super) fn shell(script: &str, home: &Path) -> Call {
    let cargo = |variable: &str, below: &str| {
        std::env::var_os(variable).map_or_else(
            || PathBuf::from(std::env::var_os("HOME").unwrap()).join(below),
            PathBuf::from,
        )
    };
    Call::new("bash")
        .args(["-c", script])
        .env("HOME", home)
        .without_env("XDG_CONFIG_HOME")
        .without_env("OCC_INIT_BIN")
        .without_env("OCC_GATE_BIN")
        .env("CARGO_HOME", cargo("CARGO_HOME", ".cargo"))
        .env("RUSTUP_HOME", cargo("RUSTUP_HOME", ".rustup"))
        .within(BUILD)
}

#[test]
fn commands_in_the_readme_work() {
    let readme = std::fs::read_to_string(source("README.md")).unwrap();
    let blocks = blocks(&readme);
    assert!(blocks.len() >= 4, "{blocks:?}");
    let instance = Instance::new("readme");
    instance.use_image(&run().image);
    let other = Instance::beside(&instance, "readme-copy");
    let home = tempfile::tempdir().unwrap();
    let script = script(&blocks, &instance, &other.name, home.path());
    let done = shell(&script, home.path()).ok();
    // Both lists, in the end, are of the same three.
    for name in ["alice", "bob", "carol"] {
        assert_eq!(
            done.stdout.matches(&format!("\n{name} ")).count(),
            2,
            "{done:#?}"
        );
    }
    let (first, second) = (instance.accounts(), other.accounts());
    for name in ["alice", "bob", "carol"] {
        assert_eq!(first.uid(name), second.uid(name));
    }
    instance.login("bob", "correct horse battery").unwrap();
    other.login("bob", "correct horse battery").unwrap();
}
