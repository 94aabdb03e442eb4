//! `image/swarm.yaml` as it is shipped, deployed in a swarm of this engine alone: the first
//! account by a secret, an update of the service, and occ beside it.

use std::path::Path;
use std::time::Duration;

use super::visitor::Visitor;
use crate::harness::{BUILD, Call, Container, Instance, bar, docker, occ, run, source, until};

const PASSWORD: &str = "kept-by-the-swarm";

/// The engine's own swarm, made for the test if it was in none, and what the test puts in it.
struct Swarm<'a> {
    instance: &'a Instance,
    was_there: bool,
    node: String,
}

impl<'a> Swarm<'a> {
    /// Its node has the label of the file, and that of this run, by which the harness tells a
    /// swarm that a killed run left.
    fn new(instance: &'a Instance) -> Self {
        let state = docker(["info", "--format", "{{.Swarm.LocalNodeState}}"]).ok();
        let was_there = state.text() == "active";
        if !was_there {
            docker(["swarm", "init", "--advertise-addr", "127.0.0.1"]).ok();
        }
        let node = docker(["info", "--format", "{{.Swarm.NodeID}}"]).ok();
        let swarm = Self {
            instance,
            was_there,
            node: node.text().to_owned(),
        };
        if !was_there {
            let run = format!("occe2e={}", run().prefix);
            docker(["node", "update", "--label-add", &run, &swarm.node]).ok();
        }
        docker(["node", "update", "--label-add", "occ=yes", &swarm.node]).ok();
        swarm
    }

    fn secret(&self) -> String {
        format!("{}-first-account", self.instance.name)
    }

    fn service(&self) -> String {
        format!("{}_opencode", self.instance.name)
    }

    /// `docker stack deploy` of the shipped file.
    fn deploy(&self) -> Call {
        let file = source("image/swarm.yaml");
        docker(["stack", "deploy", "--resolve-image", "never"])
            .args(["--compose-file".as_ref(), file.as_os_str()])
            .args([&self.instance.name])
            .env("OCC_IMAGE", &self.instance.image)
            .env("OCC_NAME", &self.instance.name)
            .env("OCC_PORT", self.instance.port.to_string())
    }

    /// The names of the service's containers that run.
    fn tasks(&self) -> Vec<String> {
        let service = format!("label=com.docker.swarm.service.name={}", self.service());
        let list = docker(["ps", "--filter", &service, "--format", "{{.Names}}"]).ok();
        list.text().lines().map(str::to_owned).collect()
    }

    /// The one container, other than `last`, once the engine says that it is healthy.
    #[track_caller]
    fn healthy(&self, last: &str) -> Container {
        until("the task is healthy", || {
            let tasks = self.tasks();
            let [task] = tasks.as_slice() else {
                return None;
            };
            let state = docker(["inspect", "--format", "{{.State.Health.Status}}", task]).run();
            let is_new = task != last && state.text() == "healthy";
            is_new.then(|| Container::named(task.clone()))
        })
    }

    /// Waits until nothing of the stack is left.
    fn remove(&self) {
        docker(["stack", "rm", &self.instance.name]).run();
        until("the stack's containers are gone", || {
            let service = format!("label=com.docker.swarm.service.name={}", self.service());
            let list = docker(["ps", "--all", "--quiet", "--filter", &service]).run();
            list.text().is_empty().then_some(())
        });
    }
}

impl Drop for Swarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            docker(["service", "rm", &self.service()]).run();
        } else {
            self.remove();
        }
        docker(["secret", "rm", &self.secret()]).run();
        if !self.was_there {
            docker(["swarm", "leave", "--force"]).run();
        }
    }
}

fn visitor(instance: &Instance, jar: &Path) -> Visitor {
    Visitor::new(&[], instance.port, jar.to_str().unwrap())
}

/// A secret that is not there is named, and nothing runs; then there is one.
#[track_caller]
fn has_its_secret(swarm: &Swarm<'_>, place: &Path) {
    let failed = swarm.deploy().run().exits(1);
    assert!(failed.stderr.contains(&swarm.secret()), "{failed:#?}");
    assert_eq!(swarm.tasks(), [""; 0]);
    let password = place.join("alice.password");
    std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    docker(["secret", "create", &swarm.secret()])
        .args([password])
        .ok();
}

/// occ finds the task by its label and by its name, and leaves it to the swarm.
#[track_caller]
fn occ_works_beside(swarm: &Swarm<'_>, task: &Container) {
    let Swarm { instance, .. } = swarm;
    let add = instance.occ(["user", "add", "bob", "--password-stdin"]);
    add.input("bobs-own-word\n").ok();
    instance.occ(["user", "list"]).ok().prints("\nbob ");
    let list = ["--container", &task.name, "user", "list"];
    Call::new(occ()).args(list).ok().prints("\nalice ");
    instance.occ(["status"]).ok().prints("running");
    for line in [["stop"].as_slice(), &["restart"], &["start", "--recreate"]] {
        let refused = instance.occ([]).args(line).run().exits(5);
        refused
            .says(&swarm.service())
            .says("hint: `docker service ");
    }
}

#[test]
fn the_shipped_stack_keeps_its_people() {
    let instance = Instance::new("swarm");
    instance.use_image(&run().image);
    let place = tempfile::tempdir().unwrap();
    let swarm = Swarm::new(&instance);
    has_its_secret(&swarm, place.path());
    swarm.deploy().env("OCC_FIRST_USER", "alice").ok();
    let first = swarm.healthy("");
    let alice = visitor(&instance, &place.path().join("jar"));
    alice.log_in("alice", PASSWORD);

    docker(["service", "update", "--detach", "--force", &swarm.service()])
        .within(BUILD)
        .ok();
    let second = swarm.healthy(&first.name);
    alice.is_in();
    visitor(&instance, &place.path().join("second")).log_in("alice", PASSWORD);
    occ_works_beside(&swarm, &second);
    // Told nothing about the first account, as whoever deploys it again later.
    swarm.deploy().ok();
    let third = swarm.healthy(&second.name);
    assert!(!third.logs().contains("OPENCODE_BOOTSTRAP"));
    let state = docker(["inspect", "--format", "{{.State.ExitCode}}", &first.name]);
    assert_eq!(state.ok().text(), "0", "it was killed");

    swarm.remove();
    instance.start();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    assert_eq!(instance.login("bob", "bobs-own-word").unwrap(), 10001);
    let stop = instance.occ(["stop"]).ok();
    assert!(stop.took < bar(Duration::from_secs(10)), "{stop:#?}");
}
