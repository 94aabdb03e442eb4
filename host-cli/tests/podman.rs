//! What Podman does otherwise than Docker: it changes no restart policy, has pods, and lets
//! systemd make containers; and what Docker Swarm makes. On an engine that only keeps books.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use fake::{Engine, container, outdated};
use serde_json::{Value, json};

/// Exit code and what is said.
fn occ(engine: &Engine, line: &str) -> (Option<i32>, String) {
    let output = engine.occ(&line.split(' ').collect::<Vec<_>>());
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    (output.status.code(), format!("{out}{err}"))
}

fn policy_of(engine: &Engine, name: &str) -> Value {
    engine.inspect(name)["HostConfig"]["RestartPolicy"]["Name"].clone()
}

/// podman-restart.service starts everything that has a policy, at the next boot.
#[test]
fn the_kept_container_has_no_restart_policy_where_none_can_be_changed() {
    let engine = outdated();
    engine.with(|state| {
        state.cannot_update = true;
        state.containers[0]["HostConfig"]["RestartPolicy"] = json!({"Name": "always"});
    });
    let first = engine.inspect("opencode")["Id"].clone();
    for line in ["update container", "update container --rollback"].repeat(2) {
        let (code, said) = occ(&engine, line);
        assert_eq!(code, Some(0), "{line}: {said}");
        assert_eq!(policy_of(&engine, "opencode"), "always", "{line}");
        assert_eq!(policy_of(&engine, "opencode-previous"), "no", "{line}");
        assert_eq!(engine.names().len(), 2, "{:?}", engine.names());
        let mut all = engine.state.lock().unwrap().containers.clone();
        all.retain(|one| one["Id"] == first);
        assert!(all.is_empty(), "the one with a policy is still there");
        engine.with(|state| {
            let newest = state.images["occ:local"].clone();
            state.images.insert("before".into(), newest);
        });
    }
}

/// An update that ended before it came to that.
#[test]
fn a_kept_container_with_a_policy_loses_it_at_the_next_command() {
    let engine = outdated();
    engine.with(|state| {
        state.cannot_update = true;
        let mut kept = container("opencode", "occ:local", "1");
        kept["Name"] = "/opencode-previous".into();
        kept["Id"] = format!("{:0<64}", "abc").into();
        kept["HostConfig"]["RestartPolicy"] = json!({"Name": "unless-stopped"});
        kept["State"] = json!({"Status": "exited", "Running": false});
        state.containers.push(kept);
    });
    assert_eq!(occ(&engine, "start").0, Some(0));
    assert_eq!(policy_of(&engine, "opencode-previous"), "no");
    assert_eq!(engine.names(), ["opencode", "opencode-previous"]);
}

/// One in a pod, or with another's network, is reached where that one is.
#[test]
fn ports_of_a_pod_are_those_of_its_infra_container() {
    let engine = outdated();
    engine.with(|state| {
        let mut infra = container("0b14e54b6d9a-infra", "pause", "3");
        infra["HostConfig"]["PortBindings"]["3000/tcp"][0] =
            json!({"HostIp": "0.0.0.0", "HostPort": "4455"});
        let network = format!("container:{}", infra["Id"].as_str().unwrap());
        state.containers[0]["HostConfig"]["NetworkMode"] = network.into();
        state.containers[0]["HostConfig"]["PortBindings"] = json!({});
        state.containers.push(infra);
    });
    let (code, said) = occ(&engine, "status");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("http://localhost:4455"), "{said}");
    let (_, said) = occ(&engine, "doctor");
    assert!(said.contains(":4455 does not answer"), "{said}");
    let before = engine.inspect("opencode");
    for line in ["update container", "start --recreate"] {
        let (code, said) = occ(&engine, line);
        assert_eq!(code, Some(5), "{said}");
        assert!(said.contains("is in a pod of Podman's"), "{said}");
    }
    assert_eq!(engine.inspect("opencode"), before);
}

#[test]
fn a_container_that_systemd_makes_is_left_to_it() {
    for (security, command) in [
        (vec![], "systemctl restart opencode.service"),
        (
            vec!["name=rootless".to_owned()],
            "systemctl --user restart opencode.service",
        ),
    ] {
        let engine = outdated();
        engine.with(|state| {
            state.security = security;
            let one = &mut state.containers[0];
            one["Config"]["Labels"]["PODMAN_SYSTEMD_UNIT"] = "opencode.service".into();
            one["HostConfig"]["AutoRemove"] = true.into();
        });
        let before = engine.inspect("opencode");
        for line in ["update container", "start --recreate"] {
            let (code, said) = occ(&engine, line);
            assert_eq!(code, Some(5), "{said}");
            assert!(said.contains(&format!("hint: `{command}`")), "{said}");
        }
        assert_eq!(engine.inspect("opencode"), before);
        assert_eq!(engine.names(), ["opencode"]);
    }
}

/// The container of a service, and one that it had before.
fn swarm(state: &str) -> Engine {
    let engine = outdated();
    engine.with(|engine| {
        let task = &mut engine.containers[0];
        task["Name"] = "/team_opencode.1.new".into();
        task["State"] = json!({"Status": state, "Running": state == "running"});
        task["Config"]["Labels"]["com.docker.swarm.service.id"] = "of-team".into();
        task["Config"]["Labels"]["com.docker.swarm.service.name"] = "team_opencode".into();
        let mut past = task.clone();
        past["Name"] = "/team_opencode.1.old".into();
        past["Id"] = format!("{:0<64}", "abc").into();
        past["State"] = json!({"Status": "exited", "Running": false});
        engine.containers.push(past);
    });
    engine
}

#[test]
fn a_container_of_a_swarm_is_found_and_left_to_it() {
    let again = "docker service update --force";
    let running = [
        (
            "update container",
            format!("{again} --image occ:local team_opencode"),
        ),
        (
            "start --recreate",
            format!("{again} --image occ:local team_opencode"),
        ),
        ("restart", format!("{again} team_opencode")),
        ("stop", "docker service scale team_opencode=0".to_owned()),
        (
            "reset container --force",
            "docker service rm team_opencode".to_owned(),
        ),
    ];
    let engine = swarm("running");
    let (code, said) = occ(&engine, "user list");
    assert_eq!(code, Some(0), "{said}");
    let stopped = swarm("exited");
    let start = ("start", "docker service scale team_opencode=1".to_owned());
    let all = running.iter().map(|line| (&engine, line));
    for (engine, (line, hint)) in all.chain([(&stopped, &start)]) {
        let before = engine.state.lock().unwrap().containers.clone();
        let (code, said) = occ(engine, line);
        assert_eq!(code, Some(5), "{line}: {said}");
        assert!(said.contains(&format!("hint: `{hint}`")), "{line}: {said}");
        assert_eq!(engine.state.lock().unwrap().containers, before, "{line}");
    }
}
