//! `image/kubernetes/` as it is shipped, played by Podman: a pod with volumes of its own,
//! whose probes answer and whose people are there in the next pod.
//!
//! Podman 4.3 plays the Deployment and the claims. It ignores the Service and the NetworkPolicy,
//! the strategy, startup and readiness probes, and the time to stop; the tests run the probes'
//! commands themselves. All of it against its schema: `kubernetes_schema`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::visitor::Visitor;
use crate::harness::{BUILD, Call, Finished, Instance, bar, docker, run, source, until};

const POD: &str = "opencode-pod-0";
const CONTAINER: &str = "opencode-pod-0-opencode";
/// The port of the file.
const PORT: u16 = 3000;
/// A process that does not end when it is asked to.
const STUBBORN: &str = "trap '' TERM HUP INT; while :; do sleep 1; done";

fn file(name: &str) -> String {
    let path: PathBuf = source("image/kubernetes").join(name);
    path.to_str().unwrap().to_owned()
}

/// A network of a test's own, where the file's port is free.
struct Network(String);

impl Network {
    fn new(name: &str) -> Self {
        Call::new("ip").args(["netns", "add", name]).ok();
        let network = Self(name.to_owned());
        network.call("ip").args(["link", "set", "lo", "up"]).ok();
        network
    }

    /// Words before a command that runs there; `ip netns exec` would hide the cgroups.
    fn place(&self) -> [String; 2] {
        ["nsenter".to_owned(), format!("--net=/run/netns/{}", self.0)]
    }

    fn call(&self, program: &str) -> Call {
        let [enter, place] = self.place();
        Call::new(enter).args([place.as_str(), program])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        Call::new("ip").args(["netns", "delete", &self.0]).run();
    }
}

/// A Podman with images, pods, volumes, secrets and a network of its own.
struct Podman {
    place: TempDir,
    network: Network,
}

impl Podman {
    /// With the configuration that ./test gives its own.
    fn new(name: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let script = r#"state=$1; . "$0"; podman_configuration >"$1/containers.conf""#;
        Call::new("bash")
            .args(["-c", script])
            .args([source("image/machine").as_path(), place.path()])
            .ok();
        let network = Network::new(name);
        Self { place, network }
    }

    fn call<const N: usize>(&self, args: [&str; N]) -> Call {
        let place = |name: &str| self.place.path().join(name);
        self.network
            .call("podman")
            .args([
                "--root".into(),
                place("root"),
                "--runroot".into(),
                place("run"),
            ])
            .args(args)
            .env("CONTAINERS_CONF", place("containers.conf"))
            .within(BUILD)
    }

    fn exec<const N: usize>(&self, args: [&str; N]) -> Call {
        self.call(["exec", "--interactive", CONTAINER]).args(args)
    }

    /// Takes the image over from the other engine, under the name of the file.
    fn take(&self, image: &str) {
        let archive = self.place.path().join("image.tar");
        let archive = archive.to_str().unwrap();
        docker(["save", "--output", archive, image])
            .within(BUILD)
            .ok();
        self.call(["load", "--input", archive]).ok();
        std::fs::remove_file(archive).unwrap();
        let loaded = format!("localhost/{image}");
        self.call(["tag", &loaded, "localhost/occ:local"]).ok();
    }

    /// The pod is there, and its startup probe answers.
    fn play(&self) {
        self.call(["kube", "play", &file("opencode.yaml")]).ok();
        let probes = probes();
        until("the startup probe answers", || {
            (self.probe(&probes[0]).run().code == Some(0)).then_some(())
        });
    }

    fn probe(&self, command: &[String]) -> Call {
        self.exec([]).args(command)
    }

    fn shadow(&self) -> String {
        self.exec(["grep", "^alice:", "/etc/shadow"]).ok().stdout
    }

    fn visitor(&self, jar: &Path) -> Visitor {
        let place = self.network.place();
        let place = [place[0].as_str(), place[1].as_str()];
        Visitor::new(&place, PORT, jar.to_str().unwrap())
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        self.call(["pod", "rm", "--all", "--force"]).run();
        self.call(["volume", "rm", "--all", "--force"]).run();
        self.call(["secret", "rm", "--all"]).run();
        self.call(["rmi", "--all", "--force"]).run();
    }
}

/// The commands of the file's probes: startup, readiness, liveness.
fn probes() -> [Vec<String>; 3] {
    let text = std::fs::read_to_string(file("opencode.yaml")).unwrap();
    let of = |probe: &str| {
        let (_, rest) = text.split_once(probe).unwrap();
        let (_, rest) = rest.split_once("command: [").unwrap();
        let (command, _) = rest.split_once(']').unwrap();
        command.split(", ").map(str::to_owned).collect()
    };
    ["startupProbe:", "readinessProbe:", "livenessProbe:"].map(of)
}

