//! The states in which occ hints at commands, on an engine that only keeps books.

use serde_json::{Value, json};

use crate::fake::{Answer, Engine, one_account};
use crate::{commands, follow, leads_on, said, words};

fn refusing(kind: &'static str, code: i64) -> impl Fn(&str) -> Answer {
    move |words: &str| {
        if !words.contains("bob") {
            return one_account(words);
        }
        let error = json!({"kind": kind, "code": "no_such_account", "name": "bob", "message": "m"});
        (
            code,
            format!("{}\n", json!({"schema": 1, "error": error})),
            String::new(),
        )
    }
}

pub(crate) fn hints_name_the_container_and_work_in_their_state() {
    // The first container's is not touched.
    let engine = Engine::new(refusing("not_found", 3));
    engine.has("opencode").has("box").has_newer_image();
    let untouched = engine.inspect("opencode");
    leads_on(
        &engine,
        "--container box user show bob",
        &["--container box user list"],
    );
    let moves = "--container box update container";
    let recreate = "--container box start --recreate --port 4000";
    leads_on(
        &engine,
        "--container box update container --rollback",
        &[moves],
    );
    leads_on(
        &engine,
        "--container box start --port 4000",
        &["--container box doctor", recreate],
    );
    assert_eq!(engine.inspect("opencode"), untouched);
    assert_eq!(
        engine.inspect("box")["HostConfig"]["PortBindings"]["3000/tcp"][0]["HostPort"],
        "4000"
    );
}

pub(crate) fn doctors_fixes_work() {
    let engine = Engine::new(one_account);
    leads_on(&engine, "config get port", &[]);
    engine.has("box");
    for state in ["exited", "created"] {
        engine.with(|all| all.containers[0]["State"] = json!({"Status": state, "Running": false}));
        let told = said(&engine.occ(&["--container", "box", "doctor"]));
        let fixes = commands(&told);
        assert!(
            fixes.contains(&"--container box start".to_owned()),
            "{told}"
        );
        follow(&engine, "doctor", &["--container box start".to_owned()]);
    }
}

/// An account, as occ-init shows it.
fn account(name: &str, status: &str, more: &Value) -> Value {
    let mut account = json!({"userName": name, "uid": 10000, "gid": 10000, "status": status,
        "homeDirectory": format!("/home/{name}"), "shell": "/bin/bash"});
    for (key, value) in more.as_object().unwrap() {
        account[key] = value.clone();
    }
    account
}

/// An occ-init that answers one command with a document, and every other as ever.
fn answering(command: &'static str, document: Value) -> impl Fn(&str) -> Answer {
    move |words: &str| {
        if words.contains(command) {
            return (0, format!("{document}\n"), String::new());
        }
        one_account(words)
    }
}

