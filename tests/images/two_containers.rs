//! Two containers on the same volumes follow each other.

use crate::harness::{Container, DAEMON, FORK_RACER, STUBBORN, Volumes, images, until};
use std::collections::BTreeSet;
use std::thread;

const FIRST: &str = "first of alice 1";
const SECOND: &str = "second of alice 2";

fn soon(what: &str, look: impl Fn() -> bool) {
    crate::harness::soon(what, || look().then_some(()));
}

/// The lines of alice in passwd and shadow.
fn alice(container: &Container) -> String {
    container.sh("grep -h ^alice: /etc/passwd /etc/shadow || true")
}

#[test]
fn change_in_one_container_arrives_in_the_other() {
    let volumes = Volumes::alone("pair");
    let one = volumes.start_beside("one", images::debian());
    let two = volumes.start_beside("two", images::debian());
    let agree = || !alice(&one).is_empty() && alice(&one) == alice(&two);

    let add = ["user", "add", "alice", "--password-stdin"];
    one.occ_init(add, &format!("{FIRST}\n"));
    soon("alice is in both", agree);
    assert_eq!(two.login("alice", FIRST).unwrap(), 10000);
    let passwd = ["user", "passwd", "alice", "--password-stdin"];
    two.occ_init(passwd, &format!("{SECOND}\n"));
    soon("her new password is in both", agree);
    assert_eq!(one.login("alice", SECOND).unwrap(), 10000);
    one.shut_out("alice", FIRST);

    one.occ_init(["user", "add", "bob", "--no-password"], "");
    soon("bob is in both", || two.sh("id -u bob || true") == "10001");
    for container in [&one, &two] {
        container.detach("bob", STUBBORN);
        container.detach("alice", STUBBORN);
        container.detach("alice", DAEMON);
        container.detach("alice", FORK_RACER);
    }
    one.occ_init(["user", "disable", "alice"], "");
    assert_eq!(one.programs(10000), [""; 0]);
    soon("she has nothing left running", || {
        two.programs(10000).is_empty()
    });
    assert!(agree());
    for container in [&one, &two] {
        container.shut_out("alice", SECOND);
        assert_eq!(container.programs(10001).len(), 1, "bob's goes on");
    }
    two.occ_init(["user", "enable", "alice"], "");
    soon("she is back in both", agree);
    assert_eq!(one.login("alice", SECOND).unwrap(), 10000);
}

#[test]
fn twenty_adds_at_once_in_each_lose_nobody() {
    let volumes = Volumes::new("both");
    let one = volumes.start_beside("one", images::debian());
    let two = volumes.start_beside("two", images::debian());
    let names: Vec<String> = (0..40).map(|number| format!("person{number:02}")).collect();
    thread::scope(|scope| {
        for (number, name) in names.iter().enumerate() {
            let container = if number % 2 == 0 { &*one } else { &*two };
            scope.spawn(move || container.occ_init(["user", "add", name, "--no-password"], ""));
        }
    });
    let uids = |container: &Container| -> BTreeSet<u32> {
        let people = container.sh("awk -F: '$1 ~ /^person/ { print $3 }' /etc/passwd");
        people.lines().map(|uid| uid.parse().unwrap()).collect()
    };
    for container in [&one, &two] {
        let listed = container.occ_init(["user", "list", "--quiet"], "");
        assert_eq!(listed.text().lines().collect::<Vec<_>>(), names);
        until("all are in this one", || {
            uids(container)
                .iter()
                .copied()
                .eq(10000..10040)
                .then_some(())
        });
        container.occ_init(["check"], "");
    }
}
