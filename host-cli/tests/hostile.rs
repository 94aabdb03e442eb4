//! A container and an engine that answer escape sequences, overrides and names that a
//! shell would run: nothing of it reaches the terminal as it is, and no shell runs it.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use std::process::Output;

use fake::{Answer, Engine};
use serde_json::{Value, json};

/// Clears the screen, sets the title, turns the line around, fakes a line of ours.
const EVIL: &str =
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\r\nocc: all is well\u{7f}";

fn account() -> Value {
    json!({"userName": format!("alice{EVIL}"), "uid": 10000, "gid": 10000, "realName": EVIL,
           "homeDirectory": format!("/home/{EVIL}"), "shell": EVIL, "memberOf": [EVIL],
           "status": "enabled"})
}

/// Everything that an answer can hold is hostile; `fail` makes each an error.
fn hostile(fail: bool) -> impl Fn(&str) -> Answer {
    move |words: &str| {
        if words.contains("health") {
            return (0, EVIL.into(), EVIL.into());
        }
        if fail {
            let error =
                json!({"schema": 1, "error": {"kind": "failed", "message": EVIL, "hint": EVIL}});
            return (1, format!("{error}\n"), format!("occ-init: {EVIL}\n"));
        }
        if words.starts_with("/usr/local/bin/occ-gate token") {
            let token = json!({"id": EVIL, "name": EVIL, "madeUSec": 1, "endsUSec": 1,
                "lastUseUSec": 1, "lastUseAddress": EVIL});
            let reply = json!({"schema": 1, "userName": EVIL, "changed": true, "tokens": [token]});
            return (0, format!("{reply}\n"), format!("occ-gate: {EVIL}\n"));
        }
        let words = words.strip_prefix("/usr/local/bin/occ-init ").unwrap();
        let document = match words {
            words if words.starts_with("user list") => {
                json!({"schema": 1, "accounts": [account()]})
            }
            words if words.starts_with("user passkey") => {
                let passkey = json!({"id": EVIL, "name": EVIL, "madeUSec": 1});
                json!({"schema": 1, "userName": EVIL, "changed": true, "passkeys": [passkey]})
            }
            words if words.starts_with("user export") => {
                json!({"schema": 1, "records": [account()], "skipped": [EVIL]})
            }
            words if words.starts_with("user import") => {
                json!({"schema": 1, "changed": true, "results": [
                {"line": 1, "userName": EVIL, "action": "created", "uid": 10000, "warnings": [EVIL]},
                {"line": 2, "userName": EVIL, "action": "failed",
                 "error": {"kind": "failed", "message": EVIL, "hint": EVIL}}]})
            }
            words if words.starts_with("check") => json!({"schema": 1, "findings": [
                {"kind": "hash", "name": EVIL, "message": EVIL, "hint": EVIL},
                {"kind": "record", "name": EVIL, "message": EVIL, "hint": EVIL},
                {"kind": "new", "name": EVIL, "message": EVIL, "hint": EVIL}]}),
            words if words.starts_with("status") => {
                json!({"schema": 1, "gate": {"sessions": 1, "instances": [
                {"userName": EVIL, "state": EVIL, "sinceUSec": 1, "memoryBytes": 1}]}})
            }
            "--version" => return (0, format!("occ-init {EVIL}\n"), EVIL.into()),
            _ => json!({"schema": 1, "changed": true, "account": account()}),
        };
        (
            0,
            format!("{document}\n"),
            format!("occ-init: warning: {EVIL}\n"),
        )
    }
}

const COMMANDS: [&str; 23] = [
    "user token list alice",
    "user token list alice -q",
    "user token revoke alice --all",
    "user passkey list alice",
    "user passkey list alice -q",
    "user passkey remove alice 0a1b2c3d",
    "user list",
    "user list -q",
    "user show alice",
    "user add bob --generate",
    "user add bob --no-password",
    "user passwd alice --generate",
    "user set alice --comment x",
    "user enable alice",
    "user disable alice",
    "user remove alice --yes",
    "user adopt alice",
    "user export",
    "user import /dev/null",
    "status",
    "doctor",
    "start",
    "restart",
];

fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

/// No character of it acts, and no line of it is the container's alone.
#[track_caller]
fn is_harmless(command: &str, output: &Output) {
    for (stream, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(!text.contains(is_harmful), "{command}, {stream}: {text:?}");
        let faked = text
            .lines()
            .any(|line| line.starts_with("occ: all is well"));
        assert!(!faked, "{command}, {stream}: {text}");
    }
}

