//! What was proven wrong in opencode-cloud's own `occ`, number by number, and the
//! test which shows that this one does right. A defect that no other test holds
//! has its test here.

use crate::harness::{Instance, docker, run};
use serde_json::Value;
use std::path::Path;

const PASSWORD: &str = "as it should be";

/// Number, what was wrong, file and test.
const DEFECTS: [(u8, &str, &str, &str); 34] = [
    (
        1,
        "uids were given anew after an update, in alphabetical order",
        "tests/survival.rs",
        "a_new_container_on_a_changed_image_has_the_same_people",
    ),
    (
        2,
        "homes were lost with the container",
        "tests/survival.rs",
        "a_new_container_on_a_changed_image_has_the_same_people",
    ),
    (
        3,
        "one truncated record stopped every command and every restore",
        "tests/store.rs",
        "a_bad_record_is_skipped_reported_kept_and_harms_nobody",
    ),
    (
        4,
        "a password that was not set counted as set",
        "tests/defects.rs",
        "a_password_that_can_not_be_set_makes_no_account",
    ),
    (
        5,
        "a full volume left empty records, reported as success",
        "tests/defects.rs",
        "a_full_volume_is_an_error_and_costs_nobody_anything",
    ),
    (
        6,
        "a client killed in the middle emptied a record",
        "tests/kills.rs",
        "wherever_occ_is_killed_a_password_is_the_old_or_the_new_one",
    ),
    (
        7,
        "the container was privileged, with the host's cgroups",
        "tests/defects.rs",
        "the_container_has_six_capabilities_and_nothing_of_the_host",
    ),
    (
        8,
        "bind mounts were gone after an update",
        "tests/updates.rs",
        "what_a_person_gave_the_container_survives_and_strangers_are_left_alone",
    ),
    (
        9,
        "an update pruned everybody's containers, images and networks",
        "tests/defects.rs",
        "an_update_and_a_reset_prune_nothing_that_is_somebody_elses",
    ),
    (
        10,
        "the container was removed before a build that then failed",
        "tests/defects.rs",
        "a_build_that_fails_leaves_the_container_serving",
    ),
    (
        11,
        "a tunnel gave the engine to everybody on this machine",
        "host-cli/src/engine/ssh.rs",
        "ssh_gets_user_port_and_host_and_runs_dockers_own_transport",
    ),
    (
        11,
        "the same, from outside: nothing listens here meanwhile",
        "tests/engines.rs",
        "an_engine_behind_ssh_is_reached_with_user_and_port",
    ),
    (
        12,
        "DOCKER_HOST and contexts were ignored",
        "host-cli/tests/environment.rs",
        "engines_are_looked_for_in_the_order_that_docker_has",
    ),
    (
        12,
        "the local engine answered for a remote one",
        "tests/engines.rs",
        "a_context_with_ssh_is_followed_and_an_unknown_one_is_no_other",
    ),
    (
        13,
        "readiness was looked for on this machine's port",
        "tests/defects.rs",
        "readiness_is_asked_of_the_container_and_not_of_a_port_here",
    ),
    (
        13,
        "an address that is none ended in a panic",
        "host-cli/tests/golden.rs",
        "errors",
    ),
    (
        14,
        "with --quiet a generated password was never shown",
        "tests/defects.rs",
        "a_generated_password_is_shown_in_every_format",
    ),
    (
        15,
        "a password could not come from a pipe",
        "tests/harness/instance.rs",
        "add",
    ),
    (
        16,
        "an unanswered question counted as success",
        "tests/removal.rs",
        "removing_asks_first",
    ),
    (
        17,
        "stop failed where there was nothing to stop",
        "tests/lifecycle.rs",
        "start_and_stop_can_be_said_twice_and_status_tells",
    ),
    (
        18,
        "root and the system's accounts could be changed",
        "tests/defects.rs",
        "accounts_of_the_image_are_nobodys_to_change",
    ),
    (
        19,
        "a password was changed, and then it was said that it can't be",
        "tests/defects.rs",
        "accounts_of_the_image_are_nobodys_to_change",
    ),
    (
        20,
        "the last account was counted wrongly",
        "tests/defects.rs",
        "accounts_of_the_image_are_nobodys_to_change",
    ),
    (
        21,
        "a removal that failed halfway brought the account back",
        "tests/defects.rs",
        "a_home_that_can_not_go_is_said_before_anything_is_removed",
    ),
    (
        22,
        "hashes were arguments, for everybody to see",
        "tests/secrets.rs",
        "they_show_in_no_argv_environment_log_event_or_inspection",
    ),
    (
        23,
        "the first password stayed in the environment and the log",
        "tests/defects.rs",
        "the_first_password_reaches_no_program_and_no_log",
    ),
    (
        24,
        "what was said on stderr got into records",
        "tests/defects.rs",
        "noise_on_stderr_changes_no_answer",
    ),
    (
        25,
        "names were taken that useradd refuses, and others refused",
        "tests/defects.rs",
        "names_are_those_that_useradd_takes",
    ),
    (
        26,
        "one list of names for all hosts",
        "host-cli/src/config/mod.rs",
        "each_container_has_names_of_its_own",
    ),
    (
        26,
        "an account elsewhere hid the warning about an open container",
        "tests/doctor.rs",
        "a_container_open_to_all_with_nobody_in_it_and_without_volumes_is_told",
    ),
    (
        27,
        "words in the log stopped a start",
        "tests/defects.rs",
        "words_in_the_log_stop_no_start",
    ),
    (
        28,
        "an image with a port in its name was cut in two",
        "tests/defects.rs",
        "an_image_of_a_registry_with_a_port_keeps_its_name",
    ),
    (
        28,
        "the same, in the configuration",
        "host-cli/src/config/values.rs",
        "an_image_is_what_engines_take_for_one",
    ),
    (
        28,
        "the same, where it is pulled",
        "host-cli/src/image.rs",
        "pulls_one_tag_only",
    ),
];

