//! `occ doctor` finds what is broken on purpose, and what it says mends it.

use crate::harness::{Call, Instance, docker, pause, run, until};
use serde_json::Value;

/// Topic and mend of each finding; nothing changes by asking.
fn findings(instance: &Instance) -> Vec<(String, String)> {
    let done = instance.occ(["doctor", "--json"]).run();
    let document = done.json();
    let text = |check: &Value, key: &str| check[key].as_str().unwrap().to_owned();
    let wrong: Vec<_> = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["ok"] == false)
        .map(|check| (text(check, "topic"), text(check, "mend")))
        .collect();
    assert_eq!(done.code, Some(i32::from(!wrong.is_empty())), "{done:#?}");
    assert_eq!(document["findings"], wrong.len());
    wrong
}

fn topics(instance: &Instance) -> Vec<String> {
    let found = findings(instance);
    found.into_iter().map(|(topic, _)| topic).collect()
}

/// The light image runs no opencode, so nothing answers at the port.
#[track_caller]
fn only_the_port(instance: &Instance) {
    assert_eq!(topics(instance), ["ports"]);
}

#[test]
fn each_thing_that_is_broken_is_found_and_mended_by_what_is_said() {
    let instance = Instance::new("doctor");
    assert_eq!(topics(&instance), ["container"]);
    instance.start();
    instance.add("alice", "a a a a");
    only_the_port(&instance);

    instance.sh("echo broken > /var/lib/opencode-users/bob.json; chmod 600 /var/lib/opencode-users/bob.json");
    let store = findings(&instance);
    let store = store.iter().find(|(topic, _)| topic == "store").unwrap();
    assert!(store.1.contains("bob.json"), "{store:?}");
    instance.sh("rm /var/lib/opencode-users/bob.json");

    instance.use_image(&run().shifted);
    assert_eq!(topics(&instance), ["image", "ports"]);
    instance.occ(["update", "container"]).ok();
    only_the_port(&instance);

    instance.occ(["stop"]).ok();
    let holder = std::net::TcpListener::bind(("127.0.0.1", instance.port)).unwrap();
    assert_eq!(topics(&instance), ["ports", "container"]);
    drop(holder);
    assert_eq!(topics(&instance), ["container"]);
    instance.start();
    pause(&instance.name);
    let paused = findings(&instance);
    docker(["unpause", &instance.name]).ok();
    assert!(
        paused
            .iter()
            .any(|(_, mend)| mend.contains("docker unpause"))
    );
    only_the_port(&instance);
}

/// Nothing in it watches /etc, so that what is wrong there stays so.
#[test]
fn a_container_without_our_init_is_told_and_drift_is_mended_by_what_is_said() {
    let instance = Instance::new("drift");
    let users = format!("{}-users:/var/lib/opencode-users", instance.name);
    let home = format!("{}-home:/home", instance.name);
    let volumes = ["--volume", &users, "--volume", &home];
    let options = [&volumes[..], &["--entrypoint", "sleep"]].concat();
    instance.run_by_hand(&options, &["1000000"]);
    instance.add("alice", "a a a a");
    assert_eq!(topics(&instance), ["image", "container"]);
    instance.sh("sed -i 's,^\\(alice:.*\\):/bin/bash,\\1:/bin/false,' /etc/passwd");
    let found = findings(&instance);
    let drift = found.iter().find(|(topic, _)| topic == "drift");
    let mend = format!("`docker exec {} occ-init restore`", instance.name);
    assert_eq!(drift.unwrap().1, mend);
    instance.exec(["occ-init", "restore"]).ok();
    instance.accounts();
    assert!(!topics(&instance).contains(&"drift".to_owned()));
}

