//! `image/compose.yaml` makes what `occ start` makes, and the two take turns; one of
//! another name is made beside it.

use serde_json::Value;

use crate::harness::{Call, Instance, docker, source, until};

const PASSWORD: &str = "composed and kept";
/// Settings that occ and compose make alike.
const SETTINGS: &str = r#"{"add":{{json .HostConfig.CapAdd}},"drop":{{json .HostConfig.CapDrop}},
    "restart":{{json .HostConfig.RestartPolicy.Name}},"stop":{{json .Config.StopTimeout}},
    "ports":{{json .HostConfig.PortBindings}},"hostname":{{json .Config.Hostname}},
    "instance":{{json (index .Config.Labels "dev.occ.instance")}},
    "command":{{json .Config.Cmd}},"environment":{{json .Config.Env}},"mounts":{{json .Mounts}}}"#;

fn compose<const N: usize>(instance: &Instance, args: [&str; N]) -> Call {
    let file = source("image/compose.yaml");
    Call::new("docker-compose")
        .args(["--file".as_ref(), file.as_os_str()])
        .args(args)
        .env("OCC_IMAGE", &instance.image)
        .env("OCC_NAME", &instance.name)
        .env("OCC_PORT", instance.port.to_string())
}

/// The settings, without what differs by order alone.
fn settings(instance: &Instance) -> Value {
    let mut settings: Value = serde_json::from_str(&instance.inspect(SETTINGS)).unwrap();
    for list in ["add", "environment"] {
        let mut sorted: Vec<String> = serde_json::from_value(settings[list].take()).unwrap();
        // Compose passes settings that are not set: to the login they are not there.
        sorted.retain(|one| !one.ends_with('='));
        sorted.sort();
        settings[list] = sorted.into();
    }
    let mounts = settings["mounts"].take();
    let mut mounts: Vec<String> = mounts
        .as_array()
        .unwrap()
        .iter()
        .map(|mount| format!("{} {} {}", mount["Name"], mount["Destination"], mount["RW"]))
        .collect();
    mounts.sort();
    settings["mounts"] = mounts.into();
    settings
}

#[test]
fn compose_and_occ_take_turns_with_the_same_people() {
    let instance = Instance::new("compose");
    compose(&instance, ["up", "--detach"]).ok();
    until("it is ready", || {
        let ready = instance.exec(["occ-init", "health", "--ready"]).run();
        (ready.code == Some(0)).then_some(())
    });
    let composed = settings(&instance);
    assert_eq!(instance.add("alice", PASSWORD), 10000);
    instance.occ(["status"]).ok().prints("running");
    compose(&instance, ["down"]).ok();
    let gone = docker(["container", "inspect", &instance.name]).run();
    assert_ne!(gone.code, Some(0), "compose down left it");

    instance.start();
    assert_eq!(settings(&instance), composed);
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    instance.remove_container();
    compose(&instance, ["up", "--detach"]).ok();
    until("alice is back", || {
        instance
            .exec(["id", "alice"])
            .run()
            .code
            .eq(&Some(0))
            .then_some(())
    });
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    compose(&instance, ["down"]).ok();
}

#[test]
fn a_second_name_leaves_the_first_container_alone() {
    let first = Instance::new("compose-first");
    let second = Instance::beside(&first, "compose-second");
    compose(&first, ["up", "--detach"]).ok();
    let before = first.inspect("{{.Id}} {{.State.StartedAt}}");
    compose(&second, ["up", "--detach"]).ok();
    assert_eq!(first.inspect("{{.Id}} {{.State.StartedAt}}"), before);
    let project = r#"{{index .Config.Labels "com.docker.compose.project"}}"#;
    assert_eq!(second.inspect(project), second.name);
    let volumes = "{{range .Mounts}}{{.Name}} {{end}}";
    let volumes = [&first, &second].map(|one| one.inspect(volumes));
    for volume in volumes[0].split_whitespace() {
        assert!(!volumes[1].contains(volume), "{volumes:?}");
    }
    compose(&second, ["down"]).ok();
    assert_eq!(first.inspect("{{.Id}} {{.State.StartedAt}}"), before);
    compose(&first, ["down"]).ok();
}
