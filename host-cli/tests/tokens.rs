//! `occ user token`: one exec of occ-gate, its answer, and containers without one.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use std::process::Output;

use fake::{Answer, Engine};
use serde_json::{Value, json};

const GATE: &str = "/usr/local/bin/occ-gate token";

fn answer(words: &str) -> Answer {
    let token = json!({"id": "0a1b2c3d", "name": "laptop", "madeUSec": 1_790_000_000_000_000_u64,
        "endsUSec": 1_797_776_000_000_000_u64});
    let document = match words.strip_prefix(GATE).unwrap().trim() {
        "list --json alice" => json!({"schema": 1, "userName": "alice", "tokens": [token]}),
        "list --json bob" => json!({"schema": 1, "userName": "bob", "tokens": []}),
        "revoke --json alice 0a1b2c3d" | "revoke --json alice --all" => {
            json!({"schema": 1, "userName": "alice", "changed": true, "tokens": [token]})
        }
        "revoke --json bob --all" => {
            json!({"schema": 1, "userName": "bob", "changed": false, "tokens": []})
        }
        _ => {
            let error = json!({"kind": "not_found", "message": "'alice' has no token '00000000'",
                "hint": "'occ-gate token list alice' shows them"});
            let document = json!({"schema": 1, "error": error});
            let said = "occ-gate: 'alice' has no token '00000000'\n";
            return (3, format!("{document}\n"), said.into());
        }
    };
    (0, format!("{document}\n"), String::new())
}

fn text(output: &Output) -> (Option<i32>, String, String) {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    (output.status.code(), out.into_owned(), err.into_owned())
}

#[test]
fn each_command_is_one_exec() {
    let engine = Engine::new(answer);
    engine.has("opencode");
    for (line, says) in [
        (
            &["user", "token", "list", "alice"][..],
            "Name    ID        Made        Ends        Last use\n\
             laptop  0a1b2c3d  2026-09-21  2026-12-20  never\n",
        ),
        (&["user", "token", "ls", "alice", "-q"], "0a1b2c3d\n"),
        (
            &["user", "token", "list", "bob"],
            "User 'bob' has no tokens.\n",
        ),
        (
            &["user", "token", "revoke", "alice", "0a1b2c3d"],
            "Token 'laptop' of 'alice' revoked.\n",
        ),
        (
            &["user", "token", "revoke", "alice", "--all"],
            "Token 'laptop' of 'alice' revoked.\n",
        ),
        (
            &["user", "token", "revoke", "bob", "--all"],
            "User 'bob' has no tokens.\n",
        ),
        (&["user", "token", "revoke", "bob", "--all", "-q"], ""),
    ] {
        engine.with(|state| state.asked.clear());
        let (code, out, said) = text(&engine.occ(line));
        assert_eq!((code, out.as_str(), said.as_str()), (Some(0), says, ""));
        let mut asked = Vec::new();
        engine.with(|state| asked.clone_from(&state.asked));
        let execs = asked.iter().filter(|words| words.ends_with("/exec"));
        assert_eq!(execs.count(), 1, "{asked:?}");
    }
    let output = engine.occ(&["user", "token", "revoke", "alice", "--all", "-o", "json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["tokens"][0]["id"], "0a1b2c3d");
}

#[test]
fn errors_of_the_login_are_told_as_ours() {
    let engine = Engine::new(answer);
    engine.has("box");
    let line = "--container box user token revoke alice 00000000";
    let words: Vec<&str> = line.split(' ').collect();
    let (code, out, said) = text(&engine.occ(&words));
    assert_eq!((code, out.as_str()), (Some(3), ""));
    assert_eq!(
        said,
        "occ: 'alice' has no token '00000000'\n\
         hint: `occ --container box user token list alice` shows them\n"
    );
}

#[test]
fn a_container_without_a_login_says_so() {
    let missing = "exec: \"/usr/local/bin/occ-gate\": no such file or directory";
    let older = "error: unrecognized subcommand 'token'\n\nUsage: occ-gate [OPTIONS]\n";
    for (code, said) in [(127, missing), (126, missing), (2, older)] {
        let engine = Engine::new(move |_| (code, String::new(), said.to_owned()));
        engine.has("opencode");
        let (code, out, told) = text(&engine.occ(&["user", "token", "list", "alice"]));
        assert_eq!((code, out.as_str()), (Some(1), ""));
        for line in [
            "occ: container 'opencode' has no login that knows tokens",
            "hint: its image is too old, or has no occ-gate: `occ update container`",
        ] {
            assert!(told.contains(line), "{told}");
        }
    }
}
