//! What each process of the gate may do, as /proc shows it.

use std::fs;

use nix::sys::signal::Signal;

use crate::place::Place;
use crate::processes::{command_line, field, field_of};
use crate::running::WEB_UID;
use occ_gate_testing::until;

const NO_CAPABILITIES: &str = "0000000000000000";

#[test]
fn the_web_half_has_no_power() {
    let place = Place::with(&["alice"]);
    let monitor = place.start();
    let web = monitor.web_half().unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field(web, set), NO_CAPABILITIES, "{set}");
    }
    assert_eq!(field(web, "NoNewPrivs"), "1");
    for ids in ["Uid", "Gid"] {
        let all: Vec<String> = field(web, ids)
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect();
        assert_eq!(all, vec![WEB_UID.to_string(); 4], "{ids}");
    }
    assert_eq!(field(web, "Groups"), "");
    // Not dumpable: its files in /proc are root's, nobody of its uid reads them.
    until("it to be protected", || {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(format!("/proc/{web}/environ")).unwrap().uid() == 0
    });
    let limits = fs::read_to_string(format!("/proc/{web}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_ascii_whitespace().nth(4), Some("0"), "{core}");
    let environment = fs::read_to_string(format!("/proc/{web}/environ")).unwrap();
    for variable in environment
        .split('\0')
        .filter(|variable| !variable.is_empty())
    {
        assert!(
            variable.starts_with("OCC_GATE_") || variable.starts_with("LANG="),
            "{variable}"
        );
    }
}

#[test]
fn a_mistyped_setting_is_told() {
    let place = Place::with(&[])
        .set("OCC_GATE_HOST", "code.example.com")
        .set("OCC_GATE_HOSTS", "code.example.com");
    let monitor = place.start();
    until("its line", || {
        monitor
            .log()
            .contains("there is no setting OCC_GATE_HOST: it does nothing")
    });
    assert_eq!(monitor.log().matches("no setting").count(), 1);
}

#[test]
fn no_half_lives_alone() {
    let place = Place::with(&["alice"]);
    let monitor = place.start_as_child();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    web.ensure(&alice.token, "alice");
    let opencode = monitor.processes_of(10_000);
    assert_eq!(opencode.len(), 1);
    monitor.signal(Signal::SIGKILL);
    for pid in [web.pid, opencode[0]] {
        until("all to be gone", || {
            matches!(field(pid, "State").chars().next(), None | Some('Z'))
        });
    }
}

#[test]
fn a_person_starts_with_nothing_of_ours() {
    let place = Place::with(&["alice", "bob"])
        .set("PROVIDER_KEY", "shared")
        .set("OPENCODE_BOOTSTRAP_PASSWORD", "x")
        .set("OCC_GATE_HOSTS", "example.org");
    let (monitor, mut web, alice) = place.start_with("alice");
    let (port, secret) = web.ensure(&alice, "alice");
    let report = place.report("alice");
    let status = report["status"].as_str().unwrap();
    for ids in ["Uid", "Gid"] {
        assert_eq!(field_of(status, ids), "10000\t10000\t10000\t10000");
    }
    assert_eq!(field_of(status, "Groups"), "29 10000", "audio, and her own");
    assert_eq!(field_of(status, "Umask"), "0077");
    assert_eq!(field_of(status, "NoNewPrivs"), "1");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(field_of(status, set), NO_CAPABILITIES, "{set}");
    }
    // stdin, stdout, stderr, the listener, and the directory that lists them.
    assert_eq!(report["fds"], serde_json::json!(["0", "1", "2", "3", "4"]));
    assert_eq!(report["cwd"], "/home/alice");
    assert_eq!(report["port"], port);
    let secret = String::from_utf8(secret.expose().to_vec()).unwrap();
    let expected = serde_json::json!({
        "HOME": "/home/alice", "USER": "alice", "LOGNAME": "alice", "SHELL": "/bin/sh",
        "TMPDIR": "/run/occ/user/10000/tmp", "XDG_RUNTIME_DIR": "/run/occ/user/10000/run",
        "OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_SERVER_PASSWORD": secret,
        "PROVIDER_KEY": "shared",
    });
    let mut found = report["env"].clone();
    let passed = found.as_object_mut().unwrap();
    passed.retain(|name, _| !matches!(name.as_str(), "PATH" | "PWD" | "OLDPWD" | "SHLVL" | "_"));
    assert_eq!(found, expected);
    let words = command_line(monitor.processes_of(10_000)[0]);
    assert_eq!(
        words[1..],
        ["serve", "--hostname", "127.0.0.1", "--port", "0"]
    );
    assert!(!words.concat().contains(&secret));
}

