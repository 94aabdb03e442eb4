//! The commands in README.md and docs/ work as they are written: the `sh` blocks of a
//! page, in their order, in one shell that ends at the first failure. Each page begins
//! with nothing, in a container of its own.
//!
//! `lint/tests/documents` holds the list of pages against the pages that have blocks.

use crate::harness::{BUILD, Call, Finished, Instance, free_port, occ, run, source};
use std::path::{Path, PathBuf};

/// The second container of the pages and its port; a test has others.
const OTHER: &str = "--container copy";
const OTHER_PORT: &str = "--port 3001";

/// A page's instances, and its home.
struct Page {
    script: String,
    instance: Instance,
    other: Instance,
    home: tempfile::TempDir,
}

impl Page {
    fn new(path: &str) -> Self {
        let text = std::fs::read_to_string(source(path)).unwrap();
        let theme: String = path.chars().filter(char::is_ascii_lowercase).collect();
        let instance = Instance::new(&format!("page-{theme}"));
        instance.use_image(&run().image);
        let other = Instance::beside(&instance, &format!("page-{theme}-copy"));
        let script = blocks(&text)
            .join("\n")
            .replace(OTHER, &format!("--container {}", other.name))
            .replace(OTHER_PORT, &format!("--port {}", free_port()));
        assert!(!script.is_empty(), "{path} has no block that says sh");
        Self {
            script,
            instance,
            other,
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs the blocks where occ is installed, and told to leave everybody else's
    /// container and port alone.
    #[track_caller]
    fn run(&self) -> Finished {
        let Instance { image, port, .. } = &self.instance;
        let name = &self.instance.name;
        let settings = format!(
            "occ config set container {name}\nocc config set image {image}\nocc config set port {port}\n"
        );
        self.shell(self.home.path(), &settings)
    }

    #[track_caller]
    fn shell(&self, place: &Path, before: &str) -> Finished {
        let script = format!(
            "set -euxo pipefail\ncd {}\n{before}{}\n",
            place.display(),
            self.script
        );
        let path = std::env::var("PATH").unwrap();
        // Its two companions lie beside it.
        let programs = occ().parent().unwrap().display().to_string();
        Call::new("bash")
            .args(["-c", &script])
            .env("HOME", self.home.path())
            .env("PATH", format!("{programs}:{path}"))
            .env("CARGO_HOME", cargo("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", cargo("RUSTUP_HOME", ".rustup"))
            .without_env("XDG_CONFIG_HOME")
            .without_env("OCC_INIT_BIN")
            .without_env("OCC_GATE_BIN")
            .within(BUILD)
            .ok()
    }
}

/// The fenced blocks that say `sh`.
fn blocks(page: &str) -> Vec<&str> {
    let starts = page.split("\n```sh\n").skip(1);
    starts
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect()
}

fn cargo(variable: &str, below: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(below),
        PathBuf::from,
    )
}

#[test]
fn readme() {
    let page = Page::new("README.md");
    let done = page.run();
    assert!(done.stdout.contains("\nalice "), "{done:#?}");
}

/// From a clone; its blocks make no container.
#[test]
fn install() {
    let page = Page::new("docs/install.md");
    let done = page.shell(&source(""), "");
    let told = done.stdout.lines().any(|line| line.starts_with("occ "));
    assert!(told, "occ --version: {done:#?}");
}

#[test]
fn quickstart() {
    let page = Page::new("docs/quickstart.md");
    assert!(page.script.contains(&page.other.name));
    let done = page.run();
    let (first, second) = (page.instance.accounts(), page.other.accounts());
    for name in ["alice", "bob", "carol"] {
        // Both lists, in the end, are of the same three.
        let rows = done.stdout.matches(&format!("\n{name} ")).count();
        assert_eq!(rows, 2, "{done:#?}");
        assert_eq!(first.uid(name), second.uid(name));
    }
    page.instance.login("bob", "correct horse battery").unwrap();
    page.other.login("bob", "correct horse battery").unwrap();
}

#[test]
fn accounts() {
    let page = Page::new("docs/accounts.md");
    page.run();
    let accounts = page.instance.accounts();
    assert!(accounts.uid("dora") < accounts.uid("emil"));
    page.instance.login("dora", "a long enough secret").unwrap();
}

#[test]
fn backup() {
    let page = Page::new("docs/backup.md");
    page.run();
    page.instance
        .login("alice", "correct horse battery")
        .unwrap();
}

#[test]
fn deploy() {
    Page::new("docs/deploy.md").run();
}
