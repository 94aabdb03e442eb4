//! The proven defects about accounts and their passwords.

use super::PASSWORD;
use crate::harness::Instance;
use serde_json::Value;

#[test]
fn a_password_that_can_not_be_set_makes_no_account() {
    let instance = Instance::started("long");
    instance.add("alice", PASSWORD);
    let long = format!("{}\n", "x".repeat(600));
    instance.refused(["add", "bob", "--password-stdin"], &long, 9);
    instance.refused(["passwd", "alice", "--password-stdin"], &long, 9);
    assert!(!instance.accounts().has("bob"));
    instance.login("alice", PASSWORD).unwrap();
}

/// The store on a file system of its own that a file fills.
#[test]
fn a_full_volume_is_an_error_and_costs_nobody_anything() {
    let instance = Instance::new("full");
    let small = "/var/lib/opencode-users:size=256k,mode=700";
    instance.run_by_hand(&["--tmpfs", small], &[]);
    instance.occ(["start"]).ok();
    instance.add("alice", PASSWORD);
    instance.sh("cat /dev/zero > /var/lib/opencode-users/filler 2>/dev/null || true");
    for args in [
        ["add", "bob", "--password-stdin"],
        ["passwd", "alice", "--password-stdin"],
    ] {
        let failed = instance
            .occ(["user"])
            .args(args)
            .input("other\n")
            .run()
            .exits(1);
        assert!(
            failed.stderr.contains("no space left on device"),
            "{failed:#?}"
        );
    }
    let empty = "find /var/lib/opencode-users -name '*.json' -size 0";
    assert_eq!(instance.sh(empty), "");
    assert_eq!(instance.accounts().names(), ["alice"]);
    instance.login("alice", PASSWORD).unwrap();
    instance.sh("rm /var/lib/opencode-users/filler");
    instance.add("bob", PASSWORD);
    instance.login("bob", PASSWORD).unwrap();
}

#[test]
fn a_generated_password_is_shown_in_every_format() {
    let instance = Instance::started("shown");
    let ways: [&[&str]; 5] = [
        &["--quiet"],
        &["-o", "name"],
        &["--json", "-q"],
        &["--json"],
        &[],
    ];
    for (number, way) in ways.iter().enumerate() {
        let name = format!("user{number}");
        for verb in ["add", "passwd"] {
            let made = instance.occ(["user", verb, &name, "-g"]).args(*way).ok();
            let text = made.text();
            let password = match serde_json::from_str::<Value>(text) {
                Ok(document) => document["generatedPassword"].as_str().unwrap().to_owned(),
                Err(_) => text.rsplit(' ').next().unwrap().to_owned(),
            };
            assert_eq!(password.len(), 24, "{made:#?}");
            instance.login(&name, &password).unwrap();
        }
    }
}

/// With one account of a person, so that nothing else protects it either.
#[test]
fn accounts_of_the_image_are_nobodys_to_change() {
    let instance = Instance::started("system");
    instance.add("alice", PASSWORD);
    for name in ["root", "www-data", "games", "occ-opencode"] {
        let verbs: [&[&str]; 6] = [
            &["passwd", name, "--generate"],
            &["disable", name],
            &["enable", name],
            &["remove", name, "--yes"],
            &["remove", name, "--force"],
            &["adopt", name],
        ];
        for verb in verbs {
            let before = instance.fingerprint();
            let refused = instance.occ(["user"]).args(verb).run().exits(5);
            assert!(refused.stderr.contains(name), "{refused:#?}");
            assert!(!refused.stderr.contains("last user"), "{refused:#?}");
            assert_eq!(refused.stdout, "", "{verb:?}");
            assert_eq!(instance.fingerprint(), before, "changed by {verb:?}");
        }
    }
    instance.occ(["user", "list", "-q"]).ok().prints("alice\n");
}

#[test]
fn a_home_that_can_not_go_is_said_before_anything_is_removed() {
    let instance = Instance::started("stuck");
    instance.add("alice", PASSWORD);
    instance.add("bob", PASSWORD);
    instance.sh("chown root /home/bob");
    let purge = ["remove", "bob", "--yes", "--purge-home"];
    instance
        .refused(purge, "", 5)
        .says("'/home/bob' belongs to uid 0");
    instance.user(["remove", "bob", "--yes"], "");
    instance.remove_container();
    instance.start();
    let accounts = instance.accounts();
    assert_eq!(
        (accounts.names(), accounts.has("bob")),
        (vec!["alice"], false)
    );
}

#[test]
fn the_first_password_reaches_no_program_and_no_log() {
    let instance = Instance::new("first");
    let secret = "Quokka-first-77";
    let first = [
        "--env",
        "OPENCODE_BOOTSTRAP_USER=alice",
        "--env",
        &format!("OPENCODE_BOOTSTRAP_PASSWORD={secret}"),
    ];
    instance.run_by_hand(&first, &[]);
    instance.occ(["start"]).ok();
    instance.login("alice", secret).unwrap();
    let seen = instance.sh("cat /proc/1/environ $(pgrep -P 1 | sed 's,.*,/proc/&/environ,')");
    assert!(seen.contains("PATH="), "the environment was not read");
    for (place, text) in [("an environment", seen), ("the log", instance.logs())] {
        assert!(!text.contains(secret), "it is in {place}");
    }
}

#[test]
fn noise_on_stderr_changes_no_answer() {
    let instance = Instance::started("noise");
    instance.add("alice", PASSWORD);
    let before = instance.occ(["user", "list", "--json"]).ok().stdout;
    instance.sh(
        "cd /usr/local/bin && mv occ-init real && printf '%s\\n' '#!/bin/sh' \
         'echo \"{\\\"schema\\\":1,\\\"accounts\\\":[]}\" >&2; printf \"no end of line\" >&2' \
         'exec real \"$@\"' > occ-init && chmod +x occ-init",
    );
    let after = instance.occ(["user", "list", "--json"]).ok();
    assert_eq!(after.stdout, before);
    assert!(after.stderr.contains("no end of line"), "{after:#?}");
    let added = instance
        .occ(["user", "add", "bob", "--no-password", "--json"])
        .ok();
    assert_eq!(added.json()["account"]["uid"], 10001);
    instance.accounts();
}

#[test]
fn names_are_those_that_useradd_takes() {
    let instance = Instance::started("spelling");
    for name in ["müller", "12345", "1alice", "a-b", "x.y", "al", "a b", ""] {
        instance.refused(["add", name, "--no-password"], "", 9);
    }
    for name in ["bob", "a_b", "_x_", "b0b", &"n".repeat(32)] {
        instance.user(["add", name, "--no-password"], "");
    }
    instance.refused(["add", &"n".repeat(33), "--no-password"], "", 9);
    instance
        .refused(["add", "BOB", "--no-password"], "", 4)
        .says("bob");
}
