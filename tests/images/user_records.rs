//! Records are systemd's JSON User Records: its own tool reads them.

use super::doors::house;
use crate::harness::{Container, Volumes};
use std::collections::BTreeMap;

/// The output of `userdbctl user NAME`, by the word before the colon.
#[track_caller]
fn of_userdbctl(container: &Container, name: &str) -> BTreeMap<String, String> {
    let record = format!("/var/lib/opencode-users/{name}.json");
    container.sh(&format!(
        "mkdir -p /run/userdb && cp {record} /run/userdb/{name}.user"
    ));
    // Without NSS, so that it can't read passwd instead.
    let shown = container
        .exec(["userdbctl", "--with-nss=no", "user", name])
        .ok();
    let pairs = shown
        .stdout
        .lines()
        .filter_map(|line| line.split_once(": "));
    let trimmed = |(key, value): (&str, &str)| (key.trim().to_owned(), value.trim().to_owned());
    pairs.map(trimmed).collect()
}

/// Fields that every record has, as userdbctl shows them.
#[track_caller]
fn is(said: &BTreeMap<String, String>, uid: &str, shell: &str, locked: &str, passwords: &str) {
    let home = format!("/home/{}", said["User name"]);
    for (key, value) in [
        ("Disposition", "regular"),
        ("UID", uid),
        ("Directory", &home),
        ("Shell", shell),
        ("Locked", locked),
        ("Passwords", passwords),
    ] {
        assert_eq!(
            said.get(key).map(String::as_str),
            Some(value),
            "{key}: {said:#?}"
        );
    }
    assert!(said["GID"].starts_with(uid), "{said:#?}");
}

#[test]
fn userdbctl_reads_every_kind_of_account() {
    let volumes = Volumes::new("userdb");
    let container = volumes.start(house());
    let name = ["--comment", "Alice Ängström"];
    let add = ["user", "add", "alice", "--password-stdin", name[0], name[1]];
    container.occ_init(add, "alice's password\n");
    let key = ["--ssh-key-file", "/root/of-record.pub"];
    let add = [
        "user",
        "add",
        "bob",
        "--no-password",
        key[0],
        key[1],
        "--shell",
        "/bin/sh",
    ];
    container.occ_init(add, "");
    let add = ["user", "add", "carol", "--uid", "12345", "--password-stdin"];
    container.occ_init(add, "carol's password\n");
    container.occ_init(["user", "disable", "carol"], "");
    container.sh("chage --expiredate 2000-01-01 alice");
    container.occ_init(["restore"], "");

    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| of_userdbctl(&container, name));
    is(&alice, "10000", "/bin/bash", "no", "1");
    is(&bob, "10001", "/bin/sh", "no", "none");
    is(&carol, "12345", "/bin/bash", "yes", "1");
    assert_eq!(alice["Real Name"], "Alice Ängström");
    assert_eq!(alice["Login OK"], "no (record not valid anymore))");
    assert!(alice["Not After"].contains("2000-01-01"), "{alice:#?}");
    assert_eq!(bob["SSH Pub. Key"], "1");
    assert_eq!(carol["Login OK"], "no (record is locked)");
}
