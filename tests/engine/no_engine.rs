//! Errors when there is no engine, or no container.

use crate::harness::{Call, Instance, occ};

const STDIN: &str = "--password-stdin";

/// Each command of `occ user`, with all that it needs.
fn commands() -> Vec<Vec<&'static str>> {
    vec![
        vec!["list"],
        vec!["show", "alice"],
        vec!["add", "bob", STDIN],
        vec!["add", "bob", "--generate"],
        vec!["passwd", "alice", STDIN],
        vec!["enable", "alice"],
        vec!["disable", "alice"],
        vec!["remove", "alice", "--yes"],
    ]
}

#[track_caller]
fn not_running(instance: &Instance) {
    for command in commands() {
        let call = |json: &[&str]| {
            instance
                .occ(["user"])
                .args(&command)
                .args(json)
                .input("x x x\n")
                .run()
        };
        let said = call(&[]).exits(7);
        assert_eq!(
            said.stderr, "Container not running. Start with `occ start` first.\n",
            "{command:?}"
        );
        assert_eq!(said.stdout, "", "{command:?}");
        let error = call(&["--json"]).exits(7).json();
        assert_eq!(error["error"]["kind"], "not_running");
        assert_eq!(error["error"]["retryable"], true);
    }
}

#[test]
fn without_a_running_container_every_user_command_says_how_to_start_it() {
    let instance = Instance::new("off");
    not_running(&instance);
    instance.start();
    instance.add("alice", "a a a");
    instance.occ(["stop"]).ok();
    not_running(&instance);
    instance.occ(["start"]).ok();
    instance.login("alice", "a a a").unwrap();
}

#[test]
fn without_an_engine_every_command_says_how_to_get_one() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("none.sock");
    let dead = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    drop(dead);
    let others = [
        vec!["start"],
        vec!["stop"],
        vec!["status"],
        vec!["update", "container"],
        vec!["logs"],
    ];
    let users = commands()
        .into_iter()
        .map(|command| [vec!["user"], command].concat());
    for command in users.chain(others) {
        for host in [
            socket.display().to_string(),
            directory.path().join("absent.sock").display().to_string(),
        ] {
            Call::new(occ())
                .args(&command)
                .env("DOCKER_HOST", format!("unix://{host}"))
                .without_env("DOCKER_CONTEXT")
                .env("XDG_CONFIG_HOME", directory.path())
                .input("x x x\n")
                .run()
                .exits(6)
                .says(&host)
                .says("DOCKER_HOST")
                .says("install and start an engine");
        }
    }
}
