//! Who is there: both programs say the same.

use crate::harness::Instance;
use serde_json::{Value, json};

#[test]
fn both_programs_list_the_same_accounts_without_a_hash() {
    let instance = Instance::started("list");
    instance
        .occ(["user", "list"])
        .ok()
        .prints("No users configured.");
    instance.add("bob", "b b b");
    instance.user(
        [
            "add",
            "alice",
            "--password-stdin",
            "--comment",
            "Alice Ä",
            "--shell",
            "/bin/sh",
        ],
        "a a a\n",
    );
    instance.user(["disable", "bob"], "");

    let here = instance.occ(["user", "list", "--json"]).ok();
    let there = instance.exec(["occ-init", "user", "list", "--json"]).ok();
    assert_eq!(here.json(), there.json());
    let people: Vec<Value> = here.json()["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            json!([
                one["userName"],
                one["status"],
                one["uid"],
                one["gid"],
                one["homeDirectory"],
                one["shell"],
                one["realName"]
            ])
        })
        .collect();
    assert_eq!(
        json!(people),
        json!([
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
        ])
    );
    let accounts = instance.accounts();
    for output in [
        &here.stdout,
        &there.stdout,
        &instance
            .occ(["user", "show", "alice", "--json"])
            .ok()
            .stdout,
    ] {
        for hash in ["$6$", accounts.hash("alice"), accounts.hash("bob")] {
            assert!(!output.contains(hash), "a hash is listed");
        }
    }

    let words = |text: &str| {
        text.lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .collect()
    };
    let here: Vec<Vec<String>> = words(instance.occ(["user", "list"]).ok().text());
    let there: Vec<Vec<String>> = words(instance.exec(["occ-init", "user", "list"]).ok().text());
    assert_eq!(here[0], ["Username", "Status", "UID", "Home", "Shell"]);
    assert_eq!(
        here[1],
        ["alice", "enabled", "10001", "/home/alice", "/bin/sh"]
    );
    assert_eq!(
        here[2],
        ["bob", "disabled", "10000", "/home/bob", "/bin/bash"]
    );
    assert_eq!(here, there);
    assert_eq!(
        instance.occ(["user", "list", "-q"]).ok().stdout,
        "alice\nbob\n"
    );
    assert_eq!(
        instance.occ(["user", "ls", "-o", "name"]).ok().stdout,
        "alice\nbob\n"
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
