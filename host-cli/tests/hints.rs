//! The commands that occ tells people to type, each run in the state in which it is said.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use std::process::Output;

use fake::{Answer, Engine, one_account};
use serde_json::json;

/// The commands of occ in backquotes.
fn commands(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    let parts = parts.flat_map(|part| part.split(" && "));
    let commands = parts.filter_map(|part| part.strip_prefix("occ "));
    commands.map(str::to_owned).collect()
}

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// The words of a command, as a shell takes them apart.
fn words(command: &str) -> Vec<&str> {
    command
        .split_whitespace()
        .map(|word| word.trim_matches('\''))
        .collect()
}

/// Runs `line`; every command that it hints at names the container, is taken, and ends
/// well (or asks something, which there is nobody to answer).
#[track_caller]
fn leads_on(engine: &Engine, line: &str, expected: &[&str]) {
    let told = said(&engine.occ(&words(line)));
    let hints = commands(&told);
    assert_eq!(hints, expected, "{line}: {told}");
    for hint in hints {
        let output = engine.occ(&words(&hint));
        let text = said(&output);
        let asks =
            text.contains("there is no terminal to ask on") || text.contains("needs a terminal");
        let is_report = hint.ends_with("doctor");
        assert!(
            output.status.success() || asks || is_report,
            "{line}: {hint}: {text}"
        );
    }
}

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

#[test]
fn hints_name_the_container_and_work_in_their_state() {
    // The first container's is not touched.
    let engine = Engine::new(refusing("not_found", 3));
    engine.has("opencode").has("box");
    engine.with(|state| {
        state
            .images
            .insert("first".into(), fake::image("1", &json!({})));
        state
            .images
            .insert("occ:local".into(), fake::image("2", &json!({})));
    });
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

#[test]
fn doctors_fixes_work() {
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
        let output = engine.occ(&["--container", "box", "start"]);
        assert!(output.status.success(), "{}", said(&output));
    }
}

/// The owner's sentence stays as it is; a program gets the whole command.
#[test]
fn stopped_container_is_started_by_what_the_document_says() {
    let engine = Engine::new(one_account);
    engine.has("box");
    engine.with(|all| all.containers[0]["State"] = json!({"Status": "exited", "Running": false}));
    let output = engine.occ(&["--container", "box", "user", "list", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["error"]["hint"], "`occ --container box start`");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        text,
        "Container not running. Start with `occ start` first.\n"
    );
}
