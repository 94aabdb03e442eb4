//! The Debian package on a clean Debian: apt installs it, occ starts the container from
//! what the package carries, a person logs in, and apt removes all of it.

use super::inputs::{cache, package};
use crate::harness::{BUILD, Call, Container, Instance, docker, engine_socket, run, source};
use std::path::Path;

/// One file of each kind.
const PARTS: [&str; 8] = [
    "/usr/bin/occ",
    "/usr/lib/occ/occ-init",
    "/usr/lib/occ/occ-gate",
    "/usr/lib/systemd/system/occ@.service",
    "/usr/share/bash-completion/completions/occ",
    "/usr/share/fish/vendor_completions.d/occ.fish",
    "/usr/share/man/man1/occ-user-add.1.gz",
    "/usr/share/zsh/vendor-completions/_occ",
];

/// All files of occ; the cache is another file system here.
const LEFT: &str = "find / -xdev '(' -name occ -o -name 'occ[-_.@]*' -o -name _occ ')' -not -path '/root/.cache/*'";

/// A clean Debian, as a container; it is gone with this.
struct Machine(Container);

impl Machine {
    /// It reaches the engine, the package and the opencode that was downloaded already.
    fn new(suite: &str, packages: &Path) -> Self {
        let base = Call::new(source("image/base"))
            .args(["--if-needed"])
            .env("OCC_BASE_SUITE", suite)
            .within(BUILD)
            .ok();
        let machine = Self(Container::named(format!("{}-on-{suite}", run().prefix)));
        let mount = |from: &Path, to: &str| format!("{}:{to}", from.display());
        docker(["run", "--detach", "--name", &machine.0.name])
            .args(["--volume", &mount(&engine_socket(), "/var/run/docker.sock")])
            .args(["--volume", &mount(packages, "/packages:ro")])
            .args(["--volume", &mount(&cache(), "/root/.cache/occ:ro")])
            .args([base.text(), "sleep", "infinity"])
            .ok();
        machine
    }

    /// `occ ARGS` there, for an instance.
    fn occ<const N: usize>(&self, instance: &Instance, args: [&str; N]) -> Call {
        self.0
            .exec(["occ", "--container", &instance.name])
            .args(args)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        docker(["rm", "--force", &self.0.name]).run();
    }
}

/// The build finds the layers of this run's image, because the programs are the same.
#[track_caller]
fn serves_people_on(suite: &str) {
    let packages = tempfile::tempdir().unwrap();
    let deb = package(packages.path());
    let instance = Instance::new(&format!("from-{suite}"));
    let machine = Machine::new(suite, packages.path());
    machine
        .0
        .exec(["apt-get", "install", "--yes", "--no-install-recommends"])
        .args([format!("/packages/{deb}")])
        .ok();
    let image = format!("{}-from-{suite}", run().image);
    let port = instance.port.to_string();
    machine
        .occ(&instance, ["start", "--build", "--image", &image])
        .args(["--port", &port])
        .within(BUILD)
        .ok();
    machine
        .occ(&instance, ["user", "add", "alice", "--password-stdin"])
        .input("correct horse battery\n")
        .ok();
    let uid = instance.accounts().uid("alice");
    assert_eq!(instance.login("alice", "correct horse battery"), Ok(uid));
    instance.shut_out("alice", "another horse battery");
    is_removed_from(&machine);
    // The container is the engine's: it runs on.
    assert_eq!(instance.login("alice", "correct horse battery"), Ok(uid));
}

/// The package has all its parts, and takes them with it; a person's configuration stays.
#[track_caller]
fn is_removed_from(machine: &Machine) {
    let installed = machine.0.sh("dpkg --listfiles occ");
    for part in PARTS {
        assert!(installed.lines().any(|line| line == part), "no {part}");
    }
    machine.0.exec(["apt-get", "purge", "--yes", "occ"]).ok();
    let left = machine.0.sh(LEFT);
    assert_eq!(left, "/root/.config/occ");
}

#[test]
fn package_serves_people_on_debian_12() {
    serves_people_on("bookworm");
}

#[test]
fn package_serves_people_on_debian_13() {
    serves_people_on("trixie");
}
