//! Exit statuses, and what becomes of the processes that COMMAND leaves.

use crate::support::signals::TERM;
use std::time::{Duration, Instant};

use crate::harness::{BOTH, Place, children, field, probe, run, setup, state, until};
use crate::probe::DIE_OF;

#[test]
fn every_exit_status_is_ours() {
    for place in BOTH {
        for status in 0..=255 {
            let (code, _, err) = run(place, &["--", "sh", "-c", &format!("exit {status}")]);
            assert_eq!((code, err.as_str()), (status, ""), "{place:?}");
        }
    }
}

#[test]
fn a_deadly_signal_is_128_and_its_number_and_one_line() {
    // CHLD CONT STOP TSTP TTIN TTOU URG WINCH don't kill.
    let harmless = [17, 18, 19, 20, 21, 22, 23, 28];
    for place in BOTH {
        for signal in (1..=64).filter(|signal| !harmless.contains(signal)) {
            let setup = setup(place, &["--", &probe()]).env(DIE_OF, &signal.to_string());
            let (code, _, err) = setup.run();
            assert_eq!(code, 128 + signal, "{place:?}: {err}");
            assert_eq!(err.lines().count(), 1, "{err}");
            assert!(err.contains(") was killed by "), "{err}");
        }
    }
    let (_, _, err) = run(Place::Namespace, &["--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(err, "occ-init: 'sh' (pid 2) was killed by SIGKILL\n");
    let (_, _, err) = run(Place::Namespace, &["-q", "--", "sh", "-c", "kill -9 $$"]);
    assert_eq!(err, "");
}

#[test]
fn exit_statuses_are_remapped() {
    let killed = "kill -TERM $$";
    for (options, script, expected) in [
        (&["--remap-exit", "143:0"][..], killed, 0),
        (&["--remap-exit=143:0,3:9"], "exit 3", 9),
        (&["--remap-exit", "143:0"], "exit 3", 3),
    ] {
        let args: Vec<&str> = options
            .iter()
            .copied()
            .chain(["--", "sh", "-c", script])
            .collect();
        assert_eq!(run(Place::Namespace, &args).0, expected, "{options:?}");
    }
    let remapped =
        setup(Place::Namespace, &["--", "sh", "-c", killed]).env("OCC_INIT_REMAP_EXIT", "143:0");
    assert_eq!(remapped.run().0, 0);
}

/// COMMAND leaves a process that does `rest`, once that is ready, and exits 3.
fn leaving(rest: &str) -> String {
    format!(
        "setsid sh -c '{rest}' <&- & while [ ! -e $T/ready ]; do sleep 0.01; done; echo left $!; exit 3"
    )
}

const OBEDIENT: &str = "trap \"echo asked; exit\" TERM; : > $T/ready; while :; do sleep 0.01; done";
const STUBBORN: &str = "trap \"\" TERM; : > $T/ready; while :; do sleep 0.01; done";
const STOPPED: &str =
    "trap \"echo asked; exit\" TERM; : > $T/ready; kill -STOP $$; while :; do sleep 0.01; done";

fn end_of(place: Place, grace: &str, rest: &str) -> (i32, String, Duration) {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(place, &["--grace", grace, "--", "sh", "-c", &leaving(rest)]);
    let start = Instant::now();
    let mut init = setup.env("T", dir.path().to_str().unwrap()).start();
    assert!(init.line().starts_with("left "));
    let (code, out, err) = init.end();
    // dash tells of the sleep that it lost.
    assert!(!err.contains("occ-init"), "{err}");
    (code, out, start.elapsed())
}

#[test]
fn what_remains_is_asked_to_end_and_waited_for() {
    for place in BOTH {
        for rest in [OBEDIENT, STOPPED] {
            let (code, out, took) = end_of(place, "15", rest);
            assert_eq!((code, out.as_str()), (3, "asked\n"), "{place:?}");
            assert!(
                took < Duration::from_secs(10),
                "it did not wait for the whole grace: {took:?}"
            );
        }
    }
}

#[test]
fn what_stays_is_killed_after_the_grace() {
    for place in BOTH {
        // stdout ends only when the stubborn process, which holds it, is gone.
        let (code, out, took) = end_of(place, "0.3", STUBBORN);
        assert_eq!((code, out.as_str()), (3, ""), "{place:?}");
        assert!(
            took >= Duration::from_millis(290),
            "{place:?}: killed before the grace: {took:?}"
        );
    }
}

#[test]
fn a_second_term_cuts_the_grace_short() {
    for place in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "({STUBBORN}) & while [ ! -e $T/ready ]; do sleep 0.01; done; echo ready; read line"
        );
        let setup = setup(place, &["--grace", "1000", "--", "sh", "-c", &script]);
        let mut init = setup.env("T", dir.path().to_str().unwrap()).start();
        assert_eq!(init.line(), "ready");
        let command = *children(init.pid()).first().unwrap();
        init.kill(TERM);
        until("COMMAND died of the first", || state(command) == ' ');
        assert_eq!(init.child.try_wait().unwrap(), None, "the grace has begun");
        init.kill(TERM);
        assert_eq!(init.end().0, 143, "{place:?}");
    }
}

#[test]
fn one_term_while_draining_is_no_hurry() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(
        Place::Namespace,
        &["--grace", "1", "--", "sh", "-c", &leaving(STUBBORN)],
    );
    let start = Instant::now();
    let mut init = setup.env("T", dir.path().to_str().unwrap()).start();
    init.line();
    // What it left has a session of its own, and comes to us when it is gone.
    until("COMMAND is gone", || {
        let left = children(init.pid());
        let leads =
            |pid: &i32| field(*pid, "NSsid").split_whitespace().next() == Some(&pid.to_string());
        left.len() == 1 && left.iter().all(leads)
    });
    init.kill(TERM);
    assert_eq!(init.end().0, 3);
    assert!(
        start.elapsed() >= Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn without_grace_nobody_is_asked() {
    let (code, out, _) = end_of(Place::Namespace, "0", OBEDIENT);
    assert_eq!(
        (code, out.as_str()),
        (3, ""),
        "the kernel killed it with its PID 1"
    );
}

#[test]
fn a_process_that_is_not_our_child_is_waited_for_too() {
    // As docker exec's are: in the namespace, but nobody's of ours.
    let mut init = setup(
        Place::Namespace,
        &[
            "--grace",
            "15",
            "--",
            "sh",
            "-c",
            "echo ready; read line; exit 3",
        ],
    )
    .start();
    assert_eq!(init.line(), "ready");
    let target = init.pid().to_string();
    let mut foreign = std::process::Command::new("nsenter")
        .args(["--target", &target, "--pid", "--mount", "--", "sh", "-c"])
        .arg("trap 'exit 42' TERM; echo ready; while :; do sleep 0.01; done")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = [0; 6];
    std::io::Read::read_exact(foreign.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let start = Instant::now();
    assert_eq!(init.end().0, 3);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(
        foreign.wait().unwrap().code(),
        Some(42),
        "it was asked, not killed"
    );
}