#[test]
fn answers_and_errors_of_a_container_are_harmless_in_every_command() {
    for fail in [false, true] {
        let engine = Engine::new(hostile(fail));
        engine.has("opencode");
        for command in COMMANDS {
            for more in [&[][..], &["--json"], &["-v"]] {
                let args: Vec<&str> = command.split(' ').chain(more.iter().copied()).collect();
                let output = engine.occ(&args);
                is_harmless(&format!("{args:?}"), &output);
                assert!(
                    !output.stdout.is_empty() || !output.stderr.is_empty(),
                    "{args:?}"
                );
            }
        }
    }
}

/// JSON is for programs: they get what was answered, escaped.
#[test]
fn documents_hold_what_was_answered() {
    let engine = Engine::new(hostile(false));
    engine.has("opencode");
    let output = engine.occ(&["user", "list", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["accounts"][0], account());
}

#[test]
fn errors_names_and_labels_of_an_engine_are_harmless() {
    let engine = Engine::new(fake::one_account);
    engine.with(|state| state.fails = Some(EVIL.into()));
    for command in COMMANDS
        .iter()
        .chain(&["stop", "logs", "update container", "reset container"])
    {
        for more in [&[][..], &["--json"]] {
            let args: Vec<&str> = command.split(' ').chain(more.iter().copied()).collect();
            is_harmless(command, &engine.occ(&args));
        }
    }
    engine.has("opencode");
    engine.with(|state| {
        state.fails = None;
        state.containers[0]["Name"] = format!("/x{EVIL}").into();
        state.containers[0]["Config"]["Image"] = EVIL.into();
        state.containers[0]["Mounts"][0]["Name"] = EVIL.into();
    });
    for command in [
        "status",
        "user list",
        "doctor",
        "start",
        "stop",
        "reset container --force",
    ] {
        let args: Vec<&str> = command.split(' ').collect();
        is_harmless(command, &engine.occ(&args));
    }
}

/// A name is put into the command line as it is, so only real names are offered.
#[test]
fn completion_offers_names_only_in_every_shell() {
    let names = [
        "alice",
        "al;touch X;:",
        "al$(touch X)",
        "al\u{1b}[2J",
        "al ice",
        "al`id`",
    ];
    let accounts: Vec<Value> = names
        .iter()
        .map(|name| {
            let mut account = account();
            account["userName"] = (*name).into();
            account
        })
        .collect();
    let list = json!({"schema": 1, "accounts": accounts}).to_string();
    let engine = Engine::new(move |_| (0, format!("{list}\n"), String::new()));
    engine.has("opencode");
    // What was seen goes into the configuration, and from there to completion too.
    engine.occ(&["user", "list"]);
    let kept = std::fs::read_to_string(engine.config()).unwrap();
    assert!(kept.contains("alice") && !kept.contains("touch"), "{kept}");
    let offered = |shell: &str| {
        let mut command = engine.command(&["--", "occ", "user", "show", "al"]);
        command
            .env("OCC_COMPLETE", shell)
            .env("_CLAP_COMPLETE_INDEX", "3");
        command
            .env("_CLAP_IFS", "\n")
            .env("_CLAP_COMPLETE_COMP_TYPE", "9");
        let output = command.output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        assert_eq!(offered(shell).trim_end(), "alice", "{shell}");
    }
    engine.with(|state| state.containers.clear());
    assert_eq!(offered("bash").trim_end(), "alice", "as last seen");
}

/// The line that bash completes is run as well.
#[test]
fn bash_runs_nothing_that_a_container_answers() {
    let list = json!({"schema": 1, "accounts": [{"userName": "alice;touch ran;:", "uid": 1, "gid": 1,
        "homeDirectory": "/", "shell": "/", "status": "enabled"}]});
    let engine = Engine::new(move |_| (0, format!("{list}\n"), String::new()));
    engine.has("opencode");
    let occ = std::path::Path::new(env!("CARGO_BIN_EXE_occ"));
    let script = r#"
        PATH=$1:$PATH; source <(occ completions bash)
        COMP_WORDS=(occ user show al); COMP_CWORD=3; COMP_TYPE=9; COMP_LINE="occ user show al"; COMP_POINT=16
        $(complete -p occ | sed -n 's/.*-F \([^ ]*\).*/\1/p') occ al show
        eval "occ user show ${COMPREPLY[0]}"; printf '%s\n' "[${COMPREPLY[*]}]"
    "#;
    let environment = engine.command(&[]);
    let mut bash = std::process::Command::new("bash");
    bash.args(["-c", script, "bash"]).arg(occ.parent().unwrap());
    bash.env_clear().current_dir(engine.home.path());
    bash.envs(
        environment
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let output = bash.output().unwrap();
    assert!(
        String::from_utf8_lossy(&output.stdout).ends_with("[]\n"),
        "{output:?}"
    );
    assert!(!engine.home.path().join("ran").exists());
}
