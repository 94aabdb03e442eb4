//! start, stop, status, restart: done twice, nothing is lost.

use crate::harness::{Call, Finished, Instance, Terminal, docker, run};

const PASSWORD: &str = "through all of it";

#[test]
fn start_and_stop_can_be_said_twice_and_status_tells() {
    let instance = Instance::new("twice");
    instance.occ(["stop"]).ok().prints("There is no container");
    let absent = instance.occ(["status", "--json"]).run().exits(7).json();
    assert_eq!(absent["container"]["state"], "absent");
    let started = instance.start();
    assert!(
        // The light image serves nothing, and what was not reached is not called ready.
        started.stdout.contains(&format!(
            "is ready, but nothing answers at http://{}.localhost:{1} or http://localhost:{1};",
            instance.name, instance.port
        )),
        "{started:#?}"
    );
    instance.add("alice", PASSWORD);
    let id = instance.inspect("{{.Id}}");
    instance.start().prints("is running already");
    assert_eq!(instance.inspect("{{.Id}}"), id);
    let running = instance.occ(["status", "--json"]).ok().json();
    assert_eq!(
        (&running["container"]["state"], &running["users"]),
        (&"running".into(), &1.into())
    );

    instance.occ(["stop"]).ok().prints("stopped.");
    instance.occ(["stop"]).ok().prints("is stopped already");
    instance.occ(["status"]).run().exits(7).prints("exited");
    instance.start();
    assert_eq!(
        instance.inspect("{{.Id}}"),
        id,
        "a stopped container is started, not replaced"
    );
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    instance.occ(["restart"]).ok();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
}

#[test]
fn recreate_makes_a_new_container_with_the_same_people() {
    let instance = Instance::started("anew");
    instance.add("alice", PASSWORD);
    let before = instance.inspect("{{.Id}}");
    instance.occ(["start", "--recreate"]).ok();
    assert_ne!(instance.inspect("{{.Id}}"), before);
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    instance.accounts();
    let mine = format!("label=dev.occ.instance={}", instance.name);
    let left = docker(["ps", "--all", "--quiet", "--filter", &mine]).ok();
    assert_eq!(left.text().lines().count(), 1, "the old one stays behind");
}

/// Podman's service for a boot starts every container that has a policy.
#[test]
fn the_kept_container_is_started_by_occ_alone() {
    let instance = Instance::started("kept-stopped");
    instance.add("alice", PASSWORD);
    let policy = "{{.HostConfig.RestartPolicy.Name}}";
    let previous = format!("{}-previous", instance.name);
    instance.use_image(&run().shifted);
    for args in [
        &["update", "container"][..],
        &["update", "container", "--rollback"],
    ] {
        instance.occ(["--quiet"]).args(args).ok();
        let kept = docker(["inspect", "--format", policy, &previous]).ok();
        assert_eq!(kept.text(), "no", "{args:?}");
        assert_eq!(instance.inspect(policy), "unless-stopped", "{args:?}");
        assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    }
}

#[test]
fn another_port_is_told_while_it_runs_and_taken_when_it_does_not() {
    let mut instance = Instance::started("port");
    instance.add("alice", PASSWORD);
    let old = instance.port;
    instance.port = crate::harness::free_port();
    let told = instance.start();
    assert!(told.stderr.contains("--recreate"), "{told:#?}");
    let published = || {
        docker(["port", &instance.name, "3000/tcp"])
            .ok()
            .text()
            .to_owned()
    };
    assert_eq!(published(), format!("127.0.0.1:{old}"));
    instance.occ(["stop"]).ok();
    instance.start();
    assert_eq!(published(), format!("127.0.0.1:{}", instance.port));
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
}

#[test]
fn a_taken_port_is_said_and_leaves_nothing_behind() {
    let instance = Instance::new("clash");
    let holder = std::net::TcpListener::bind(("127.0.0.1", instance.port)).unwrap();
    let port = instance.port.to_string();
    let failed = instance
        .occ(["start", "--image", &instance.image, "--port", &port])
        .run()
        .exits(1);
    assert!(failed.stderr.contains("port"), "{failed:#?}");
    assert_eq!(
        docker(["container", "inspect", &instance.name]).run().code,
        Some(1),
        "a container is left"
    );
    drop(holder);
    instance.start();
}

