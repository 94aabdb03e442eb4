//! `image/kubernetes/` as Podman plays it: a pod with volumes of its own, whose
//! probes answer and whose people are there in the next pod.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::harness::{BUILD, Call, Instance, docker, free_port, run, source, until};

const POD: &str = "opencode-pod-0-opencode";

fn image_file(name: &str) -> PathBuf {
    source("image").join(name)
}

/// A Podman with images, pods and volumes of its own.
struct Podman {
    place: TempDir,
}

impl Podman {
    /// With the configuration that ./test gives its own.
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let script = r#"state=$1; . "$0"; podman_configuration >"$1/containers.conf""#;
        Call::new("bash")
            .args([
                "-c".as_ref(),
                script.as_ref(),
                image_file("machine").as_os_str(),
            ])
            .args([place.path()])
            .ok();
        Self { place }
    }

    fn call<const N: usize>(&self, args: [&str; N]) -> Call {
        let place = |name: &str| self.place.path().join(name);
        Call::new("podman")
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
        self.call(["exec", "--interactive", POD]).args(args)
    }

    /// Takes an image over from the other engine.
    fn take(&self, image: &str) {
        let archive = self.place.path().join("image.tar");
        let archive = archive.to_str().unwrap();
        docker(["save", "--output", archive, image])
            .within(BUILD)
            .ok();
        self.call(["load", "--input", archive]).ok();
        std::fs::remove_file(archive).unwrap();
    }

    /// A file of ours, for an image and a port of the host's.
    fn file(&self, image: &str, port: u16) -> String {
        let text = std::fs::read_to_string(image_file("kubernetes/opencode.yaml")).unwrap();
        let told = text
            .replace("image: occ:local", &format!("image: localhost/{image}"))
            .replace(
                "containerPort: 3000",
                &format!("containerPort: 3000\n              hostPort: {port}"),
            );
        assert!(told.contains(image) && told.contains("hostPort"), "{told}");
        let path = self.place.path().join("opencode.yaml");
        std::fs::write(&path, told).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The pod is there, and its startup probe answers.
    fn play(&self, file: &str) {
        self.call(["kube", "play", file]).ok();
        until("the startup probe answers", || {
            let probed = self.exec(["/usr/local/bin/occ-gate", "health"]).run();
            (probed.code == Some(0)).then_some(())
        });
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        self.call(["pod", "rm", "--all", "--force"]).run();
        self.call(["volume", "rm", "--all", "--force"]).run();
        self.call(["rmi", "--all", "--force"]).run();
    }
}

#[test]
fn a_pod_has_its_people_in_the_next_one() {
    // Its slot: nothing is started of it.
    let instance = Instance::new("kubernetes");
    instance.use_image(&run().image);
    let podman = Podman::new();
    podman.take(&instance.image);
    let port = free_port();
    let file = podman.file(&instance.image, port);
    let volumes = image_file("kubernetes/volumes.yaml");
    podman
        .call(["kube", "play", volumes.to_str().unwrap()])
        .ok();
    podman.play(&file);

    podman.exec(["occ-init", "health", "--live"]).ok();
    podman.call(["healthcheck", "run", POD]).ok();
    let add = ["occ-init", "user", "add", "alice", "--password-stdin"];
    podman.exec(add).input("kept by the claim\n").ok();
    let shadow = podman.exec(["grep", "^alice:", "/etc/shadow"]).ok().stdout;
    let url = format!("http://localhost:{port}/_occ/login");
    let page = Call::new("curl")
        .args(["--silent", "--noproxy", "*", &url])
        .ok();
    assert!(page.stdout.contains("Log in to opencode"), "{page:#?}");
    let published = podman.call(["port", "--all"]).ok();
    assert!(
        published.stdout.contains(&format!("127.0.0.1:{port}")),
        "{published:#?}"
    );

    podman.call(["kube", "down", &file]).ok();
    podman.play(&file);
    let after = podman.exec(["grep", "^alice:", "/etc/shadow"]).ok().stdout;
    assert_eq!(after, shadow);
    let id = podman.exec(["id", "-u", "alice"]).ok();
    assert_eq!(id.text(), "10000");
    podman.call(["kube", "down", &file]).ok();
}
