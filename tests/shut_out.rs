//! Disable ends what a person runs; enable gives everything back.

use crate::harness::{Instance, docker, until};
use std::time::Duration;

const PASSWORD: &str = "back in with this";
/// Each process leaves a child and ends: no list of processes holds it for long.
const RACER: &str = "while (1) { my $child = fork(); exit if $child; }";
/// Nothing short of KILL ends it.
const STUBBORN: &str = "$SIG{$_} = 'IGNORE' for qw(TERM HUP INT QUIT); sleep 1 while 1";

/// The number of processes with alice's uid, real or effective.
fn processes(instance: &Instance) -> usize {
    let script = "cat /proc/[0-9]*/status 2>/dev/null | awk '/^Uid:/ && ($2 == 10000 || $3 == 10000 || $4 == 10000) { n++ } END { print n + 0 }'";
    instance.sh(script).parse().unwrap()
}

#[test]
fn disable_ends_every_process_of_a_person_and_enable_gives_the_password_back() {
    let instance = Instance::started("disable");
    assert_eq!(instance.add("alice", PASSWORD), 10000);
    instance.add("bob", "b b b");
    let detached = |command: &[&str]| {
        docker(["exec", "--detach", "--user", "alice", &instance.name])
            .args(command)
            .ok()
    };
    detached(&["sh", "-c", "while :; do sleep 1; done"]);
    detached(&["perl", "-e", STUBBORN]);
    detached(&["perl", "-e", RACER]);
    docker([
        "exec",
        "--detach",
        "--user",
        "bob",
        &instance.name,
        "sleep",
        "1000",
    ])
    .ok();
    until("alice's processes run", Duration::from_secs(20), || {
        (processes(&instance) >= 3).then_some(())
    });

    let done = instance.occ(["user", "disable", "alice"]).ok();
    assert_eq!(done.text(), "User 'alice' disabled.");
    assert_eq!(processes(&instance), 0);
    instance.accounts();
    instance.sh("pgrep --uid bob sleep");
    instance.shut_out("alice", PASSWORD);
    instance.user(["disable", "alice"], "");
    instance
        .exec(["occ-init", "--user", "alice", "--no-restore", "--", "id"])
        .run()
        .exits(125);

    instance.remove_container();
    instance.start();
    instance.shut_out("alice", PASSWORD);
    instance
        .user(["enable", "alice"], "")
        .prints("User 'alice' enabled.");
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    let id = instance
        .exec([
            "occ-init",
            "--user",
            "alice",
            "--no-restore",
            "--",
            "sh",
            "-c",
            "id -u; echo $HOME",
        ])
        .ok();
    assert_eq!(id.text(), "10000\n/home/alice");
}

#[test]
fn two_names_at_once_or_none() {
    let instance = Instance::started("two");
    for name in ["alice", "bob", "carol"] {
        instance.add(name, PASSWORD);
    }
    instance
        .refused(["disable", "alice", "no_such"], "", 3)
        .says("no_such");
    instance
        .user(["disable", "alice", "bob"], "")
        .prints("User 'alice' disabled.\nUser 'bob' disabled.\n");
    instance.shut_out("alice", PASSWORD);
    instance.shut_out("bob", PASSWORD);
    instance.login("carol", PASSWORD).unwrap();
    instance.user(["enable", "bob", "alice"], "");
    instance.login("alice", PASSWORD).unwrap();
    instance.login("bob", PASSWORD).unwrap();
    instance.user(
        ["add", "dave", "--disabled", "--password-stdin"],
        &format!("{PASSWORD}\n"),
    );
    instance.shut_out("dave", PASSWORD);
}
