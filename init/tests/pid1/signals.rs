//! Which signals reach COMMAND, or its group.

use crate::harness::{
    BOTH, Init, Place, children, field, kill, probe, setup, setup_restoring, state, until,
};
use crate::probe::VARIABLE;
use crate::support::signals::{CHLD, CONT, KILL, STOP, TERM, USR1};
use crate::tree::{furnish_alice, furnish_quiet};

fn start(place: Place, options: &[&str]) -> Init {
    let probe = probe();
    let args: Vec<&str> = options.iter().copied().chain(["--", &probe]).collect();
    let mut init = setup(place, &args).env(VARIABLE, "probe").start();
    assert_eq!(init.line(), "probe ready");
    init
}

/// The probe never ends by itself.
fn end(init: Init) -> (i32, String, String) {
    kill(*children(init.pid()).first().unwrap(), KILL);
    init.end()
}

#[test]
fn every_signal_is_forwarded_but_chld_kill_stop() {
    for place in BOTH {
        let mut init = start(place, &[]);
        for signal in (1..=64).filter(|signal| ![CHLD, KILL, STOP].contains(signal)) {
            init.kill(signal);
            assert_eq!(init.line(), format!("probe {signal}"), "{place:?}");
        }
        // CHLD goes unseen: the next one to arrive is USR1.
        init.kill(CHLD);
        init.kill(USR1);
        assert_eq!(init.line(), "probe 10");
        let (code, out, err) = end(init);
        assert_eq!((code, out.as_str()), (137, ""), "{place:?}: {err}");
    }
}

#[test]
fn every_signal_is_forwarded_after_a_look_at_the_store() {
    // libc unblocks signals 33 and 34 for itself when a thread is made: none may be.
    let probe = probe();
    for has_record in [false, true] {
        let setup = setup_restoring(Place::Namespace, &["-q", "--", &probe]);
        if has_record {
            furnish_alice(setup.root());
        } else {
            furnish_quiet(setup.root());
        }
        let mut init = setup.env(VARIABLE, "probe").start();
        assert_eq!(init.line(), "probe ready");
        for signal in (32..=63).chain([USR1, TERM]) {
            init.kill(signal);
            assert_eq!(init.line(), format!("probe {signal}"));
        }
        end(init);
    }
}

#[test]
fn a_flood_of_real_time_signals_arrives_whole() {
    // Real-time signals queue, so none may be lost; 500 stay below any limit.
    let mut init = start(Place::Namespace, &[]);
    let pid = init.pid();
    for _ in 0..500 {
        kill(pid, 40);
    }
    for _ in 0..500 {
        assert_eq!(init.line(), "probe 40");
    }
    end(init);
}

#[test]
fn a_signal_from_before_the_boot_reaches_command() {
    // Pending at exec, as one that comes while the accounts are restored is.
    let probe = probe();
    for args in [&["--no-restore", "--", &probe][..], &["--", &probe]] {
        let mut init = setup_restoring(Place::Subreaper, args)
            .env(VARIABLE, "probe")
            .before(|| {
                let mut set = nix::sys::signal::SigSet::empty();
                set.add(nix::sys::signal::Signal::SIGTERM);
                set.thread_block().unwrap();
                nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM).unwrap();
            })
            .start();
        assert_eq!(init.line(), "probe ready");
        assert_eq!(init.line(), "probe 15");
        end(init);
    }
}

#[test]
fn rewriting_and_dropping() {
    for place in BOTH {
        let mut init = start(
            place,
            &["--rewrite", "TERM:QUIT,HUP:0", "--rewrite", "64:RTMIN+1"],
        );
        for signal in [TERM, 1, 64, USR1] {
            init.kill(signal);
        }
        // The order of distinct pending signals is by number, not by sending.
        let mut got = [init.line(), init.line(), init.line()];
        got.sort();
        assert_eq!(got, ["probe 10", "probe 3", "probe 35"], "{place:?}");
        end(init);
    }
    let probe = probe();
    let mut init = setup(Place::Subreaper, &["--", &probe])
        .env(VARIABLE, "probe")
        .env("OCC_INIT_REWRITE", "USR1:USR2")
        .start();
    assert_eq!(init.line(), "probe ready");
    init.kill(USR1);
    assert_eq!(init.line(), "probe 12");
    end(init);
}

