//! The volume, and what occ keeps outside of it.

use crate::harness::{Instance, docker};
use std::path::Path;

const PASSWORD: &str = "never to be found again";

/// All bytes of all files below a directory.
fn contents(directory: &Path) -> String {
    let mut found = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.push_str(&contents(&path));
        } else {
            found.push_str(&path.to_string_lossy());
            found.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn records_are_on_the_volume_for_root_alone_and_only_names_on_this_side() {
    let instance = Instance::started("store");
    instance.add("alice", PASSWORD);
    instance.user(["add", "bob", "--generate"], "");
    instance.add("carol", PASSWORD);
    instance.user(["remove", "carol", "--yes"], "");
    let volume = format!("{}-users", instance.name);
    docker([
        "volume",
        "ls",
        "--quiet",
        "--filter",
        &format!("name={volume}"),
    ])
    .ok()
    .prints(&volume);
    instance
        .occ(["status"])
        .ok()
        .prints(&format!("{volume} → /var/lib/opencode-users"));

    let modes = instance.sh(
        "cd /var/lib/opencode-users && find . \\( -type f -printf 'file %m %U %n\\n' \\) -o -printf '%y %m %U\\n' | sort -u",
    );
    assert_eq!(modes, "d 700 0\nfile 600 0 1");
    let files = instance.sh("cd /var/lib/opencode-users && ls -d *.json removed/* uids/*");
    assert_eq!(
        files,
        "alice.json\nbob.json\nremoved/10002.json\nuids/10000\nuids/10001\nuids/10002"
    );
    instance
        .exec_as("alice", ["ls", "/var/lib/opencode-users"])
        .run()
        .exits(2)
        .says("Permission denied");

    let accounts = instance.accounts();
    let kept = contents(instance.config());
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(instance.config().join("occ/config.json")).unwrap())
            .unwrap();
    // On an engine that is not the usual one, NAME@ENGINE.
    let instances = config["instances"].as_object().unwrap();
    let own = instances.keys().find(|key| key.starts_with(&instance.name));
    let users = &instances[own.unwrap()]["users"];
    assert_eq!(*users, serde_json::json!(["alice", "bob"]));
    for secret in [
        PASSWORD,
        "$6$",
        "$y$",
        accounts.hash("alice"),
        accounts.hash("bob"),
    ] {
        assert!(
            !kept.contains(secret),
            "a secret is below the configuration directory"
        );
    }
}

#[test]
fn a_bad_record_is_skipped_reported_kept_and_harms_nobody() {
    let instance = Instance::started("bad");
    instance.add("alice", PASSWORD);
    instance.sh(
        "cd /var/lib/opencode-users && umask 077 && printf '{\"userName\": \"carol\", \"uid\"' > carol.json \
         && printf '{\"userName\":\"mallory\",\"uid\":0}' > mallory.json && ln -s /etc/shadow dave.json && ls -l > /tmp/before",
    );
    instance.remove_container();
    instance.start();
    let logs = instance.logs();
    for file in ["carol.json", "mallory.json", "dave.json"] {
        assert!(logs.contains(file), "{file} is not reported: {logs}");
        instance.sh(&format!(
            "test -L /var/lib/opencode-users/{file} -o -s /var/lib/opencode-users/{file}"
        ));
    }
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    assert_eq!(
        instance.sh("getent passwd carol mallory dave || echo none"),
        "none"
    );
    assert_eq!(
        instance.sh("awk -F: '$3 == 0 { print $1 }' /etc/passwd"),
        "root"
    );
    let check = instance.exec(["occ-init", "check"]).run().exits(1);
    for file in ["carol.json", "mallory.json", "dave.json"] {
        assert!(
            check.stdout.contains(file) || check.stderr.contains(file),
            "{check:#?}"
        );
    }
    instance
        .refused(["add", "carol", "--password-stdin"], "x x x\n", 1)
        .says("carol");
    instance.add("erin", PASSWORD);
    instance
        .occ(["user", "list", "--quiet"])
        .ok()
        .prints("alice\nerin\n");
}
