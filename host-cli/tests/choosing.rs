//! Which container is meant: the name wins; a label is a claim that any image can make.

#![allow(clippy::unwrap_used)] // A test that cannot go on fails.

mod fake;

use std::sync::{Arc, Mutex};

use fake::{Engine, container, one_account};
use serde_json::{Value, json};

/// A container of somebody else, whose image says that it is `opencode`.
fn stranger(name: &str) -> Value {
    let mut one = container(name, "theirs:1", "9");
    one["Config"]["Labels"] = json!({"dev.occ.instance": "opencode"});
    one["Mounts"] = json!([]);
    one
}

fn listed(engine: &Engine, container: &str) -> (i32, String) {
    let output = engine.occ(&["--container", container, "user", "list"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().unwrap(), said)
}

#[test]
fn a_label_of_an_image_gets_nothing() {
    let engine = Engine::new(one_account);
    engine.with(|state| state.containers.push(stranger("evil")));
    assert_eq!(listed(&engine, "opencode").0, 7, "a label alone");
    // A VOLUME line of the image gets it a store without a name.
    engine.with(|state| {
        state.containers[0]["Mounts"] = json!([{"Type": "volume", "Name": "ab".repeat(32),
            "Destination": "/var/lib/opencode-users", "RW": true}]);
    });
    assert_eq!(
        listed(&engine, "opencode").0,
        7,
        "a label and a volume of its image"
    );
    let password = engine.occ(&["user", "passwd", "alice", "--generate"]);
    assert_eq!(password.status.code(), Some(7));
    for command in [
        &["start"][..],
        &["stop"],
        &["reset", "container", "--force"],
    ] {
        engine.occ(command);
        assert!(engine.names().contains(&"evil".to_owned()), "{command:?}");
        assert_eq!(
            engine.inspect("evil")["State"]["Status"],
            "running",
            "{command:?}"
        );
    }
}

#[test]
fn the_name_wins_over_every_label() {
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    let engine = Engine::new(move |words| {
        *count.lock().unwrap() += 1;
        one_account(words)
    });
    engine.with(|state| {
        let mut evil = container("evil", "theirs:1", "9");
        evil["Config"]["Labels"] = json!({"dev.occ.instance": "opencode"});
        let mut mine = container("opencode", "occ:local", "1");
        mine["Config"]["Labels"] = json!({});
        mine["State"] = json!({"Status": "exited", "Running": false});
        state.containers.extend([evil, mine]);
    });
    assert_eq!(
        listed(&engine, "opencode").0,
        7,
        "the named one does not run"
    );
    assert_eq!(*asked.lock().unwrap(), 0, "nothing was asked of the other");
}

#[test]
fn two_containers_with_label_and_store_are_refused() {
    let engine = Engine::new(one_account);
    for name in ["one", "two"] {
        let mut other = container(name, "occ:local", "1");
        other["Config"]["Labels"] = json!({"dev.occ.instance": "opencode"});
        engine.with(|state| state.containers.push(other));
        let (code, said) = listed(&engine, "opencode");
        assert_eq!(code, if name == "one" { 0 } else { 4 }, "{said}");
    }
    let (_, said) = listed(&engine, "opencode");
    assert!(said.contains("one, two"), "{said}");
    assert_eq!(listed(&engine, "two").0, 0, "a name says which");
}

/// `cafe` is a name; an id counts from as many digits as engines show.
#[test]
fn a_short_begin_of_an_id_is_no_name() {
    let engine = Engine::new(one_account);
    engine.has("opencode");
    let id = engine.inspect("opencode")["Id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(listed(&engine, &id[..4]).0, 7);
    assert_eq!(listed(&engine, &id[..12]).0, 0);
    assert_eq!(listed(&engine, &id).0, 0);
}