#[test]
fn the_group_with_g_and_the_child_alone_without() {
    let script = format!(
        "{VARIABLE}=inner {} & echo $!; exec env {VARIABLE}=outer {}",
        probe(),
        probe()
    );
    for (options, whole) in [(&["-g"][..], true), (&[], false)] {
        let args: Vec<&str> = options
            .iter()
            .copied()
            .chain(["--", "sh", "-c", &script])
            .collect();
        let mut init = setup(Place::Subreaper, &args).start();
        let mut told = [init.line(), init.line(), init.line()];
        told.sort();
        let [inner, ready @ ..] = &told;
        assert_eq!(ready, &["inner ready", "outer ready"]);
        let inner: i32 = inner.parse().unwrap();
        init.kill(USR1);
        let mut got = vec![init.line()];
        if whole {
            got.push(init.line());
        } else {
            // Whatever else had been sent to it would come first.
            kill(inner, 12);
            got.push(init.line());
        }
        got.sort();
        let expected = if whole {
            ["inner 10", "outer 10"]
        } else {
            ["inner 12", "outer 10"]
        };
        assert_eq!(got, expected);
        kill(inner, KILL);
        end(init);
    }
}

#[test]
fn a_command_that_left_its_group_is_still_reached_with_g() {
    // setsid forks when it leads a group, so the shell leaves it by a fork.
    let script = format!("exec setsid --wait {}", probe());
    let mut init = setup(Place::Namespace, &["-g", "--", "sh", "-c", &script])
        .env(VARIABLE, "probe")
        .start();
    // setsid(1) itself is started with PROBE too, but is not the probe.
    assert_eq!(init.line(), "probe ready");
    init.kill(TERM);
    let (code, ..) = init.end();
    assert_eq!(code, 143);
}

#[test]
fn a_refused_signal_is_a_line_and_not_the_end() {
    let mut setup = setup(Place::Subreaper, &[]);
    let program = setup.command.get_program().to_owned();
    let mut command = std::process::Command::new("setpriv");
    command
        .args(["--bounding-set=-kill", "--"])
        .arg(program)
        .args(setup.command.get_args());
    command.args([
        "--user",
        "nobody",
        "--",
        "sh",
        "-c",
        "echo ready; read line; exit 4",
    ]);
    command.stdin(std::process::Stdio::piped());
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    setup.command = command;
    let mut init = setup.start();
    assert_eq!(init.line(), "ready");
    init.kill(USR1);
    init.kill(TERM);
    // Before COMMAND ends: after that nothing is sent to it.
    until("both were taken", || {
        field(init.pid(), "ShdPnd") == "0000000000000000"
    });
    let (code, _, err) = init.end();
    assert_eq!(code, 4, "{err}");
    assert!(
        err.contains("occ-init: cannot send SIGTERM to 'sh': operation not permitted\n"),
        "{err}"
    );
}

