//! start, update and rollback on an engine that only keeps books: which container is on
//! which image, port and network afterwards.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use fake::{Engine, container, image, one_account, outdated};
use serde_json::{Value, json};

#[track_caller]
fn ok(engine: &Engine, line: &str) -> String {
    let output = engine.occ(&line.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{line}: {said}");
    said
}

fn image_of(engine: &Engine, name: &str) -> u32 {
    let found = engine.inspect(name);
    let id = found["Image"].as_str().unwrap();
    u32::from(id.as_bytes()[7] - b'0')
}

fn port_of(engine: &Engine, name: &str) -> Value {
    engine.inspect(name)["HostConfig"]["PortBindings"]["3000/tcp"][0]["HostPort"].clone()
}

#[test]
fn start_with_another_port_stays_on_the_image_that_was_gone_back_to() {
    let engine = outdated();
    ok(&engine, "update container");
    assert_eq!(image_of(&engine, "opencode"), 2);
    ok(&engine, "update container --rollback");
    ok(&engine, "stop");
    let said = ok(&engine, "start --port 4001");
    assert!(said.contains("there is a newer occ:local"), "{said}");
    assert_eq!(
        (image_of(&engine, "opencode"), port_of(&engine, "opencode")),
        (1, "4001".into())
    );
    // The name of its image is not lost with that, nor the way back.
    ok(&engine, "update container --rollback");
    assert_eq!(image_of(&engine, "opencode"), 2);
    ok(&engine, "update container --rollback");
    ok(&engine, "stop");
    ok(&engine, "start");
    ok(&engine, "update container");
    assert_eq!(image_of(&engine, "opencode"), 2);
    assert_eq!(engine.names(), ["opencode-previous", "opencode"]);
}

#[test]
fn configuration_is_for_new_containers() {
    let engine = Engine::new(one_account);
    engine.has("other");
    ok(&engine, "config set port 4000");
    ok(&engine, "config set image elsewhere:1");
    for command in ["start", "stop", "start"] {
        ok(&engine, &format!("--container other {command}"));
        assert_eq!(port_of(&engine, "other"), "3000");
        assert_eq!(image_of(&engine, "other"), 1);
    }
    engine.with(|state| {
        state
            .images
            .insert("elsewhere:1".into(), image("3", &json!({})));
    });
    ok(&engine, "start");
    assert_eq!(
        (image_of(&engine, "opencode"), port_of(&engine, "opencode")),
        (3, "4000".into())
    );
}

fn environment(engine: &Engine, name: &str) -> Vec<String> {
    let found = engine.inspect(name);
    let list = found["Config"]["Env"].as_array().unwrap();
    let mut list: Vec<_> = list
        .iter()
        .map(|one| one.as_str().unwrap().to_owned())
        .collect();
    list.sort();
    list
}

#[test]
fn settings_of_the_login_come_from_line_file_and_configuration() {
    let engine = Engine::new(one_account);
    engine.with(|state| {
        state
            .images
            .insert("occ:local".into(), image("1", &json!({})));
    });
    ok(&engine, "config set gate_idle 1h");
    ok(&engine, "config set gate_session_idle 1d");
    let file = engine.home.path().join("env");
    std::fs::write(
        &file,
        "\u{feff}# ours\n\nOCC_GATE_SESSION_IDLE=2d\r\nTOKEN=a b=c\n",
    )
    .unwrap();
    let file = file.display();
    ok(
        &engine,
        &format!("start --env-file {file} --env OCC_GATE_IDLE=3h --host-name code.example.com"),
    );
    let expected = [
        "OCC_GATE_HOSTS=code.example.com",
        "OCC_GATE_IDLE=3h",
        "OCC_GATE_NAME=opencode",
        "OCC_GATE_SESSION_IDLE=2d",
        "TOKEN=a b=c",
    ];
    assert_eq!(environment(&engine, "opencode"), expected);
    // While it runs, what is typed is said with a command that does it.
    let said = ok(&engine, "start --env A=1 --bind 192.0.2.7");
    let command = said
        .split('`')
        .nth(1)
        .unwrap()
        .strip_prefix("occ ")
        .unwrap()
        .to_owned();
    ok(&engine, &command);
    let after = environment(&engine, "opencode");
    assert!(after.contains(&"A=1".to_owned()), "{after:?}");
    let hosts = "OCC_GATE_HOSTS=code.example.com,192.0.2.7:3000".to_owned();
    assert!(after.contains(&hosts), "{after:?}");
}

#[test]
fn image_that_somebody_built_on_ours_is_not_built_over() {
    let engine = Engine::new(one_account);
    engine.has("opencode");
    let labels = json!({"dev.occ.image": "local", "dev.occ.inputs": "older", "dev.occ.base": "debian:bookworm-slim"});
    let child = image("1", &json!({"Labels": labels}));
    engine.with(|state| {
        state.images.insert("occ:local".into(), child.clone());
        state
            .images
            .insert("debian:bookworm-slim".into(), image("7", &json!({})));
    });
    let program = engine.home.path().join("program");
    std::fs::write(&program, "").unwrap();
    for (line, code) in [
        ("update container", 5),
        ("start --build --recreate", 5),
        ("start", 0),
        ("start --recreate", 0),
    ] {
        let mut command = engine.command(&line.split(' ').collect::<Vec<_>>());
        command
            .env("OCC_INIT_BIN", &program)
            .env("OCC_GATE_BIN", &program);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert_eq!(
            said.contains("built on occ's image by somebody"),
            code == 5,
            "{line}: {said}"
        );
    }
    let state = engine.state.lock().unwrap();
    assert!(
        state
            .changes
            .iter()
            .all(|change| !change.contains("/build"))
    );
}

/// An engine elsewhere may have another processor than the programs that occ brings.
#[test]
fn image_for_another_architecture_than_the_programs_is_not_begun() {
    let engine = Engine::new(one_account);
    let own = env!("CARGO_BIN_EXE_occ");
    let other = if cfg!(target_arch = "aarch64") {
        "amd64"
    } else {
        "arm64"
    };
    engine.with(|state| {
        state.architecture = Some(other.to_owned());
        let base = image("7", &json!({}));
        state.images.insert("debian:bookworm-slim".into(), base);
    });
    let mut command = engine.command(&["start", "--build"]);
    command.env("OCC_INIT_BIN", own).env("OCC_GATE_BIN", own);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&format!("the image is to be for {other}, as the engine is")),
        "{said}"
    );
    assert!(
        said.contains(&format!("name programs for {other} with OCC_INIT_BIN")),
        "{said}"
    );
    assert_eq!(engine.state.lock().unwrap().changes, [""; 0]);
}

