//! Whose opencode nobody uses.

use std::time::{Duration, Instant};

use occ_gate_testing::until;

use super::browser::{read_until, send};
use super::harness::Gate;

const SHORT: &[&str] = &["--idle=1s"];

/// Waits until opencode was asked that often whether it is at rest.
fn looked(gate: &Gate, times: usize) {
    let count = || {
        gate.opencode
            .heads()
            .iter()
            .filter(|head| head.starts_with("GET /session/status"))
            .count()
    };
    let goal = count() + times;
    until("another look", || count() >= goal);
}

#[test]
fn an_opencode_at_rest_is_reported() {
    let gate = Gate::with(SHORT);
    let (_, cookie) = gate.alice();
    gate.ask("GET /session?directory=%2Fhome%2Falice%2Fa%20b", &[&cookie]);
    gate.monitor.was_asked("idle");
    let heads = gate.opencode.heads();
    for path in [
        "GET /session/status ",
        "GET /pty ",
        "GET /session/status?directory=/home/alice/a%20b ",
        "GET /pty?directory=/home/alice/a%20b ",
    ] {
        assert!(
            heads.iter().any(|head| head.starts_with(path)),
            "{path}: {heads:?}"
        );
    }
}

#[test]
fn work_and_terminals_keep_it() {
    let gate = Gate::with(SHORT);
    let (_, cookie) = gate.alice();
    gate.ask("GET /", &[&cookie]);
    gate.opencode.work(true, false);
    looked(&gate, 3);
    gate.opencode.work(false, true);
    looked(&gate, 3);
    assert_eq!(gate.monitor.times_asked("idle"), 0);
    gate.opencode.work(false, false);
    gate.monitor.was_asked("idle");
}

/// A terminal that was left at its prompt is no work, whoever logged out since.
#[test]
fn a_shell_at_its_prompt_keeps_nothing() {
    use std::io::Write as _;
    let mut shell = std::process::Command::new("sh")
        .args(["-c", "sleep 100 & read line; kill $!; wait; read line"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let gate = Gate::with(SHORT);
    let (_, cookie) = gate.alice();
    gate.ask("GET /", &[&cookie]);
    gate.opencode.run_terminal(shell.id());
    looked(&gate, 3);
    assert_eq!(gate.monitor.times_asked("idle"), 0, "it has a child");
    shell.stdin.as_ref().unwrap().write_all(b"\n").unwrap();
    gate.monitor.was_asked("idle");
    shell.kill().unwrap();
    shell.wait().unwrap();
}

#[test]
fn work_is_finished_after_a_logout_too() {
    let gate = Gate::with(SHORT);
    let (_, cookie) = gate.alice();
    gate.ask("GET /", &[&cookie]);
    gate.opencode.work(false, true);
    gate.post("/_occ/logout", "", &[&cookie]);
    gate.monitor.was_asked("works s3cret");
    assert_eq!(gate.monitor.times_asked("idle"), 0);
}

#[test]
fn an_open_page_keeps_it() {
    let gate = Gate::with(SHORT);
    let (_, cookie) = gate.alice();
    let head = format!(
        "GET /global/event HTTP/1.1\r\nHost: {}\r\n{cookie}\r\n\r\n",
        gate.address
    );
    let mut stream = send(gate.address, head.as_bytes());
    read_until(&mut stream, b"\r\n\r\n");
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(3) {
        gate.opencode.emit("x");
        read_until(&mut stream, b"x\n\n");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(gate.monitor.times_asked("idle"), 0);
    drop(stream);
    gate.monitor.was_asked("idle");
}