fn base64(text: &str) -> String {
    let done = Call::new("base64").args(["--wrap=0"]).input(text).ok();
    done.stdout
}

/// first-account.yaml for alice, with a hash by the command of its comment, as Podman 4.3 reads
/// the Secrets of a pod: its own `kube play` stores them otherwise.
fn first_account(password: &str) -> String {
    let openssl = Call::new("openssl").args(["passwd", "-6", "-stdin"]);
    let hash = openssl.input(format!("{password}\n")).ok();
    let shipped = std::fs::read_to_string(file("first-account.yaml")).unwrap();
    let (_, keys) = shipped.split_once("\nstringData:\n").unwrap();
    assert!(keys.contains("  user: alice\n") && keys.contains("  hash: \"\"\n"));
    let (user, hash) = (base64("alice"), base64(hash.text()));
    format!(r#"{{"user":"{user}","hash":"{hash}"}}"#)
}

/// All that runs is asked to end, then made to, well within the file's 30 s.
#[track_caller]
fn ends_in_its_time(podman: &Podman) {
    let stopped: Finished = podman.call(["pod", "stop", "--time", "30", POD]).ok();
    assert!(stopped.took < bar(Duration::from_secs(5)), "{stopped:#?}");
    let state = podman.call(["inspect", "--format", "{{.State.ExitCode}}", CONTAINER]);
    assert_eq!(state.ok().text(), "0", "it was killed");
    podman.call(["kube", "down", &file("opencode.yaml")]).ok();
}

#[test]
fn the_shipped_pod_has_its_people_in_the_next_one() {
    // Its slot: nothing is started of it.
    let instance = Instance::new("kubernetes");
    instance.use_image(&run().image);
    let podman = Podman::new(&instance.name);
    podman.take(&instance.image);
    podman.call(["kube", "play", &file("volumes.yaml")]).ok();
    let secret = podman.call(["secret", "create", "opencode-first-account", "-"]);
    secret.input(first_account("kept-by-the-claim")).ok();
    podman.play();

    for probe in probes() {
        podman.probe(&probe).ok();
    }
    podman.call(["healthcheck", "run", CONTAINER]).ok();
    let published = podman.call(["port", "--all"]).ok();
    assert!(
        published.stdout.contains("127.0.0.1:3000"),
        "{published:#?}"
    );
    let alice = podman.visitor(&podman.place.path().join("jar"));
    alice.log_in("alice", "kept-by-the-claim");
    let shadow = podman.shadow();
    podman
        .call(["exec", "--detach", "--user", "alice", CONTAINER])
        .args(["sh", "-c", STUBBORN])
        .ok();
    ends_in_its_time(&podman);

    // As after first-account.yaml was deleted.
    podman.call(["secret", "rm", "opencode-first-account"]).ok();
    podman.play();
    assert_eq!(podman.shadow(), shadow);
    assert_eq!(podman.exec(["id", "-u", "alice"]).ok().text(), "10000");
    // Her session is on the third volume.
    alice.is_in();
    let again = podman.visitor(&podman.place.path().join("another-jar"));
    again.log_in("alice", "kept-by-the-claim");
    ends_in_its_time(&podman);
}

/// Storage that comes open to all, as k3s and kind have it, with what ext4 puts there; and no
/// Secret. The login page then offers the first account.
#[test]
fn a_pod_on_volumes_that_are_open_to_all_makes_homes() {
    let instance = Instance::new("kubernetes-open");
    instance.use_image(&run().image);
    let podman = Podman::new(&instance.name);
    podman.take(&instance.image);
    podman.call(["kube", "play", &file("volumes.yaml")]).ok();
    for end in ["users", "home", "gate"] {
        let volume = format!("opencode-{end}");
        let inspect = ["volume", "inspect", "--format", "{{.Mountpoint}}", &volume];
        let place = podman.call(inspect).ok();
        let script = r#"chmod 777 "$0" && mkdir -m 700 "$0/lost+found""#;
        Call::new("sh").args(["-c", script, place.text()]).ok();
    }
    podman.play();
    let code = podman.exec(["occ-gate", "first-account"]).ok();
    assert!(!code.text().is_empty());
    let add = ["occ-init", "user", "add", "alice", "--password-stdin"];
    podman.exec(add).input("open-to-nobody-else\n").ok();
    let alice = podman.visitor(&podman.place.path().join("jar"));
    alice.log_in("alice", "open-to-nobody-else");
    let modes = ["stat", "-c", "%a %U", "/home", "/home/alice"];
    assert_eq!(podman.exec(modes).ok().text(), "755 root\n700 alice");
    podman.exec(["occ-init", "check"]).ok();
    let log = podman.call(["logs", CONTAINER]).ok();
    let log = log.stdout + &log.stderr;
    assert!(!log.contains("OPENCODE_BOOTSTRAP"), "{log}");
}