#[test]
fn a_stopped_command_goes_on_when_it_is_asked_to_end() {
    let script = "trap 'echo told; exit 6' TERM INT QUIT HUP; echo ready; read line; \
                  kill -STOP $$; while :; do sleep 0.01; done";
    for place in BOTH {
        for (options, signal) in [
            (&[][..], TERM),
            (&["-g"], TERM),
            (&[], 1),
            (&[], 2),
            (&[], 3),
            (&["--rewrite", "RTMIN+3:TERM"], 37),
            (&["--rewrite", "USR1:TERM"], USR1),
        ] {
            let args = [options, &["--", "sh", "-c", script]].concat();
            let mut init = setup(place, &args).start();
            assert_eq!(init.line(), "ready");
            let (pid, command) = (init.pid(), children(init.pid())[0]);
            let status = init.root.path().join("run/occ-init/status.json");
            until("the status file is there", || status.exists());
            let sleeps = || field(pid, "voluntary_ctxt_switches");
            let before = sleeps();
            drop(init.child.stdin.take());
            until("occ-init has seen it stop", || {
                state(command) == 'T' && sleeps() != before && state(pid) == 'S'
            });
            init.kill(signal);
            let (code, out, err) = init.end();
            assert_eq!(
                (code, out.as_str()),
                (6, "told\n"),
                "{place:?} {signal}: {err}"
            );
        }
    }
}

#[test]
fn a_command_that_stops_when_it_was_asked_to_end_goes_on() {
    // The kernel tells of both at once, of TERM first.
    let script = "trap 'echo told; exit 6' TERM; echo ready; read line; kill -STOP $$; \
                  while :; do sleep 0.01; done";
    for place in BOTH {
        // The CONT that wakes occ-init is not for COMMAND.
        let args = ["--rewrite", "CONT:0", "--", "sh", "-c", script];
        let mut init = setup(place, &args).start();
        assert_eq!(init.line(), "ready");
        let (pid, command) = (init.pid(), children(init.pid())[0]);
        init.kill(STOP);
        until("occ-init is stopped", || state(pid) == 'T');
        drop(init.child.stdin.take());
        until("COMMAND is stopped", || state(command) == 'T');
        init.kill(TERM);
        init.kill(CONT);
        let (code, out, err) = init.end();
        assert_eq!((code, out.as_str()), (6, "told\n"), "{place:?}: {err}");
    }
}

#[test]
fn a_stopped_init_below_a_shell_goes_on_with_cont() {
    let mut init = setup(
        Place::Subreaper,
        &["--", "sh", "-c", "echo ready; read line; exit 5"],
    )
    .start();
    assert_eq!(init.line(), "ready");
    let (pid, command) = (init.pid(), *children(init.pid()).first().unwrap());
    init.kill(20);
    until("COMMAND and occ-init stop", || {
        state(command) == 'T' && state(pid) == 'T'
    });
    init.kill(CONT);
    until("COMMAND and occ-init go on", || {
        state(command) == 'S' && state(pid) == 'S'
    });
    assert_eq!(init.end().0, 5);
}

#[test]
fn pid1_does_not_stop_with_its_command() {
    let mut init = setup(
        Place::Namespace,
        &["--", "sh", "-c", "echo ready; read line; exit 5"],
    )
    .start();
    assert_eq!(init.line(), "ready");
    let command = *children(init.pid()).first().unwrap();
    init.kill(20);
    until("COMMAND stops", || state(command) == 'T');
    until("PID 1 waits", || state(init.pid()) == 'S');
    init.kill(CONT);
    assert_eq!(init.end().0, 5);
}

#[test]
fn a_debugger_at_command_disturbs_nothing() {
    let script = "trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.01; done";
    for place in BOTH {
        let mut init = setup(place, &["--", "sh", "-c", script]).start();
        assert_eq!(init.line(), "ready");
        let command = *children(init.pid()).first().unwrap();
        let mut tracer = std::process::Command::new("strace")
            .args(["-f", "-o", "/dev/null", "-p", &command.to_string()])
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("strace: apt-get install strace");
        until("it is traced", || field(command, "TracerPid") != "0");
        init.kill(TERM);
        assert_eq!(init.line(), "told", "{place:?}");
        assert_eq!(init.exit_code(), 5);
        tracer.wait().unwrap();
    }
    let traced = [
        "--",
        "strace",
        "-f",
        "-o",
        "/dev/null",
        "sh",
        "-c",
        "exit 9",
    ];
    let (code, _, err) = setup(Place::Namespace, &traced).run();
    assert_eq!(code, 9, "{err}");
}
