//! Requests that are refused change nothing, through either program.

use crate::harness::{Finished, Instance};

#[test]
fn names_of_the_system_and_names_that_are_none_are_refused() {
    let instance = Instance::started("names");
    instance.add("alice", "a a a");
    let names = [
        ("sudo", 5),
        ("admin", 5),
        ("root", 5),
        ("daemon", 5),
        ("occ-x", 5),
        ("123", 9),
        ("a:b", 9),
        ("../x", 9),
        ("al", 9),
    ];
    for (name, code) in names {
        // occ itself turns away what can't be a new name before occ-init is asked.
        let through_occ = if name == "occ-x" { 9 } else { code };
        instance
            .refused(["add", name, "--password-stdin"], "x x x\n", through_occ)
            .says(name);
        let before = instance.fingerprint();
        let direct = instance
            .exec(["occ-init", "user", "add", name, "--password-stdin"])
            .input("x x x\n");
        direct.run().exits(code).says(name);
        assert_eq!(instance.fingerprint(), before, "changed by {name}");
    }
    for name in ["root", "daemon", "occ-opencode"] {
        for verb in ["disable", "enable", "passwd", "remove"] {
            let before = instance.fingerprint();
            let mut call = instance.exec(["occ-init", "user", verb, name]);
            if verb == "passwd" {
                call = call.args(["--password-stdin"]).input("x x x\n");
            } else if verb == "remove" {
                call = call.args(["--yes"]);
            }
            call.run().exits(5);
            assert_eq!(instance.fingerprint(), before, "changed by {verb} {name}");
        }
    }
}

/// `occ user add bob --password-stdin` with two more arguments.
#[track_caller]
fn bob_refused(instance: &Instance, option: &str, value: &str, code: i32) -> Finished {
    instance.refused(
        ["add", "bob", "--password-stdin", option, value],
        "x x x\n",
        code,
    )
}

#[test]
fn numbers_groups_and_texts_that_are_refused() {
    let instance = Instance::started("values");
    instance.add("alice", "a a a");
    for uid in ["0", "1", "999", "65534", "4294967295"] {
        bob_refused(&instance, "--uid", uid, 9);
    }
    bob_refused(&instance, "--uid", "10000", 4).says("alice");
    for group in ["sudo", "shadow", "staff", "no_such_group"] {
        bob_refused(&instance, "--groups", group, 5).says(group);
    }
    bob_refused(&instance, "--shell", "/bin/sh\nroot::0", 9);
    bob_refused(&instance, "--comment", "a:b", 9);
}

#[test]
fn passwords_hashes_and_people_that_are_refused() {
    let instance = Instance::started("inputs");
    instance.add("alice", "a a a");
    for password in ["", "\n", &format!("{}\n", "x".repeat(256))] {
        instance.refused(["add", "bob", "--password-stdin"], password, 9);
    }
    for hash in [
        "plain\n",
        "$1$abcdefgh$aaaaaaaaaaaaaaaaaaaaaa\n",
        "!\n",
        "*\n",
    ] {
        instance.refused(["add", "bob", "--password-hash-stdin"], hash, 9);
    }
    instance.refused(["add", "alice", "--password-stdin"], "x x x\n", 4);
    instance.refused(["add", "Alice", "--password-stdin"], "x x x\n", 4);
    instance.refused(["show", "bob"], "", 3);
    instance.refused(["passwd", "bob", "--password-stdin"], "x x x\n", 3);
    instance.refused(["disable", "alice", "bob"], "", 3);
    let longest = "x".repeat(255);
    instance.user(["add", "bob", "--password-stdin"], &format!("{longest}\n"));
    assert_eq!(instance.login("bob", &longest).unwrap(), 10001);
}

#[test]
fn half_a_request_changes_nothing() {
    let instance = Instance::started("half");
    instance.add("alice", "a a a");
    for request in [
        "",
        "{",
        r#"{"schema":1,"password":"half"#,
        r#"{"schema":2,"password":"x x x"}"#,
        r#"{"schema":1}"#,
    ] {
        let before = instance.fingerprint();
        instance
            .exec(["occ-init", "user", "add", "bob", "--request-stdin"])
            .input(request)
            .run()
            .exits(9);
        assert_eq!(instance.fingerprint(), before, "changed by {request}");
    }
}
