//! The commands that occ tells people to type, each run in the state in which it is said.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

#[path = "../fake/mod.rs"]
mod fake;
mod states;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;
use std::sync::Mutex;

use fake::{Engine, one_account};
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

/// The commands that were run, with `{}` for every value; all tests of this file add theirs.
static RUN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A command without the options that name the container, and without its values.
fn general(command: &str) -> String {
    let command = command.replace("--container box ", "");
    let words = command.split(' ').map(|word| match word {
        "alice" | "bob" | "4000" | "3001" | "box.localhost" => "{}",
        word if word.starts_with('{') => "{}",
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Runs `line`; every command that it hints at names the container, is taken, and ends
/// well (or asks something, which there is nobody to answer).
#[track_caller]
fn leads_on(engine: &Engine, line: &str, expected: &[&str]) {
    let told = said(&engine.occ(&words(line)));
    let hints = commands(&told);
    assert_eq!(hints, expected, "{line}: {told}");
    follow(engine, line, &hints);
}

/// Runs what was said; it names the container and ends well, or asks something.
#[track_caller]
fn follow(engine: &Engine, line: &str, hints: &[String]) {
    for hint in hints {
        RUN.lock().unwrap().insert(general(hint));
        let output = engine.occ(&words(hint));
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

/// Commands that are said in states which no engine of books has, and why; that they are
/// taken is tested in cli/tests.rs.
const ELSEWHERE: [(&str, &str); 11] = [
    ("COMMAND --help", "in the help itself"),
    ("man DIR", "in the help itself"),
    ("status", "at Ctrl-C"),
    ("reset container", "at Ctrl-C"),
    ("start --build -v", "a build that fails"),
    ("config set base_image debian:bookworm", "no base image"),
    ("config path", "a configuration with an unknown key"),
    ("user enable {}", "`occ shell` at a terminal"),
    ("user set {} --expires never", "`occ shell` at a terminal"),
    ("user show {}", "an occ-init that hangs"),
    ("start --recreate --host-name {}", "a login that answers"),
];
/// Templates whose values are options or a whole line, and one of what came of them.
const FILLED: [(&str, &str); 2] = [
    ("start --recreate{options}", "start --recreate --port {}"),
    ("{}", "user list"),
];

/// The commands in the sources, as `general` has them; those of chains are tests/engine's.
fn in_sources(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("text") {
            in_sources(&path, found);
        } else if path.is_file() && !path.ends_with("tests.rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            let code = source.split("#[cfg(test)]").next().unwrap();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code: Vec<&str> = code.lines().filter(is_code).collect();
            let code = code.join("\n");
            let parts = code.split('`').skip(1).step_by(2);
            let single = parts.filter(|part| !part.contains(" && "));
            found.extend(single.filter_map(|part| Some(general(part.strip_prefix("occ ")?))));
        }
    }
}

#[test]
fn every_hint_is_run_in_the_state_in_which_it_is_shown() {
    states::hints_name_the_container_and_work_in_their_state();
    states::doctors_fixes_work();
    states::about_accounts();
    states::about_tokens_and_passkeys();
    states::about_findings();
    states::about_the_engine();
    states::about_configuration_and_images();
    let mut found = BTreeSet::new();
    in_sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 20, "{found:?}");
    for (command, _) in ELSEWHERE {
        assert!(found.remove(command), "nobody says {command}");
    }
    let run = RUN.lock().unwrap();
    for (template, filled) in FILLED {
        assert!(found.remove(template) && run.contains(filled), "{template}");
    }
    let never: Vec<_> = found.difference(&run).collect();
    assert!(
        never.is_empty(),
        "no test is in the state of {never:?}; run: {run:?}"
    );
}