#[test]
fn nobody_reads_anothers_secret_in_proc() {
    let place = Place::with(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    for (name, number) in [("alice", 1), ("bob", 2)] {
        let login = web.log_in(&place, name, number);
        web.ensure(&login.token, name);
    }
    // Bob's looked at every process when it started: alice's, both halves, PID 1.
    assert_eq!(place.report("bob")["readable"], serde_json::json!([]));
    assert_eq!(monitor.processes_of(10_000).len(), 1);
}

#[test]
fn setuid_programs_are_the_administrators_choice() {
    let place = Place::with(&["alice"]).set("OCC_GATE_ALLOW_SETUID", "1");
    let (_monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    let status = place.report("alice")["status"].as_str().unwrap().to_owned();
    assert_eq!(field_of(&status, "NoNewPrivs"), "0");
    assert_eq!(field_of(&status, "CapEff"), NO_CAPABILITIES);
}

#[test]
fn a_start_that_cannot_be_says_why() {
    for (name, value, says) in [
        (
            "OCC_GATE_LISTEN",
            "nowhere",
            "invalid OCC_GATE_LISTEN 'nowhere': must be an address",
        ),
        (
            "OCC_GATE_LISTEN",
            "192.0.2.1:80",
            "cannot listen on 192.0.2.1:80: ",
        ),
        (
            "OCC_GATE_ALLOW_SETUID",
            "yes",
            "invalid OCC_GATE_ALLOW_SETUID 'yes': must be 0 or 1",
        ),
        (
            "OCC_GATE_HOSTS",
            "*.example.com",
            "invalid OCC_GATE_HOSTS '*.example.com': must be host names",
        ),
        (
            "OCC_GATE_TRUSTED_PROXIES",
            "10.0.0.0/33",
            "invalid OCC_GATE_TRUSTED_PROXIES '10.0.0.0/33': must be addresses",
        ),
        (
            "OCC_GATE_SESSION_IDLE",
            "soon\n",
            "invalid OCC_GATE_SESSION_IDLE 'soon\\n': must be a time such as 90s",
        ),
        (
            "OCC_GATE_MAX_PROCESSES",
            "-1",
            "invalid OCC_GATE_MAX_PROCESSES '-1': must be a number from 64 on",
        ),
    ] {
        let place = Place::with(&[]).set(name, value);
        let (status, said) = place.fails();
        assert_eq!(status, Some(1));
        assert!(said.starts_with(&format!("occ-gate: {says}")), "{said}");
    }
    let place = Place::with(&[]);
    place.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644);
    let (status, said) = place.fails();
    assert_eq!(status, Some(1));
    assert!(
        said.contains("no account 'occ-gate'") && said.contains("hint: "),
        "{said}"
    );
    let place = Place::with(&["alice"]);
    std::fs::create_dir(place.path("var/lib/occ-gate")).unwrap();
    std::os::unix::fs::chown(place.path("var/lib/occ-gate"), Some(10_000), None).unwrap();
    let (_, said) = place.fails();
    assert!(said.contains("cannot use '/var/lib/occ-gate'"), "{said}");
}
