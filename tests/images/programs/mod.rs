//! The Dockerfiles of docs/programs.md, as they stand there: each is built, people log in over
//! its program, and again in a container that is made anew.

mod scripts;
mod ssh;
mod web;

use crate::harness::images::{self, File};
use crate::harness::{Call, Container, Volumes, docker, occ};
use tempfile::TempDir;

const PAGE: &str = include_str!("../../../docs/programs.md");
/// The sections of docs/programs.md that have a Dockerfile. Each has a test here.
const SECTIONS: [&str; 6] = [
    "SSH and SFTP",
    "SFTP alone",
    "A terminal in the browser",
    "JupyterHub",
    "busybox",
    "An image with an entrypoint script",
];

const ALICE: &str = "correct horse battery";
const WRONG: &str = "wrong horse battery";

/// The Dockerfile below that heading.
fn dockerfile(heading: &str) -> &'static str {
    let mut sections = PAGE.split("\n## ");
    let section = sections
        .find(|section| section.lines().next() == Some(heading))
        .unwrap_or_else(|| panic!("the page has no section '{heading}'"));
    let (_, block) = section.split_once("```dockerfile\n").unwrap();
    block.split("```").next().unwrap()
}

/// A program in an image of the page, and its people.
struct Program {
    volumes: Volumes,
    image: String,
    /// The port on which it listens in the container.
    port: u16,
    config: TempDir,
}

impl Program {
    fn new(name: &str, heading: &str, port: u16) -> Self {
        Self::beside(name, dockerfile(heading), port, &[])
    }

    /// With files beside the Dockerfile.
    fn beside(name: &str, dockerfile: &str, port: u16, files: &[File]) -> Self {
        Self {
            volumes: Volumes::new(name),
            image: images::whole(name, dockerfile, files),
            port,
            config: tempfile::tempdir().unwrap(),
        }
    }

    /// `occ user ARGS` for a container of it, which works.
    #[track_caller]
    fn user<const N: usize>(&self, container: &Container, args: [&str; N], input: &str) {
        Call::new(occ())
            .args(["--container", &container.name, "user"])
            .args(args)
            .env("XDG_CONFIG_HOME", self.config.path())
            .input(input)
            .ok();
    }

    /// alice comes in by `enters`, which gets the published port, the container and a password: in
    /// the first container, in the next one, and not with another password or while disabled.
    fn lets_alice_in(&self, enters: impl Fn(u16, &Container, &str) -> bool) {
        let enters = |container: &Container, password: &str| {
            enters(published(container, self.port), container, password)
        };
        let container = self.volumes.start_published(&self.image, self.port);
        let add = ["add", "alice", "--password-stdin"];
        self.user(&container, add, &format!("{ALICE}\n"));
        assert!(enters(&container, ALICE));
        assert!(!enters(&container, WRONG), "with a wrong password");
        drop(container);
        let container = self.volumes.start_published(&self.image, self.port);
        assert!(
            enters(&container, ALICE),
            "after the container was made anew"
        );
        self.user(&container, ["disable", "alice"], "");
        assert!(!enters(&container, ALICE), "while she is disabled");
        self.user(&container, ["enable", "alice"], "");
        assert!(enters(&container, ALICE), "after she was enabled again");
    }
}

/// The port of this machine that leads to one of the container's.
fn published(container: &Container, port: u16) -> u16 {
    let told = docker(["port", &container.name, &port.to_string()]).ok();
    let (_, port) = told.text().rsplit_once(':').unwrap();
    port.parse().unwrap()
}

#[test]
fn every_dockerfile_of_the_page_is_built_here() {
    let headings: Vec<&str> = PAGE
        .split("\n## ")
        .filter(|section| section.contains("```dockerfile\n"))
        .map(|section| section.lines().next().unwrap())
        .collect();
    assert_eq!(headings, SECTIONS);
}