#[test]
fn each_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut numbers: Vec<u8> = DEFECTS.iter().map(|defect| defect.0).collect();
    numbers.dedup();
    assert_eq!(numbers, (1..=28).collect::<Vec<u8>>());
    for (number, what, file, test) in DEFECTS {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let there = text.contains(&format!("fn {test}("));
        assert!(there, "{number}, {what}: there is no '{test}' in {file}");
    }
}

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
    let volume = format!("{}-users", instance.name);
    docker([
        "volume",
        "create",
        "--opt",
        "type=tmpfs",
        "--opt",
        "device=tmpfs",
    ])
    .args(["--opt", "o=size=256k", &volume])
    .ok();
    instance.start();
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
fn the_container_has_six_capabilities_and_nothing_of_the_host() {
    let instance = Instance::started("rights");
    let host = docker([
        "inspect",
        "--format",
        "{{json .HostConfig}}",
        &instance.name,
    ])
    .ok();
    let host: Value = serde_json::from_str(host.text()).unwrap();
    assert_eq!(host["Privileged"], false);
    assert_eq!(host["RestartPolicy"]["Name"], "unless-stopped");
    for (key, taken) in [
        ("CgroupnsMode", "host"),
        ("PidMode", "host"),
        ("NetworkMode", "host"),
    ] {
        assert_ne!(host[key], taken);
    }
    assert!(host["Binds"].as_array().is_none_or(Vec::is_empty), "{host}");
    // CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID.
    let of_init = instance.sh("grep -E 'Cap(Eff|Prm|Bnd)' /proc/1/status | cut -f2 | sort -u");
    assert_eq!(of_init, "00000000000000eb");
    instance.add("alice", PASSWORD);
    let of_alice = instance
        .exec_as(
            "alice",
            ["sh", "-c", "grep CapEff /proc/self/status; command -v sudo"],
        )
        .run();
    assert_eq!(of_alice.text(), "CapEff:\t0000000000000000");
}

#[test]
fn an_update_and_a_reset_prune_nothing_that_is_somebody_elses() {
    let instance = Instance::started("prune");
    let name = |end: &str| format!("{}-{end}", instance.name);
    let (stopped, network, volume) = (name("stopped"), name("network"), name("volume"));
    docker(["create", "--name", &stopped, &instance.image, "true"]).ok();
    docker(["network", "create", &network]).ok();
    docker(["volume", "create", &volume]).ok();
    let dangling = docker(["build", "--quiet", "-"])
        .env("DOCKER_BUILDKIT", "0")
        .input(format!("FROM scratch\nLABEL of={stopped}\n"))
        .ok();
    instance.use_image(&run().shifted);
    instance.occ(["update", "container", "-q"]).ok();
    instance.occ(["update", "container", "--rollback"]).ok();
    instance.occ(["start", "--recreate"]).ok();
    instance
        .occ(["reset", "container", "--volumes", "--force"])
        .ok();
    let things = [
        ("container", stopped.as_str()),
        ("network", &network),
        ("volume", &volume),
        ("image", dangling.text()),
    ];
    let left = things.map(|(kind, thing)| docker([kind, "inspect", thing]).run().code);
    for (kind, thing) in things {
        docker([kind, "rm", thing]).run();
    }
    assert_eq!(left, [Some(0); 4], "{things:?}");
}

