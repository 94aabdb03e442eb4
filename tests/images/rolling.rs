//! A rolling update on one set of volumes: the next container is there before the last one has
//! ended, as Kubernetes does it when a pod is deleted or its node is drained.

use super::visitor::Visitor;
use crate::harness::{Container, Instance, docker, free_port, run, until};

/// The container that comes next, on the volumes of an instance.
struct Next(Container);

impl Next {
    fn new(instance: &Instance, port: u16) -> Self {
        let name = &instance.name;
        let next = Self(Container::named(format!("{name}-second")));
        let ends = [
            ("users", "/var/lib/opencode-users"),
            ("home", "/home"),
            ("gate", "/var/lib/occ-gate"),
        ];
        let volumes = ends.map(|(end, place)| format!("--volume={name}-{end}:{place}"));
        docker(["run", "--detach", "--name", &next.0.name])
            .args(volumes)
            .args(["--env", &format!("OCC_GATE_NAME={name}")])
            .args(["--publish", &format!("127.0.0.1:{port}:3000")])
            .args([&instance.image])
            .ok();
        next
    }

    fn health(&self) -> Option<i32> {
        self.0.exec(["occ-gate", "health"]).run().code
    }
}

impl Drop for Next {
    fn drop(&mut self) {
        docker(["rm", "--force", &self.0.name]).run();
    }
}

#[test]
fn the_next_login_waits_for_the_last_and_takes_its_sessions_over() {
    let instance = Instance::shipped("rolling");
    instance.add("alice", "kept-across");
    let jar = tempfile::NamedTempFile::new().unwrap();
    let jar = jar.path().to_str().unwrap();
    let port = free_port();
    let next = Next::new(&instance, port);
    until("the next one waits", || {
        let said = next.0.logs();
        said.contains("another login has '/var/lib/occ-gate'")
            .then_some(())
    });
    assert_eq!(next.health(), Some(1), "it is not ready");
    next.0.exec(["occ-init", "health", "--live"]).ok();
    assert_eq!(
        next.0.sh("id -u alice"),
        "10000",
        "accounts are not waited for"
    );

    // The last one is still whole.
    Visitor::new(&[], instance.port, jar).log_in("alice", "kept-across");
    docker(["stop", &instance.name]).ok();
    until("the next one is ready", || {
        (next.health() == Some(0)).then_some(())
    });
    Visitor::new(&[], port, jar).is_in();
}

#[test]
fn a_read_only_volume_of_the_login_is_named() {
    let instance = Instance::new("read-only");
    instance.use_image(&run().image);
    let volume = format!("{}-gate:/var/lib/occ-gate:ro", instance.name);
    let run = docker(["run", "--rm", "--volume", &volume, &instance.image]);
    let said = run.run().exits(1).says("cannot use '/var/lib/occ-gate'");
    said.says("hint: mount the volume there without ':ro'");
}
