//! The PAM session in which a person's opencode runs.

use std::fs;

use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::{Signal, kill};
use occ_gate::wire::{Event, Failure, ask};

use crate::instances::until_failed;
use crate::place::{Place, hash};
use crate::processes::field_of;
use occ_gate_testing::until;

/// The service of the image, each file of a module in this place's /etc, and a module that
/// writes down what it is asked.
const SERVICE: &str = "auth required pam_unix.so nodelay
account required pam_unix.so
session required pam_unix.so
session required pam_umask.so umask=0027
session required pam_limits.so conf=/etc/limits
session required pam_env.so conffile=/etc/variables readenv=0
session required pam_exec.so /etc/write-down
";
const WRITE_DOWN: &str = "#!/bin/sh\necho \"$PAM_TYPE $PAM_USER $PAM_SERVICE\" >> /run/sessions\n";
const VARIABLES: &str = "EDITOR DEFAULT=nano
HOME DEFAULT=/root
OPENCODE_SERVER_PASSWORD DEFAULT=known
OPENCODE_SERVER_USERNAME DEFAULT=root
";

fn place(limits: &str) -> Place {
    let place = Place::with(&["alice"]);
    place.write("etc/pam.d/occ", SERVICE, 0o644);
    place.write("etc/limits", limits, 0o644);
    place.write("etc/variables", VARIABLES, 0o644);
    place.write("etc/write-down", WRITE_DOWN, 0o755);
    place
}

fn sessions(place: &Place) -> String {
    fs::read_to_string(place.path("run/sessions")).unwrap_or_default()
}

/// Soft and hard limit, from what opencode found.
fn limit(report: &serde_json::Value, name: &str) -> (String, String) {
    let limits = report["limits"].as_str().unwrap();
    let line = limits.lines().find(|line| line.starts_with(name)).unwrap();
    let mut words = line[name.len()..].split_ascii_whitespace();
    let mut next = || words.next().unwrap().to_owned();
    (next(), next())
}

#[test]
fn what_pam_sets_reaches_opencode() {
    let place = place("* soft nofile 512\n* hard nofile 1000\nalice - nproc 300\n* soft core 0\n");
    let (_monitor, mut web, alice) = place.start_with("alice");
    let (_, secret) = web.ensure(&alice, "alice");
    let report = place.report("alice");
    let status = report["status"].as_str().unwrap();
    assert_eq!(field_of(status, "Umask"), "0027");
    assert_eq!(field_of(status, "NoNewPrivs"), "1");
    let pair = |soft: &str, hard: &str| (soft.to_owned(), hard.to_owned());
    assert_eq!(limit(&report, "Max open files"), pair("512", "1000"));
    assert_eq!(limit(&report, "Max processes"), pair("300", "300"));
    assert_eq!(limit(&report, "Max core file size").0, "0");
    let environment = &report["env"];
    assert_eq!(environment["EDITOR"], "nano");
    assert_eq!(environment["HOME"], "/home/alice");
    assert_eq!(
        environment["OPENCODE_SERVER_USERNAME"],
        serde_json::Value::Null
    );
    let secret = String::from_utf8(secret.expose().to_vec()).unwrap();
    assert_eq!(environment["OPENCODE_SERVER_PASSWORD"], secret);
}

#[test]
fn without_limits_of_pam_the_gates_hold() {
    let place = place("");
    let (_monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    let report = place.report("alice");
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let most = hard.min(65_536).to_string();
    assert_eq!(limit(&report, "Max open files"), (most.clone(), most));
    let none = "0".to_owned();
    assert_eq!(limit(&report, "Max core file size"), (none.clone(), none));
}

#[test]
fn a_session_is_open_as_long_as_opencode_lives() {
    let open = "open_session alice occ\n";
    let both = "open_session alice occ\nclose_session alice occ\n";
    let mut place = place("");
    let (monitor, mut web, alice) = place.start_with("alice");
    assert_eq!(sessions(&place), "");
    web.ensure(&alice, "alice");
    assert_eq!(sessions(&place), open);
    let token = alice.clone();
    assert!(matches!(web.call(ask::Idle { token }), Ok(())));
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert_eq!(sessions(&place), both, "it was told to stop");
    web.ensure(&alice, "alice");
    let opencode = monitor.processes_of(10_000)[0];
    kill(nix::unistd::Pid::from_raw(opencode), Signal::SIGKILL).unwrap();
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert_eq!(sessions(&place), both.repeat(2), "it ended by itself");
    web.ensure(&alice, "alice");
    place.person("alice").hash = hash("set by an administrator");
    place.write_accounts();
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert_eq!(sessions(&place), both.repeat(3), "it was killed");
    place.person("alice").hash = hash("alice's word");
    place.write_accounts();
    let alice = web.log_in(&place, "alice", 1).token;
    web.ensure(&alice, "alice");
    monitor.stop();
    assert_eq!(sessions(&place), both.repeat(4), "the gate stopped");
}

/// Where the uids are not the container's own, nothing is ended by its uid: the session ends
/// what it started.
#[test]
fn a_session_ends_its_child_where_uids_are_others_too() {
    let place = place("");
    let monitor = place.start_as_child();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    web.ensure(&alice, "alice");
    let token = alice.clone();
    assert!(matches!(web.call(ask::Idle { token }), Ok(())));
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert!(monitor.processes_of(10_000).is_empty());
    assert!(sessions(&place).ends_with("close_session alice occ\n"));
}

#[test]
fn a_session_that_pam_refuses_is_told() {
    let place = place("");
    place.write(
        "etc/pam.d/occ",
        &format!("{SERVICE}session required pam_deny.so\n"),
        0o644,
    );
    let (monitor, mut web, alice) = place.start_with("alice");
    assert_eq!(until_failed(&mut web, &alice).0, Failure::Session);
    until("the log's line", || {
        monitor.log().contains("PAM opens no session: ")
    });
    assert_eq!(place.starts("alice"), 0);
}

/// No capability raises a limit above what the kernel knows: to pam_limits it is as a
/// container without CAP_SYS_RESOURCE.
#[test]
fn a_limit_that_cannot_be_set_shuts_nobody_out_of_the_image() {
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/../image/pam.occ");
    let image = fs::read_to_string(image).unwrap();
    let here = image.replace("pam_limits.so", "pam_limits.so conf=/etc/limits");
    assert_ne!(image, here);
    let place = place("* - nofile 1999999999\n* - nproc 250\n");
    place.write("etc/pam.d/occ", &here, 0o644);
    let (_monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    let report = place.report("alice");
    assert_eq!(
        field_of(report["status"].as_str().unwrap(), "Umask"),
        "0077"
    );
    assert_eq!(limit(&report, "Max processes").1, "250");
}
