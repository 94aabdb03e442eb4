//! Lists of accounts: both programs print the same.

use crate::harness::Instance;
use serde_json::{Value, json};

/// alice, enabled, with all that can be given; bob, disabled.
fn two_people(theme: &str) -> Instance {
    let instance = Instance::started(theme);
    instance.add("bob", "b b b");
    let alice = [
        "add",
        "alice",
        "--password-stdin",
        "--comment",
        "Alice Ä",
        "--shell",
        "/bin/sh",
    ];
    instance.user(alice, "a a a\n");
    instance.user(["disable", "bob"], "");
    instance
}

/// The fields that are shown of an account.
fn row(account: &Value) -> Value {
    let fields = [
        "userName",
        "status",
        "uid",
        "gid",
        "homeDirectory",
        "shell",
        "realName",
    ];
    fields.iter().map(|field| account[field].clone()).collect()
}

#[test]
fn both_programs_list_the_same_accounts_without_a_hash() {
    let instance = two_people("list");
    let here = instance.occ(["user", "list", "--json"]).ok();
    let there = instance.exec(["occ-init", "user", "list", "--json"]).ok();
    assert_eq!(here.json(), there.json());
    let people: Value = here.json()["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect();
    let expected = json!([
        [
            "alice",
            "enabled",
            10001,
            10001,
            "/home/alice",
            "/bin/sh",
            "Alice Ä"
        ],
        [
            "bob",
            "disabled",
            10000,
            10000,
            "/home/bob",
            "/bin/bash",
            ""
        ],
    ]);
    assert_eq!(people, expected);
    let accounts = instance.accounts();
    let shown = instance.occ(["user", "show", "alice", "--json"]).ok();
    for output in [&here.stdout, &there.stdout, &shown.stdout] {
        for hash in ["$6$", accounts.hash("alice"), accounts.hash("bob")] {
            assert!(!output.contains(hash), "a hash is listed");
        }
    }
}

/// The words of each line.
fn words(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .map(|line| line.split_whitespace().collect())
        .collect()
}

#[test]
fn both_programs_print_the_same_table_and_names() {
    let instance = two_people("table");
    let here = instance.occ(["user", "list"]).ok();
    let there = instance.exec(["occ-init", "user", "list"]).ok();
    let expected = [
        ["Username", "Status", "UID", "Home", "Shell"],
        ["alice", "enabled", "10001", "/home/alice", "/bin/sh"],
        ["bob", "disabled", "10000", "/home/bob", "/bin/bash"],
    ];
    assert_eq!(words(here.text()), expected);
    assert_eq!(words(there.text()), expected);
    for quiet in [
        ["user", "list", "-q"].as_slice(),
        &["user", "ls", "-o", "name"],
    ] {
        assert_eq!(instance.occ([]).args(quiet).ok().stdout, "alice\nbob\n");
    }
}

#[test]
fn nobody_is_said_in_words() {
    let instance = Instance::started("nobody");
    instance
        .occ(["user", "list"])
        .ok()
        .prints("No users configured.\n");
    assert_eq!(
        instance.occ(["user", "list", "--json"]).ok().json(),
        json!({"schema": 1, "accounts": []})
    );
}

#[test]
fn errors_are_one_line_of_json_too() {
    let instance = Instance::started("errors");
    let error = instance
        .occ(["user", "show", "nobody_here", "--json"])
        .run()
        .exits(3)
        .json();
    assert_eq!(error["schema"], 1);
    assert_eq!(error["error"]["kind"], "not_found");
    assert_eq!(error["error"]["retryable"], false);
    let added = instance
        .user(["add", "alice", "--generate", "--json"], "")
        .json();
    assert_eq!(added["changed"], true);
    assert_eq!(added["account"]["userName"], "alice");
    instance
        .login("alice", added["generatedPassword"].as_str().unwrap())
        .unwrap();
    let again = instance
        .user(["add", "alice", "--generate", "--if-missing", "--json"], "")
        .json();
    assert_eq!(
        (&again["changed"], &again["generatedPassword"]),
        (&json!(false), &Value::Null)
    );
    let error = instance
        .occ(["user", "add", "sudo", "--generate", "--json"])
        .run()
        .exits(5)
        .json();
    assert_eq!(error["error"]["kind"], "refused");
}

/// The change is done all the same.
#[test]
fn a_configuration_that_can_not_be_written_is_a_warning() {
    let instance = Instance::started("unwritable");
    let call = |args: [&str; 3]| instance.occ(args).env("XDG_CONFIG_HOME", "/proc/nowhere");
    let said = "the change is done, but the configuration does not show it";
    let added = call(["user", "add", "alice"]).args(["--no-password", "--json"]);
    let added = added.ok().says(said).says("/proc/nowhere");
    assert_eq!(added.json()["changed"], true);
    call(["user", "disable", "alice"]).ok().says(said);
    call(["user", "list", "-q"]).ok().prints("alice");
    call(["user", "remove", "alice"])
        .args(["--force"])
        .ok()
        .says(said);
    assert!(instance.accounts().names().is_empty());
}