#[test]
fn two_containers_do_not_share_a_store_by_accident() {
    let instance = Instance::started("shared");
    instance.add("alice", PASSWORD);
    instance.occ(["stop"]).ok();
    let other = format!("{}-other", instance.name);
    let volume = format!("{}-users:/var/lib/opencode-users", instance.name);
    docker([
        "run",
        "--detach",
        "--name",
        &other,
        "--volume",
        &volume,
        &run().light,
    ])
    .ok();
    let refused = instance.occ(["start"]).run();
    let allowed = instance.occ(["start", "--shared"]).run();
    docker(["rm", "--force", &other]).ok();
    refused.exits(5).says(&other).says("--shared");
    allowed.exits(0);
    instance.login("alice", PASSWORD).unwrap();
}

#[test]
fn somebody_elses_container_of_the_same_name_is_left_alone() {
    let instance = Instance::new("theirs");
    let image = instance.image.as_str();
    docker([
        "run",
        "--detach",
        "--name",
        &instance.name,
        "--entrypoint",
        "sleep",
        image,
        "1000",
    ])
    .ok();
    let before = instance.inspect("{{.Id}} {{.State.StartedAt}}");
    let refused = |call: Finished| assert!(call.stderr.contains("is not occ's"), "{call:#?}");
    refused(instance.occ(["start"]).run().exits(5));
    refused(instance.occ(["start", "--recreate"]).run().exits(5));
    refused(instance.occ(["stop"]).run().exits(5));
    refused(instance.occ(["restart"]).run().exits(5));
    refused(instance.occ(["update", "container"]).run().exits(5));
    assert_eq!(instance.inspect("{{.Id}} {{.State.StartedAt}}"), before);
}

/// A build, a start and an import: a spinner at a terminal, plain lines elsewhere.
#[test]
fn progress_is_on_stderr_and_the_answer_alone_on_stdout() {
    let instance = Instance::new("progress");
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let port = instance.port.to_string();
    let start = ["start", "--image", &instance.image, "--port", &port];
    let piped = instance.occ(start).ok();
    let ready = format!(
        "Container '{0}' is ready, but nothing answers at http://{0}.localhost:{port} or \
         http://localhost:{port}; `occ --container {0} doctor` says why.\n\
         No users yet. Add one with `occ --container {0} user add`.\n",
        instance.name
    );
    assert_eq!(piped.stdout, ready);
    let lines = format!(
        "Making container '{}'\nWaiting until it is healthy\n",
        instance.name
    );
    assert_eq!(piped.stderr, lines);

    let list = directory.path().join("list");
    std::fs::write(&list, "alice:a a a:::::\n").unwrap();
    let import = ["user", "import", list.to_str().unwrap()];
    let built = format!("{}-built", instance.image);
    for (args, shown, answer) in [
        (
            // A tag that is occ's own: it builds over nobody else's.
            &["start", "--recreate", "--build", "--image", &built][..],
            "Building",
            "is ready",
        ),
        (&import, "Importing 1 line", "User 'alice' created"),
    ] {
        let occ = instance.occ([]).args(args).into_command();
        let words = std::iter::once(occ.get_program()).chain(occ.get_args());
        let call = Call::new("sh").args(["-c", "\"$@\" > \"$0\""]).args([&out]);
        let call = occ
            .get_envs()
            .fold(call.args(words), |call, (name, value)| {
                call.env(name.to_str().unwrap(), value.unwrap())
            });
        let (code, screen) = Terminal::open(call).ends();
        assert_eq!(code, 0, "{screen}");
        let told = std::fs::read_to_string(&out).unwrap();
        assert!(screen.contains(shown), "{args:?}: {screen}");
        assert!(told.contains(answer), "{args:?}: {told}");
        assert!(
            !told.contains('\u{1b}') && !told.contains(shown),
            "{args:?}: {told}"
        );
    }
}