#[test]
fn a_container_open_to_all_with_nobody_in_it_and_without_volumes_is_told() {
    let instance = Instance::new("exposed");
    let port = format!("0.0.0.0:{}:3000", instance.port);
    instance.run_by_hand(&["--publish", &port], &[]);
    instance.occ(["user", "list"]).ok();
    let found = topics(&instance);
    for topic in ["volumes", "exposure"] {
        assert!(found.iter().any(|one| one == topic), "{found:?}");
    }
    let unknown = instance
        .occ(["doctor"])
        .env("DOCKER_HOST", "unix:///nonexistent.sock");
    unknown
        .run()
        .exits(1)
        .prints("FAIL   engine:")
        .prints("fix: install and start");
}

/// What is typed is what doctor says, in a shell.
#[track_caller]
fn follow(instance: &Instance, mend: &str) {
    let place = tempfile::tempdir().unwrap();
    let command = mend.trim_matches('`');
    assert!(!command.contains("occ start"), "whose? {command}");
    let script = format!(
        "set -eu; cd '{}'; occ() {{ '{}' \"$@\"; }}; {command}",
        place.path().display(),
        crate::harness::occ().display()
    );
    Call::new("bash")
        .args(["-c", &script])
        .env("XDG_CONFIG_HOME", instance.config())
        .ok();
}

#[test]
fn people_and_homes_outside_of_volumes_come_into_volumes_by_what_is_said() {
    let instance = Instance::new("no-volumes");
    let users = format!("{}-users:/var/lib/opencode-users", instance.name);
    for (volumes, missing) in [
        (&["--volume", &users][..], "{}-home"),
        (&[][..], "{}-users {}-home"),
    ] {
        instance.run_by_hand(volumes, &[]);
        assert_eq!(instance.add("alice", "kept by a hint"), 10000);
        instance.sh("echo hers >/home/alice/file && chown alice: /home/alice/file");
        let missing = missing.replace("{}", &instance.name);
        let found = findings(&instance);
        let mut volumes = found.iter().filter(|(topic, _)| topic == "volumes");
        follow(&instance, &volumes.next().unwrap().1);
        let found = findings(&instance);
        let is_told = found.iter().any(|(topic, _)| topic == "volumes");
        assert!(!is_told, "{found:?}");
        let mounts = instance.inspect("{{range .Mounts}}{{.Name}} {{end}}");
        let mut wanted = missing.split(' ');
        assert!(wanted.all(|volume| mounts.contains(volume)), "{mounts}");
        assert_eq!(instance.login("alice", "kept by a hint").unwrap(), 10000);
        let file = instance
            .sh("stat -c '%U %a' /home/alice; cat /home/alice/file; stat -c %U /home/alice/file");
        assert_eq!(file, "alice 700\nhers\nalice");
        instance.remove_container();
        let names = ["users", "home", "gate"].map(|end| format!("{}-{end}", instance.name));
        docker(["rm", "--force", &format!("{}-unkept", instance.name)]).run();
        docker(["volume", "rm", "--force"]).args(names).ok();
    }
}

#[test]
fn an_image_without_occ_init_is_named_by_every_command() {
    let instance = Instance::new("noinit");
    let command = ["-c", "rm /usr/local/bin/occ-init; sleep 1000"];
    instance.run_by_hand(&["--entrypoint", "sh"], &command);
    until("occ-init is gone", || {
        let there = instance
            .exec(["test", "-e", "/usr/local/bin/occ-init"])
            .run();
        (there.code == Some(1)).then_some(())
    });
    let said = "has no usable occ-init";
    instance
        .occ(["user", "list"])
        .run()
        .exits(1)
        .says(said)
        .says("update container`");
    let found = findings(&instance);
    assert!(
        found
            .iter()
            .any(|(topic, mend)| topic == "image" && mend.contains(" update container`"))
    );
    // An older one: it does not know the command that it is given.
    instance.sh("printf '%s\\n' '#!/bin/sh' 'echo \"error: unrecognized subcommand\" >&2; exit 2' > /usr/local/bin/occ-init && chmod +x /usr/local/bin/occ-init");
    instance
        .occ(["user", "list"])
        .run()
        .exits(1)
        .says(said)
        .says("does not know this command");
}
