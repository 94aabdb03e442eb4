//! Disable ends what a person runs; enable gives everything back.

use crate::harness::{DAEMON, FORK_RACER, Instance, STUBBORN};

const PASSWORD: &str = "back in with this";

#[test]
fn disable_ends_every_process_of_a_person_and_enable_gives_the_password_back() {
    let instance = Instance::started("disable");
    assert_eq!(instance.add("alice", PASSWORD), 10000);
    instance.add("bob", "b b b");
    instance.detach("alice", ["sh", "-c", "while :; do sleep 1; done"]);
    instance.detach("alice", STUBBORN);
    instance.detach("alice", DAEMON);
    instance.detach("alice", FORK_RACER);
    instance.detach("bob", ["sleep", "1000"]);

    let done = instance.occ(["user", "disable", "alice"]).ok();
    assert_eq!(done.text(), "User 'alice' disabled.");
    assert_eq!(instance.programs(10000), [""; 0]);
    instance.accounts();
    assert_eq!(instance.programs(10001).len(), 1, "bob's goes on");
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
