//! `docker stop` and `docker kill`.

use super::Running;
use crate::harness::{Volumes, bar, docker, until};
use std::time::Duration;

/// Longer than [`bar`] of anything here: no engine kills before that.
const PATIENTLY: &str = "100";

/// Tells of every signal that bash can trap, and ends with none.
const TELLS: &str =
    "for s in $(seq 64); do case $s in 9|17|19|32|33) ;; *) trap \"echo got $s\" $s;; esac; done
    echo ready; while :; do sleep 0.02; done";

#[test]
fn docker_kill_sends_every_signal() {
    let _slot = Volumes::new("signals");
    let running = Running::of("signals", &[], TELLS);
    let sent: Vec<i32> = (1..=64)
        .filter(|signal| ![9, 17, 19, 32, 33].contains(signal))
        .collect();
    for signal in &sent {
        docker([
            "kill",
            "--signal",
            &signal.to_string(),
            &running.container.name,
        ])
        .ok();
        running.says(&format!("got {signal}"));
    }
    for (name, number) in [
        ("TERM", 15),
        ("SIGUSR1", 10),
        ("RTMIN+3", 37),
        ("SIGRTMAX-1", 63),
    ] {
        docker(["kill", "--signal", name, &running.container.name]).ok();
        let line = format!("got {number}");
        until(name, || {
            let logs = running.container.logs();
            (logs.lines().filter(|said| *said == line).count() == 2).then_some(())
        });
    }
    docker(["kill", "--signal", "KILL", &running.container.name]).ok();
    assert_eq!(running.container.inspect("{{.State.ExitCode}}"), "137");
}

#[test]
fn a_stop_is_what_command_makes_of_it() {
    let _slot = Volumes::alone("stops");
    let busy = "while :; do sleep 0.02; done";
    let daemon = "setsid sh -c \"trap '' TERM; exec sleep 1000\" & ";
    for (options, script, status) in [
        (&[][..], format!("echo ready; {busy}"), "143"),
        (&[], format!("trap 'exit 5' TERM; echo ready; {busy}"), "5"),
        (
            &["--env", "OCC_INIT_REMAP_EXIT=143:0"],
            format!("echo ready; {busy}"),
            "0",
        ),
        (
            &["--env", "OCC_INIT_REWRITE=TERM:QUIT"],
            format!("trap 'exit 6' QUIT; echo ready; {busy}"),
            "6",
        ),
        (
            &["--stop-signal", "RTMIN+3"],
            format!("trap 'exit 8' RTMIN+3; echo ready; {busy}"),
            "8",
        ),
        (
            &["--env", "OCC_INIT_GRACE=0"],
            format!("{daemon} echo ready; {busy}"),
            "143",
        ),
    ] {
        let running = Running::of("stop", options, &script);
        let (took, got) = running.stop(PATIENTLY);
        assert_eq!(got, status, "{script}: {}", running.container.logs());
        assert!(took < bar(Duration::from_secs(2)), "{script}: {took:?}");
    }
}

#[test]
fn process_that_ignores_term_has_the_grace_and_no_more() {
    let _slot = Volumes::alone("stubborn");
    let daemon = "setsid sh -c 'trap \"\" TERM; echo ready; exec sleep 1000' &";
    let script = format!("{daemon} while :; do sleep 0.02; done");
    let running = Running::of("daemon", &["--env", "OCC_INIT_GRACE=1"], &script);
    let (took, status) = running.stop(PATIENTLY);
    assert_eq!(status, "143");
    assert!(
        (Duration::from_secs(1)..bar(Duration::from_secs(3))).contains(&took),
        "the grace is 1 s: {took:?}"
    );
    // COMMAND itself is the engine's to kill.
    let running = Running::of(
        "deaf",
        &[],
        "trap '' TERM; echo ready; while :; do sleep 0.02; done",
    );
    assert_eq!(running.stop("1").1, "137");
}

#[test]
fn stopped_and_started_again_it_boots_again() {
    let _slot = Volumes::new("again");
    let running = Running::of(
        "again",
        &[],
        "trap 'exit 0' TERM; echo ready; while :; do sleep 0.02; done",
    );
    let healthy = || {
        let health = running
            .container
            .exec(["occ-init", "health", "--ready"])
            .run();
        (health.code == Some(0)).then_some(())
    };
    until("it is ready", healthy);
    assert_eq!(running.stop(PATIENTLY).1, "0");
    docker(["start", &running.container.name]).ok();
    until("it is ready again", healthy);
}