const COMPOSED: [(&str, &str); 2] = [
    ("com.docker.compose.project", "team"),
    ("com.docker.compose.service", "opencode"),
];

fn is_composed(engine: &Engine, name: &str) -> bool {
    let labels = engine.inspect(name)["Config"]["Labels"].clone();
    let there = COMPOSED
        .iter()
        .filter(|(key, value)| labels[key] == *value)
        .count();
    assert!(there == 0 || there == COMPOSED.len(), "{labels}");
    there > 0
}

/// `docker compose restart` starts every container with the labels of the project.
#[test]
fn labels_of_compose_are_on_the_container_that_serves_alone() {
    let engine = outdated();
    engine.with(|state| {
        for (key, value) in COMPOSED {
            state.containers[0]["Config"]["Labels"][key] = value.into();
        }
    });
    ok(&engine, "update container");
    for expected in [2, 1, 2] {
        assert_eq!(image_of(&engine, "opencode"), expected);
        assert!(is_composed(&engine, "opencode"));
        assert!(!is_composed(&engine, "opencode-previous"));
        assert_eq!(engine.names().len(), 2, "{:?}", engine.names());
        ok(&engine, "update container --rollback");
    }
}

/// Found by another name than its label's: the label stays, and its id will do as well.
#[test]
fn an_update_by_name_or_id_keeps_label_and_name() {
    for by_id in [false, true] {
        let engine = outdated();
        engine.with(|state| {
            let mut one = container("opencode", "occ:local", "1");
            one["Name"] = "/team_opencode_1".into();
            one["Config"]["Labels"] = json!({"dev.occ.instance": "team"});
            state.containers = vec![one];
        });
        let id = engine.inspect("team_opencode_1")["Id"]
            .as_str()
            .unwrap()
            .to_owned();
        let word = if by_id { &id[..12] } else { "team_opencode_1" };
        ok(&engine, &format!("--container {word} update container"));
        assert_eq!(image_of(&engine, "team_opencode_1"), 2);
        let labels = engine.inspect("team_opencode_1")["Config"]["Labels"].clone();
        assert_eq!(labels, json!({"dev.occ.instance": "team"}));
        ok(
            &engine,
            &format!("--container {word} update container --rollback"),
        );
        assert_eq!(image_of(&engine, "team_opencode_1"), 1);
        assert_eq!(engine.names().len(), 2);
    }
}

/// It ends as soon as it is started: that is what is said, whatever its engine answers.
#[test]
fn container_that_restarts_again_and_again_is_called_so() {
    for (code, forgets) in [(126, false), (127, false), (0, true)] {
        let engine = Engine::new(move |_| (code, String::new(), String::new()));
        engine.has("opencode");
        let list = || {
            let output = engine.occ(&["user", "list"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.code(), said)
        };
        engine.with(|state| {
            state.forgets = forgets;
            state.containers[0]["RestartCount"] = 4.into();
            state.containers[0]["State"]["StartedAt"] = "2999-01-01T00:00:00Z".into();
        });
        let (status, said) = list();
        assert_eq!(status, Some(7), "{said}");
        assert!(
            said.contains("is restarting: it ends as soon as it is started"),
            "{said}"
        );
        assert!(said.contains("hint: `occ logs` shows why"), "{said}");
        // One that runs well has no occ-init in it.
        engine.with(|state| state.containers[0]["RestartCount"] = 0.into());
        let (_, said) = list();
        assert!(!said.contains("restarting"), "{said}");
    }
}

#[test]
fn stop_waits_as_long_as_it_is_told() {
    let engine = Engine::new(one_account);
    engine.has("opencode");
    ok(&engine, "stop --time 5");
    let state = engine.state.lock().unwrap();
    let last = state.changes.last().unwrap();
    assert!(last.ends_with("/stop?t=5"), "{last}");
}