/// The base has no shell, so the first step that runs something fails.
#[test]
fn a_build_that_fails_leaves_the_container_serving() {
    let instance = Instance::started("broken");
    instance.add("alice", PASSWORD);
    let base = format!("{}-no-shell", run().image);
    docker(["build", "--quiet", "--tag", &base, "-"])
        .env("DOCKER_BUILDKIT", "0")
        .input("FROM scratch\nLABEL nothing=in-it\n")
        .ok();
    instance.occ(["config", "set", "base_image", &base]).ok();
    let before = instance.inspect("{{.Id}} {{.State.StartedAt}} {{.Image}}");
    for args in [["start", "--build"], ["update", "container"]] {
        let failed = instance.occ(args).run();
        docker(["image", "inspect", &instance.image]).ok();
        failed.exits(1).says("the image could not be built");
        assert_eq!(
            instance.inspect("{{.Id}} {{.State.StartedAt}} {{.Image}}"),
            before
        );
        instance.login("alice", PASSWORD).unwrap();
    }
    docker(["image", "rm", &base]).run();
}

/// Nothing of it can be reached from here: it publishes no port.
#[test]
fn readiness_is_asked_of_the_container_and_not_of_a_port_here() {
    let instance = Instance::new("unpublished");
    let label = format!("dev.occ.instance={}", instance.name);
    let users = format!("{}-users:/var/lib/opencode-users", instance.name);
    docker([
        "create",
        "--name",
        &instance.name,
        "--label",
        &label,
        "--volume",
        &users,
    ])
    .args([&instance.image])
    .ok();
    instance
        .occ(["start"])
        .ok()
        .prints("is ready; it publishes no port.");
    instance.add("alice", PASSWORD);
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
    assert_eq!(instance.accounts().names(), ["alice"]);
    instance.shut_out("bob", PASSWORD);
}

#[test]
fn the_first_password_reaches_no_program_and_no_log() {
    let instance = Instance::new("first");
    let label = format!("dev.occ.instance={}", instance.name);
    let secret = "Quokka-first-77";
    docker([
        "run",
        "--detach",
        "--name",
        &instance.name,
        "--label",
        &label,
    ])
    .args(["--env", "OPENCODE_BOOTSTRAP_USER=alice"])
    .args(["--env", &format!("OPENCODE_BOOTSTRAP_PASSWORD={secret}")])
    .args([&instance.image])
    .ok();
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

#[test]
fn words_in_the_log_stop_no_start() {
    let instance = Instance::new("words");
    let tag = format!("{}-words", run().light);
    let lines = "CMD [\"sh\", \"-c\", \"for i in 1 2 3 4 5 6 7 8 9; do \
                 echo permission denied; echo No such file or directory >&2; echo FATAL error; done; sleep infinity\"]";
    docker(["build", "--quiet", "--tag", &tag, "-"])
        .env("DOCKER_BUILDKIT", "0")
        .input(format!("FROM {}\n{lines}\n", run().light))
        .ok();
    instance.use_image(&tag);
    docker(["image", "rm", &tag]).run();
    instance.start().prints("is ready");
    instance.occ(["restart"]).ok().prints("is ready");
    assert!(instance.logs().contains("permission denied"));
}

#[test]
fn an_image_of_a_registry_with_a_port_keeps_its_name() {
    let mut instance = Instance::new("registry");
    docker(["image", "rm", &instance.image]).ok();
    // Nobody listens at port 1.
    instance.image = format!("localhost:1/{}/img:tag", instance.name);
    instance.use_image(&run().light);
    instance.start();
    let status = instance.occ(["status", "--json"]).ok().json();
    assert_eq!(status["image"]["name"], instance.image.as_str());
    instance.use_image(&run().shifted);
    let updated = instance.occ(["update", "container"]).ok();
    assert!(updated.stdout.contains(&instance.image), "{updated:#?}");
    instance.exec(["getent", "passwd", "builder"]).ok();
    let missing = format!("localhost:1/{}/none:tag", instance.name);
    let refused = instance
        .occ(["start", "--recreate", "--image", &missing])
        .run();
    refused
        .exits(9)
        .says(&format!("there is no image '{missing}' here"));
}
