//! The real opencode as COMMAND: as PID 1 itself it ignores SIGTERM and never
//! reaps.

use super::Running;
use crate::harness::{Container, Volumes, bar, until};
use std::time::Duration;

/// Sessions of opencode's terminals, and commands in each.
const SESSIONS: usize = 20;
const COMMANDS: usize = 500;

/// It listens in the container alone.
fn serving(name: &str) -> Running {
    let running = Running::new(name, &[], &["opencode", "serve", "--port", "4096"]);
    until("opencode answers", || {
        let health = curl(&running.container, "/global/health", "");
        health.contains("\"healthy\":true").then_some(())
    });
    running
}

/// The answer of opencode; a body makes the request a POST.
fn curl(container: &Container, path: &str, body: &str) -> String {
    let json = ["--header", "Content-Type: application/json", "--data", "@-"];
    let post = if body.is_empty() { &[][..] } else { &json[..] };
    let url = format!("http://127.0.0.1:4096{path}");
    let call = container.exec(["curl", "--silent", "--max-time", "20"]);
    call.args(post).args([url]).input(body).run().stdout
}

/// `docker stop` takes its time, and the status is what TERM makes of opencode.
#[track_caller]
fn stops_at_once(running: &Running) {
    let (took, status) = running.stop("100");
    assert!(took < bar(Duration::from_secs(1)), "took {took:?}");
    assert_eq!(status, "143", "{}", running.container.logs());
}

#[test]
fn it_stops_within_a_second_and_is_not_killed() {
    let _slot = Volumes::alone("serve");
    stops_at_once(&serving("serve"));
}

#[test]
fn ten_thousand_commands_of_its_terminals_leave_no_zombie() {
    let _slot = Volumes::alone("ptys");
    let running = serving("ptys");
    // The parent of each is gone before it is: orphans, as daemons are. Without
    // HUP, which the end of their terminal sends.
    let script = format!(
        "trap '' HUP; i=0; while [ $i -lt {COMMANDS} ]; do (echo >>/tmp/ran &); i=$((i+1)); done"
    );
    let request = serde_json::json!({"command": "sh", "args": ["-c", script]}).to_string();
    for _ in 0..SESSIONS {
        let answer = curl(&running.container, "/pty", &request);
        assert!(answer.contains("\"id\":\"pty_"), "{answer}");
    }
    let all = (SESSIONS * COMMANDS).to_string();
    until("all commands ran", || {
        let ran = running.container.sh("touch /tmp/ran; wc -l </tmp/ran");
        (ran == all).then_some(())
    });
    // One that ended just now may not have been waited for yet.
    until("opencode is alone", || {
        (running.container.sh("pgrep --parent 1") == running.container.sh("pgrep -x opencode"))
            .then_some(())
    });
    let states = running
        .container
        .sh("cat /proc/[0-9]*/stat 2>/dev/null; true");
    assert!(!states.contains(") Z "), "{states}");
    stops_at_once(&running);
}