/// `box`, on an engine whose occ-init answers like that.
fn with_box(program: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Engine {
    let engine = Engine::new(program);
    engine.has("box");
    engine
}

pub(crate) fn about_accounts() {
    leads_on(
        &with_box(one_account),
        "--container box user add",
        &["--container box user add alice"],
    );
    let engine = with_box(|words| {
        if !words.contains("user add") {
            return one_account(words);
        }
        let error = json!({"kind": "conflict", "code": "exists", "name": "bob", "message": "m",
            "hint": "'occ-init user passwd bob' sets a new password"});
        let document = json!({"schema": 1, "error": error});
        (4, format!("{document}\n"), String::new())
    });
    let passwd = ["--container box user passwd bob"];
    leads_on(&engine, "--container box user add bob --generate", &passwd);
    let without = account(
        "bob",
        "enabled",
        &json!({"hasPassword": false, "sshKeys": 0}),
    );
    let list = json!({"schema": 1, "accounts": [without]});
    let engine = with_box(answering("user list", list));
    leads_on(&engine, "--container box user list", &passwd);
    leads_on(&engine, "--json frobnicate", &["--help"]);
    leads_on(
        &engine,
        "--container box passwd bob",
        &["--container box user passwd --help"],
    );
    leads_on(
        &engine,
        "--container box list",
        &["--container box user list"],
    );
    let none = json!({"schema": 1, "accounts": []});
    let engine = with_box(answering("user list", none));
    let found = ["--container box doctor", "--container box user add"];
    leads_on(&engine, "--container box start", &found);
    leads_on(
        &engine,
        "--container box reset container --force",
        &["--container box start"],
    );
}

pub(super) fn about_tokens_and_passkeys() {
    let engine = with_box(|words| {
        let (tool, what) = if words.contains("passkey") {
            ("occ-init user passkey", "passkeys")
        } else {
            ("occ-gate token", "tokens")
        };
        let (document, code) = if words.contains("list") {
            (
                json!({"schema": 1, "userName": "alice", "changed": false, what: []}),
                0,
            )
        } else {
            let hint = format!("'{tool} list alice' shows them");
            let error = json!({"kind": "not_found", "message": "m", "hint": hint});
            (json!({"schema": 1, "error": error}), 3)
        };
        (code, format!("{document}\n"), String::new())
    });
    leads_on(
        &engine,
        "--container box user token revoke alice 00000000",
        &["--container box user token list alice"],
    );
    leads_on(
        &engine,
        "--container box user passkey remove alice 00000000",
        &["--container box user passkey list alice"],
    );
}

/// Port 3001 of every address.
fn publishes_to_all(engine: &Engine) {
    engine.with(|state| {
        let binding = json!({"HostIp": "0.0.0.0", "HostPort": "3001"});
        state.containers[0]["HostConfig"]["PortBindings"]["3000/tcp"][0] = binding;
    });
}

pub(crate) fn about_findings() {
    let finding =
        |kind: &str, name: &str| json!({"kind": kind, "name": name, "message": "m", "hint": "h"});
    let findings = json!([finding("hash", "bob"), finding("conflict", "alice")]);
    let engine = with_box(answering(
        "check",
        json!({"schema": 1, "findings": findings}),
    ));
    engine.has_newer_image();
    publishes_to_all(&engine);
    let told = said(&engine.occ(&["--container", "box", "doctor"]));
    let fixes = commands(&told);
    let expected = [
        "--container box update container",
        "--container box logs",
        "--container box restart",
        "--container box user passwd bob",
        "--container box user remove alice",
    ];
    assert_eq!(fixes, expected, "{told}");
    follow(&engine, "doctor", &fixes);
    let none = json!({"schema": 1, "accounts": []});
    let engine = with_box(answering("user list", none));
    publishes_to_all(&engine);
    let told = said(&engine.occ(&["--container", "box", "doctor"]));
    let add = "--container box user add".to_owned();
    assert!(commands(&told).contains(&add), "{told}");
    follow(&engine, "doctor", &[add]);
}

pub(crate) fn about_the_engine() {
    let engine = with_box(one_account);
    engine.with(|state| state.containers[0]["Config"]["Image"] = "sha256:1".into());
    let named = "--container box start --recreate --image occ:local";
    leads_on(&engine, "--container box update container", &[named]);
    let engine = with_box(|_| (126, String::new(), "no such file".into()));
    engine.has_newer_image();
    let told = said(&engine.occ(&words("--container box user list")));
    assert_eq!(
        commands(&told),
        ["--container box update container"],
        "{told}"
    );
    let engine = with_box(one_account);
    engine.with(|state| state.containers[0]["HostConfig"]["AutoRemove"] = true.into());
    let told = said(&engine.occ(&words("--container box start --recreate")));
    assert_eq!(commands(&told), ["--container box start"], "{told}");
    // As the engine does with it.
    engine.with(|state| drop(state.containers.remove(0)));
    follow(&engine, "start --recreate", &commands(&told));
    let engine = with_box(one_account);
    engine.with(|state| {
        state.containers[0]["State"] = json!({"Status": "exited", "Running": false});
        state.cannot_start = Some("port is already allocated".into());
    });
    let told = said(&engine.occ(&words("--container box start")));
    let other = ["--container box start --port 3001"];
    assert_eq!(commands(&told), other, "{told}");
    engine.with(|state| state.cannot_start = None);
    follow(&engine, "start", &commands(&told));
    let engine = with_box(one_account);
    engine.with(|state| {
        state.containers[0]["State"] = json!({"Status": "restarting", "Running": true});
    });
    leads_on(
        &engine,
        "--container box user list",
        &["--container box logs"],
    );
}

pub(crate) fn about_configuration_and_images() {
    // A key of the configuration has nothing to do with a container.
    let engine = with_box(one_account);
    engine.has("opencode");
    let told = said(&engine.occ(&words("config set users x")));
    assert!(!commands(&told).is_empty(), "{told}");
    follow(&engine, "config set users", &commands(&told));
    let newer = with_box(one_account);
    newer.has_newer_image();
    newer.with(|state| {
        state.containers[0]["State"] = json!({"Status": "exited", "Running": false});
    });
    let told = said(&newer.occ(&words("--container box start")));
    let moves = "--container box update container".to_owned();
    assert!(commands(&told).contains(&moves), "{told}");
    follow(&newer, "start", &[moves]);
}
