//! The proven defects about the container, its image and the engine.

use super::PASSWORD;
use crate::harness::{Instance, docker, run};
use serde_json::Value;

#[test]
fn the_container_has_six_capabilities_and_nothing_of_the_host() {
    let instance = Instance::started("rights");
    let host = docker([
        "inspect",
        "--format",
        "{{json .HostConfig}}",
        &instance.name,
    ])
    .ok();
    let host: Value = serde_json::from_str(host.text()).unwrap();
    assert_eq!(host["Privileged"], false);
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
    for key in ["PidMode", "NetworkMode", "IpcMode", "UTSMode"] {
        assert_ne!(host[key], "host", "{key}");
    }
    // Podman counts volumes among them, by name.
    let binds = host["Binds"].as_array().into_iter().flatten();
    let of_host = |bind: &&Value| bind.as_str().unwrap().starts_with('/');
    assert_eq!(binds.filter(of_host).count(), 0, "{host}");
    // Where cgroups are of version 1 every container has the host's namespace of
    // them, read-only.
    let writable = "grep -E '^[^ ]+ [^ ]+ cgroup2? ' /proc/mounts | grep -v ' ro,' || echo none";
    assert_eq!(instance.sh(writable), "none");
    // CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID.
    let of_init = instance.sh("grep -E 'Cap(Eff|Prm|Bnd)' /proc/1/status | cut -f2 | sort -u");
    assert_eq!(of_init, "00000000000000eb");
    instance.add("alice", PASSWORD);
    let of_alice = instance
        .exec_as(
            "alice",
            ["sh", "-c", "grep CapEff /proc/self/status; command -v sudo"],
        )
        .run();
    assert_eq!(of_alice.text(), "CapEff:\t0000000000000000");
}

#[test]
fn an_update_and_a_reset_prune_nothing_that_is_somebody_elses() {
    let instance = Instance::started("prune");
    let name = |end: &str| format!("{}-{end}", instance.name);
    let (stopped, network, volume) = (name("stopped"), name("network"), name("volume"));
    docker(["create", "--name", &stopped, &instance.image, "true"]).ok();
    docker(["network", "create", &network]).ok();
    docker(["volume", "create", &volume]).ok();
    let dangling = docker(["build", "--quiet", "-"])
        .env("DOCKER_BUILDKIT", "0")
        .input(format!("FROM scratch\nLABEL of={stopped}\n"))
        .ok();
    instance.use_image(&run().shifted);
    instance.occ(["update", "container", "-q"]).ok();
    instance.occ(["update", "container", "--rollback"]).ok();
    instance.occ(["start", "--recreate"]).ok();
    instance
        .occ(["reset", "container", "--volumes", "--force"])
        .ok();
    let things = [
        ("container", stopped.as_str()),
        ("network", &network),
        ("volume", &volume),
        ("image", dangling.text()),
    ];
    let left = things.map(|(kind, thing)| docker([kind, "inspect", thing]).run().code);
    for (kind, thing) in things {
        docker([kind, "rm", thing]).run();
    }
    assert_eq!(left, [Some(0); 4], "{things:?}");
}

/// The base has no shell, so the first step that runs something fails.
#[test]
fn a_build_that_fails_leaves_the_container_serving() {
    // Only an image that occ built itself is built again.
    let instance = Instance::new("broken");
    instance.use_image(&run().image);
    instance.start();
    instance.add("alice", PASSWORD);
    let base = format!("{}-no-shell", run().image);
    docker(["build", "--quiet", "--tag", &base, "-"])
        .env("DOCKER_BUILDKIT", "0")
        .input("FROM scratch\nLABEL nothing=in-it\n")
        .ok();
    instance.occ(["config", "set", "base_image", &base]).ok();
    let before = instance.inspect("{{.Id}} {{.State.StartedAt}} {{.Image}}");
    for args in [["start", "--build"], ["update", "container"]] {
        let failed = instance.occ(args).run();
        docker(["image", "inspect", &instance.image]).ok();
        failed.exits(1).says("the image could not be built");
        assert_eq!(
            instance.inspect("{{.Id}} {{.State.StartedAt}} {{.Image}}"),
            before
        );
        instance.login("alice", PASSWORD).unwrap();
    }
    docker(["image", "rm", &base]).run();
}

/// Nothing of it can be reached from here: its port is not published.
#[test]
fn readiness_is_asked_of_the_container_and_not_of_a_port_here() {
    let instance = Instance::new("unpublished");
    let label = format!("dev.occ.instance={}", instance.name);
    let users = format!("{}-users:/var/lib/opencode-users", instance.name);
    docker([
        "create",
        "--name",
        &instance.name,
        "--label",
        &label,
        "--volume",
        &users,
    ])
    .args([&instance.image])
    .ok();
    instance
        .occ(["start"])
        .ok()
        .prints("is ready; its port 3000 is not published.");
    instance.add("alice", PASSWORD);
}

#[test]
fn words_in_the_log_stop_no_start() {
    let instance = Instance::new("words");
    let tag = format!("{}-words", run().light);
    let lines = "CMD [\"sh\", \"-c\", \"for i in 1 2 3 4 5 6 7 8 9; do \
                 echo permission denied; echo No such file or directory >&2; echo FATAL error; done; sleep infinity\"]";
    docker(["build", "--quiet", "--tag", &tag, "-"])
        .env("DOCKER_BUILDKIT", "0")
        .input(format!("FROM {}\n{lines}\n", run().light))
        .ok();
    instance.use_image(&tag);
    docker(["image", "rm", &tag]).run();
    instance.start().prints("is ready");
    instance.occ(["restart"]).ok().prints("is ready");
    assert!(instance.logs().contains("permission denied"));
}

#[test]
fn an_image_of_a_registry_with_a_port_keeps_its_name() {
    let mut instance = Instance::new("registry");
    docker(["image", "rm", &instance.image]).ok();
    // Nobody listens at port 1.
    instance.image = format!("localhost:1/{}/img:tag", instance.name);
    instance.use_image(&run().light);
    instance.start();
    let status = instance.occ(["status", "--json"]).ok().json();
    assert_eq!(status["image"]["name"], instance.image.as_str());
    instance.use_image(&run().shifted);
    let updated = instance.occ(["update", "container"]).ok();
    assert!(updated.stdout.contains(&instance.image), "{updated:#?}");
    instance.exec(["getent", "passwd", "builder"]).ok();
    let missing = format!("localhost:1/{}/none:tag", instance.name);
    let refused = instance
        .occ(["start", "--recreate", "--image", &missing])
        .run();
    refused
        .exits(9)
        .says(&format!("there is no image '{missing}' here"));
}
