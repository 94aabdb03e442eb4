//! Why an opencode did not start, and starting it anew.

use std::fs;

use occ_gate::wire::{EnsureReply, Event, Failure, Gone, RestartReply, Token, ask};

use crate::instances::until_failed;
use crate::place::Place;
use crate::processes::field_of;
use occ_gate_testing::until;

#[test]
fn the_last_lines_of_one_that_failed_are_its_owners() {
    let place = Place::with(&["alice", "bob"]);
    place.behave("alice", "complain");
    place.behave("bob", "exit");
    let (monitor, mut web, alice) = place.start_with("alice");
    let bob = web.log_in(&place, "bob", 2).token;
    let (reason, output) = until_failed(&mut web, &alice);
    assert_eq!(reason, Failure::Ended);
    assert_eq!(output.len(), 20, "{output:?}");
    let last: Vec<&str> = output[18..].iter().map(String::as_str).collect();
    assert_eq!(
        last,
        ["Error: opencode.json is not valid", "no end of line"]
    );
    let (_, output) = until_failed(&mut web, &bob);
    assert!(output.is_empty(), "{output:?}");
    until("the log's line", || {
        monitor
            .log()
            .contains("opencode of alice ended: exit status: 1\n")
    });
}

/// In a home of its own: a file system that is full, or can't be written.
#[test]
fn a_home_that_takes_no_files_is_told_by_name() {
    let make = "mount -t tmpfs -o size=64k,mode=700,uid=10000,gid=10000 none /home/alice
echo exit > /home/alice/behaviour";
    for (then, expected) in [
        (
            "dd if=/dev/zero of=/home/alice/large bs=1k count=100 2>/dev/null",
            Failure::HomeFull,
        ),
        ("mount -o remount,ro /home/alice", Failure::HomeReadOnly),
    ] {
        let place = Place::with(&["alice"]);
        let monitor = place.start_by(&format!("{make}\n{then}\nexec \"$0\""));
        let mut web = monitor.take_over();
        let alice = web.log_in(&place, "alice", 1).token;
        assert_eq!(until_failed(&mut web, &alice).0, expected);
    }
}

#[test]
fn a_restart_takes_in_new_groups_and_a_new_profile() {
    let place = Place::with(&["alice", "bob"]);
    place.behave("alice", "children");
    let (monitor, mut web, alice) = place.start_with("alice");
    let (_, first) = web.ensure(&alice, "alice");
    until("her child", || monitor.processes_of(10_000).len() == 2);
    let before = monitor.processes_of(10_000);
    let group = fs::read_to_string(place.path("etc/group")).unwrap();
    place.write("etc/group", &format!("{group}video:x:44:alice\n"), 0o644);
    fs::write(place.home("alice").join(".profile"), "export KEY=new\n").unwrap();
    fs::write(place.path("run/occ/user/10000/tmp/left"), "").unwrap();
    fs::remove_file(place.home("alice").join("report.json")).unwrap();
    let restart = |token: &Token| ask::Restart {
        token: token.clone(),
    };
    assert_eq!(web.call(restart(&alice)), Ok(RestartReply::Restarting));
    assert_eq!(web.call(restart(&alice)), Ok(RestartReply::TooSoon));
    web.event(|event| matches!(event, Event::InstanceGone { user } if user.as_str() == "alice"));
    let (_, second) = web.ensure(&alice, "alice");
    assert_ne!(first.expose(), second.expose());
    let report = place.report("alice");
    let status = report["status"].as_str().unwrap();
    assert_eq!(field_of(status, "Groups"), "29 44 10000");
    assert_eq!(report["env"]["KEY"], "new");
    assert!(!place.path("run/occ/user/10000/tmp/left").exists());
    let after = monitor.processes_of(10_000);
    assert!(!before.iter().any(|pid| after.contains(pid)), "all are new");
    assert_eq!(place.starts("alice"), 2);
    let nobodys = Token::new([7; 32]);
    assert_eq!(web.call(restart(&nobodys)), Err(Gone));
}

/// A rest after failures keeps nobody from trying what they have just corrected.
#[test]
fn one_that_failed_is_tried_again_when_its_owner_says_so() {
    let place = Place::with(&["alice"]);
    place.behave("alice", "exit");
    let (_monitor, mut web, alice) = place.start_with("alice");
    for _ in 0..3 {
        assert_eq!(until_failed(&mut web, &alice).0, Failure::Ended);
    }
    place.behave("alice", "");
    let token = alice.clone();
    assert_eq!(
        web.call(ask::Restart { token }),
        Ok(RestartReply::Restarting)
    );
    let token = alice.clone();
    let reply = web.call(ask::Ensure { token });
    assert!(
        matches!(reply, Ok(EnsureReply::Starting | EnsureReply::Ready { .. })),
        "{reply:?}"
    );
    web.ensure(&alice, "alice");
}
