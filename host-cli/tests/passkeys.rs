//! `occ user passkey`: one exec of occ-init, and its answer.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use fake::{Answer, Engine};
use serde_json::{Value, json};

fn answer(words: &str) -> Answer {
    let passkey =
        json!({"id": "0a1b2c3d", "name": "laptop", "madeUSec": 1_790_000_000_000_000_u64});
    let own = words.strip_prefix("/usr/local/bin/occ-init user passkey ");
    let (name, changed, passkeys) = match own.unwrap() {
        "--json list alice" => ("alice", false, vec![passkey]),
        "--json list bob" => ("bob", false, Vec::new()),
        "--json remove alice 0a1b2c3d" => ("alice", true, Vec::new()),
        other => {
            let error = json!({"kind": "not_found", "message": other,
                "hint": "'occ-init user passkey list alice' shows them"});
            let document = json!({"schema": 1, "error": error});
            return (3, format!("{document}\n"), String::new());
        }
    };
    let document = json!({"schema": 1, "userName": name, "changed": changed,
        "passkeys": passkeys});
    (0, format!("{document}\n"), String::new())
}

#[test]
fn each_command_is_one_exec() {
    let engine = Engine::new(answer);
    engine.has("opencode");
    for (line, says) in [
        (
            &["user", "passkey", "list", "alice"][..],
            "Name    ID        Made\nlaptop  0a1b2c3d  2026-09-21\n",
        ),
        (&["user", "passkey", "ls", "alice", "-q"], "0a1b2c3d\n"),
        (
            &["user", "passkey", "list", "bob"],
            "User 'bob' has no passkeys.\n",
        ),
        (
            &["user", "passkey", "remove", "alice", "0a1b2c3d"],
            "Passkey 0a1b2c3d of 'alice' removed.\n",
        ),
        (&["user", "passkey", "rm", "alice", "0a1b2c3d", "-q"], ""),
    ] {
        engine.with(|state| state.asked.clear());
        let output = engine.occ(line);
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!((output.status.code(), out.as_str()), (Some(0), says));
        let mut asked = Vec::new();
        engine.with(|state| asked.clone_from(&state.asked));
        let execs = asked.iter().filter(|words| words.ends_with("/exec"));
        assert_eq!(execs.count(), 1, "{asked:?}");
    }
    let output = engine.occ(&["user", "passkey", "list", "alice", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["passkeys"][0]["name"], "laptop");
}

#[test]
fn what_is_not_there_is_named_with_the_next_step() {
    let engine = Engine::new(answer);
    engine.has("opencode");
    let output = engine.occ(&["user", "passkey", "remove", "alice", "00000000"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3));
    assert!(said.contains("`occ user passkey list alice`"), "{said}");
}
