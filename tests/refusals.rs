//! What nobody may ask for changes nothing, through either program.

use crate::harness::Instance;

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

#[test]
fn numbers_groups_and_passwords_that_are_refused() {
    let instance = Instance::started("values");
    instance.add("alice", "a a a");
    instance.refused(
        ["add", "bob", "--password-stdin", "--uid", "0"],
        "x x x\n",
        9,
    );
    instance.refused(
        ["add", "bob", "--password-stdin", "--uid", "65534"],
        "x x x\n",
        9,
    );
    instance
        .refused(
            ["add", "bob", "--password-stdin", "--uid", "10000"],
            "x x x\n",
            4,
        )
        .says("alice");
    instance
        .refused(
            ["add", "bob", "--password-stdin", "--groups", "sudo"],
            "x x x\n",
            5,
        )
        .says("sudo");
    instance.refused(
        [
            "add",
            "bob",
            "--password-stdin",
            "--shell",
            "/bin/sh\nroot::0",
        ],
        "x x x\n",
        9,
    );
    instance.refused(
        ["add", "bob", "--password-stdin", "--comment", "a:b"],
        "x x x\n",
        9,
    );
    instance.refused(["add", "bob", "--password-stdin"], "", 9);
    instance.refused(["add", "bob", "--password-stdin"], "\n", 9);
    instance.refused(
        ["add", "bob", "--password-stdin"],
        &format!("{}\n", "x".repeat(256)),
        9,
    );
    instance.refused(["add", "bob", "--password-hash-stdin"], "plain\n", 9);
    instance.refused(
        ["add", "bob", "--password-hash-stdin"],
        "$1$abcdefgh$aaaaaaaaaaaaaaaaaaaaaa\n",
        9,
    );
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
