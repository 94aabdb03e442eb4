//! Somebody is killed, or faster, in the middle of a command.

use crate::harness::{Instance, Moment, Wiretap, until};
use std::io::Write;
use std::process::Child;

const PASSWORD: &str = "whatever happens";

/// `occ user add bob`, as far as that occ-init works on it.
fn adding_bob(instance: &Instance) -> Child {
    let call = instance.occ(["user", "add", "bob", "--password-stdin"]);
    let mut child = call.started();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    until("occ-init user add runs", || {
        let ended = child.try_wait().unwrap().is_some();
        (ended || is_at_work(instance)).then_some(())
    });
    child
}

fn is_at_work(instance: &Instance) -> bool {
    instance
        .exec(["pgrep", "--full", "^/usr/local/bin/occ-init user add"])
        .run()
        .code
        == Some(0)
}

/// bob is there whole or not at all, alice as ever, and the next command works.
#[track_caller]
fn nothing_is_half(instance: &Instance, reported: Option<i32>) {
    let accounts = instance.accounts();
    assert_eq!(instance.login("alice", PASSWORD).unwrap(), 10000);
    if reported == Some(0) {
        assert!(accounts.has("bob"), "reported as made, and not there");
    }
    if accounts.has("bob") {
        instance.login("bob", PASSWORD).unwrap();
    } else {
        instance.add("bob", PASSWORD);
    }
    instance.exec(["occ-init", "check"]).ok();
}

#[test]
fn the_container() {
    let instance = Instance::started("container");
    instance.add("alice", PASSWORD);
    let mut adding = adding_bob(&instance);
    instance.crash();
    let reported = adding.wait().unwrap().code();
    assert!(matches!(reported, Some(0 | 7)), "{reported:?}");
    instance.start();
    nothing_is_half(&instance, reported);
}

#[test]
fn the_program_in_the_container() {
    let instance = Instance::started("program");
    instance.add("alice", PASSWORD);
    let mut adding = adding_bob(&instance);
    instance
        .exec([
            "pkill",
            "-KILL",
            "--full",
            "^/usr/local/bin/occ-init user add",
        ])
        .run();
    let reported = adding.wait().unwrap().code();
    nothing_is_half(&instance, reported);
}

#[test]
fn occ_itself() {
    let instance = Instance::started("client");
    instance.add("alice", PASSWORD);
    let mut adding = adding_bob(&instance);
    adding.kill().unwrap();
    let reported = adding.wait().unwrap().code();
    until("occ-init is done", || {
        (!is_at_work(&instance)).then_some(())
    });
    nothing_is_half(&instance, reported);
}

/// `occ user passwd alice` through a socket that kills occ at that moment.
fn changing_password(instance: &Instance, tap: &Wiretap, password: &str) -> Child {
    let call = instance.occ(["user", "passwd", "alice", "--password-stdin"]);
    let mut child = call.env("DOCKER_HOST", tap.url()).started();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child
}

/// Before and after each request, the one included after which the password would
/// have been sent.
#[test]
fn wherever_occ_is_killed_a_password_is_the_old_or_the_new_one() {
    let instance = Instance::started("cutoff");
    instance.add("alice", PASSWORD);
    let rehearsal = Wiretap::on_the_engine();
    let done = changing_password(&instance, &rehearsal, PASSWORD)
        .wait()
        .unwrap();
    assert!(done.success());
    let requests = rehearsal.requests();
    let start = requests
        .iter()
        .position(|line| line.contains("/start HTTP"));
    let start = start.expect("an exec is started");
    let mut old = PASSWORD.to_owned();
    for at in 0..requests.len() {
        for moment in [Moment::Before(at), Moment::After(at)] {
            let new = format!("{PASSWORD} {at} {moment:?}");
            let tap = Wiretap::that_kills(moment);
            let mut child = changing_password(&instance, &tap, &new);
            tap.aim(child.id());
            assert_eq!(
                child.wait().unwrap().code(),
                None,
                "not killed at {moment:?}"
            );
            until("occ-init is done", || {
                let rest = instance.exec(["pgrep", "--full", "occ-init user passwd"]);
                (rest.run().code == Some(1)).then_some(())
            });
            instance.accounts();
            // The password goes after the answer to the start.
            let sent = at > start;
            if sent {
                old = new;
            }
            instance.login("alice", &old).unwrap();
        }
    }
}

#[test]
fn several_at_once_get_a_number_each() {
    let instance = Instance::started("race");
    let names = ["alice", "bob", "carol", "dave", "erin"];
    let adding: Vec<_> = names
        .iter()
        .map(|name| {
            instance
                .occ(["user", "add", name, "--password-stdin"])
                .input(format!("{PASSWORD}\n"))
        })
        .map(|call| std::thread::spawn(move || call.run()))
        .collect();
    for one in adding {
        one.join().unwrap().exits(0);
    }
    let accounts = instance.accounts();
    assert_eq!(accounts.names(), names);
    let mut uids: Vec<u32> = names.iter().map(|name| accounts.uid(name)).collect();
    uids.sort_unstable();
    assert_eq!(uids, [10000, 10001, 10002, 10003, 10004]);
    instance.occ(["user", "list"]).ok();
    let config = std::fs::read(instance.config().join("occ/config.json")).unwrap();
    let config: serde_json::Value = serde_json::from_slice(&config).unwrap();
    // Named by a flag, so not the configured container.
    let users = &config["instances"][&instance.name]["users"];
    assert_eq!(*users, serde_json::json!(names), "{config}");
}
