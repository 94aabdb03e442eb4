//! The status file, `status` and `health`.

use crate::support::signals::{TERM, USR1};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::{
    Init, Place, bare, children, kill, probe, setup, setup_restoring, state, until,
};
use crate::probe::WITHOUT_LEADER;

fn ask(args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_occ-init"))
        .args(args)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn a_boot_is_told_while_it_lasts() {
    let mut init = setup(
        Place::Subreaper,
        &["--", "sh", "-c", "umask; echo ready; read line"],
    )
    .start();
    init.line();
    assert_eq!(init.line(), "ready");
    let root = init.root.path().to_str().unwrap().to_owned();
    let path = init.root.path().join("run/occ-init/status.json");
    until("the status file is there", || path.exists());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o644, 0o755));

    let (code, out) = ask(&["--root", &root, "status", "--json"]);
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, out.lines().count()), (0, 1));
    let command = *children(init.pid()).first().unwrap();
    assert_eq!(status["schema"], 1);
    assert_eq!(status["pid"], init.pid());
    assert_eq!(
        status["child"],
        serde_json::json!({"pid": command, "argv0": "sh"})
    );
    assert_eq!(status["restore"]["state"], "skipped");
    assert!(status["startedUSec"].as_u64().unwrap() > 1_600_000_000_000_000);
    let (code, out) = ask(&["status", "--root", &root]);
    assert_eq!(
        (code, out),
        (
            0,
            format!(
                "restore: skipped\n  reason: --no-restore\ncommand: sh (pid {command}), running\n"
            )
        )
    );
    for probe in [
        &["health"][..],
        &["health", "--ready"],
        &["health", "--live"],
    ] {
        let args: Vec<&str> = ["--root", &root].iter().chain(probe).copied().collect();
        assert_eq!(ask(&args).0, 0, "{probe:?}");
    }

    // Stopped from outside it can answer nothing; but that heals.
    init.kill(19);
    until("it stops", || state(init.pid()) == 'T');
    assert_eq!(ask(&["--root", &root, "health", "--live"]).0, 1);
    kill(init.pid(), 18);
    drop(init.child.stdin.take());
    assert_eq!(init.exit_code(), 1);
    assert_eq!(ask(&["--root", &root, "health", "--live"]).0, 1);
    assert_eq!(ask(&["--root", &root, "health"]).0, 1);
}

#[test]
fn nothing_known_is_unknown() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path().to_str().unwrap();
    let (code, out) = ask(&["--root", root, "status"]);
    assert_eq!(code, 1);
    assert!(out.starts_with("unknown: "), "{out}");
    let (code, out) = ask(&["--root", root, "status", "--json"]);
    let status: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &status["state"]), (1, &Value::from("unknown")));
    assert_eq!(ask(&["--root", root, "health"]).0, 1);
}

#[test]
fn command_runs_whatever_the_restore_says() {
    let mut init = setup_restoring(
        Place::Namespace,
        &["--", "sh", "-c", "echo ready; read line; exit 7"],
    )
    .start();
    assert_eq!(init.line(), "ready");
    let path = init.root.path().join("run/occ-init/status.json");
    until("the status file is there", || path.exists());
    let status: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_ne!(status["restore"]["state"], "skipped", "{status}");
    assert_eq!(init.end().0, 7);
}

#[test]
fn who_is_not_root_is_an_init_all_the_same() {
    let setup = setup_restoring(Place::Subreaper, &["--", "sh", "-c", "exit 7"]).before(|| {
        nix::unistd::setgroups(&[]).unwrap();
        nix::unistd::setgid(nix::unistd::Gid::from_raw(65534)).unwrap();
        nix::unistd::setuid(nix::unistd::Uid::from_raw(65534)).unwrap();
    });
    let (code, _, err) = setup.run();
    assert_eq!(
        (code, err.as_str()),
        (7, "occ-init: accounts are not restored: not root\n")
    );
    let strict = setup_restoring(Place::Subreaper, &["--strict", "--", "true"]).before(|| {
        nix::unistd::setuid(nix::unistd::Uid::from_raw(65534)).unwrap();
    });
    assert_eq!(strict.run().0, 125);
}

#[test]
fn who_was_told_to_end_is_not_ready_any_more() {
    let script = "trap 'echo told' TERM; echo ready; while :; do sleep 0.01; done";
    let mut init = setup(
        Place::Namespace,
        &["--rewrite", "USR1:TERM", "--", "sh", "-c", script],
    )
    .start();
    assert_eq!(init.line(), "ready");
    let root = root_of(&init);
    let pid = init.pid();
    let inside = |args: &[&str]| {
        let (code, out, _) = inside(pid, "", &root, args);
        (code, out)
    };
    let is_ready = || inside(&["health", "--ready"]).0 == 0;
    until("it is ready", is_ready);
    // Not the end, whatever COMMAND gets for it.
    init.kill(USR1);
    assert_eq!(init.line(), "told");
    assert!(is_ready());
    init.kill(TERM);
    assert_eq!(init.line(), "told");
    until("it is not ready", || !is_ready());
    assert_eq!(inside(&["health", "--live"]).0, 0);
    let (code, out) = inside(&["status"]);
    assert_eq!(code, 0);
    assert!(out.ends_with("command: sh (pid 2), told to end\n"), "{out}");
    init.kill(TERM);
    assert_eq!(init.line(), "told", "and it goes on");
}

#[test]
fn command_may_ask_at_once() {
    let binary = env!("CARGO_BIN_EXE_occ-init");
    for _ in 0..20 {
        let tree = tempfile::tempdir().unwrap();
        let root = tree.path().to_str().unwrap();
        let setup = setup(Place::Namespace, &["--", binary, "--root", root, "health"]).on(tree);
        let (code, _, err) = setup.run();
        assert_eq!((code, err.as_str()), (0, ""));
    }
}

fn root_of(init: &Init) -> String {
    init.root.path().to_str().unwrap().to_owned()
}

/// Asks as a `docker exec` does: in the namespaces of PID 1, where the pids are those of the
/// file. `before` is a shell command there.
fn inside(pid: i32, before: &str, root: &str, args: &[&str]) -> (i32, String, String) {
    let pid = pid.to_string();
    let script = format!("{before}\nexec \"$@\"");
    let mut words = vec!["nsenter", "--target", &pid, "--pid", "--mount", "--"];
    words.extend(["unshare", "--mount", "--", "sh", "-c", &script, "sh"]);
    words.extend([env!("CARGO_BIN_EXE_occ-init"), "--root", root]);
    words.extend(args);
    bare(&words).run()
}

#[test]
fn a_command_whose_first_thread_has_ended_runs() {
    for place in [Place::Subreaper, Place::Namespace] {
        let setup = setup(place, &["--", &probe()]).env(WITHOUT_LEADER, "1");
        let mut init = setup.start();
        assert_eq!(init.line(), "ready");
        let (root, pid) = (root_of(&init), init.pid());
        until("the first thread has ended", || {
            state(children(pid)[0]) == 'Z'
        });
        let asked = |args: &[&str]| match place {
            Place::Subreaper => bare_answer(&root, args),
            _ => inside(pid, "", &root, args),
        };
        until("it is ready", || asked(&["health"]).0 == 0);
        let (code, out, _) = asked(&["status"]);
        assert_eq!(code, 0);
        assert!(out.ends_with(", running\n"), "{place:?}: {out}");
        let (code, _, err) = init.end();
        assert_eq!(code, 4, "{err}");
    }
}

fn bare_answer(root: &str, args: &[&str]) -> (i32, String, String) {
    let words = [env!("CARGO_BIN_EXE_occ-init"), "--root", root];
    bare(&[&words, args].concat()).run()
}

#[test]
fn every_signal_that_asks_for_the_end_makes_it_not_ready() {
    // Whatever the image's STOPSIGNAL is; podman's systemd mode sends RTMIN+3.
    let script = "trap 'echo told' INT QUIT TERM; echo ready; while :; do sleep 0.01; done";
    for (signal, options) in [
        (2, &[][..]),
        (3, &[]),
        (TERM, &[]),
        (37, &["--rewrite", "RTMIN+3:TERM"]),
    ] {
        let args = [options, &["--", "sh", "-c", script]].concat();
        let mut init = setup(Place::Namespace, &args).start();
        assert_eq!(init.line(), "ready");
        let (root, pid) = (root_of(&init), init.pid());
        let health = |probe| inside(pid, "", &root, &["health", probe]);
        until("it is ready", || health("--ready").0 == 0);
        init.kill(signal);
        assert_eq!(init.line(), "told", "{signal}");
        until("it is not ready", || health("--ready").0 == 1);
        let (_, _, err) = health("--ready");
        let line = "occ-init: not healthy: the command was told to end\n";
        assert_eq!(err, line, "{signal}");
        assert_eq!(health("--live").0, 0, "{signal}: PID 1 is well");
        let (_, out, _) = inside(pid, "", &root, &["status"]);
        assert!(out.ends_with(", told to end\n"), "{signal}: {out}");
    }
}

#[test]
fn health_tells_why_for_programs_too() {
    let mut init = setup(
        Place::Subreaper,
        &["--", "sh", "-c", "echo ready; read line"],
    )
    .start();
    assert_eq!(init.line(), "ready");
    let root = root_of(&init);
    let health = || {
        let (code, out, _) = bare_answer(&root, &["--json", "health"]);
        let document: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(document["schema"], 1);
        assert_eq!(document["healthy"], Value::from(code == 0));
        document["reason"].as_str().map(str::to_owned)
    };
    until("it is ready", || health().is_none());
    drop(init.child.stdin.take());
    init.exit_code();
    assert!(health().unwrap().starts_with("there is no process "));
}

/// What a /proc that hides processes, or is not there, does to probes.
#[test]
fn hidden_processes_are_told_apart_from_none() {
    let script = "echo ready; read line; exit 3";
    let mut init = setup(Place::Namespace, &["--", "sh", "-c", script]).start();
    assert_eq!(init.line(), "ready");
    let (root, pid) = (root_of(&init), init.pid());
    let path = init.root.path().join("run/occ-init/status.json");
    until("the status file is there", || path.exists());
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(init.root.path(), open).unwrap();

    let hidden = "mount -t proc -o hidepid=2 proc /proc";
    let (code, _, err) = inside(pid, hidden, &root, &["health"]);
    assert_eq!((code, err.as_str()), (0, ""), "root sees all of them");
    let none = "mount -t tmpfs tmpfs /proc";
    // A program that anybody may run, wherever this one lies.
    let copy = init.root.path().join("occ-init");
    fs::copy(env!("CARGO_BIN_EXE_occ-init"), &copy).unwrap();
    let nobody = format!(
        "{hidden}; exec setpriv --reuid 65534 --regid 65534 --clear-groups {} --root {root} health",
        copy.display()
    );
    for before in [nobody.as_str(), none] {
        let (code, _, err) = inside(pid, before, &root, &["health"]);
        assert_eq!(code, 1, "{before}: {err}");
        assert_eq!(err.lines().count(), 1, "{before}: {err}");
        assert!(
            err.contains("/proc does not show process 1,"),
            "{before}: {err}"
        );
        assert!(err.contains("hidepid"), "{before}: {err}");
    }
    assert_eq!(init.end().0, 3);
}

#[test]
fn a_container_without_proc_runs_its_command() {
    let args = ["--", "sh", "-c", "echo ready; read line; exit 7"];
    let mut setup = setup_restoring(Place::Namespace, &args);
    crate::tree::furnish_alice(setup.root());
    let words: Vec<_> = setup.command.get_args().map(ToOwned::to_owned).collect();
    let at = words.iter().position(|word| word == "--").unwrap();
    let mut command = Command::new("unshare");
    command.args(&words[..=at]);
    command.args(["sh", "-c", "mount -t tmpfs tmpfs /proc; exec \"$@\"", "sh"]);
    command.args(&words[at + 1..]);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    setup.command = command;
    let mut init = setup.start();
    assert_eq!(init.line(), "ready");
    let (code, _, err) = init.end();
    assert_eq!(code, 7, "{err}");
    assert!(
        err.contains("cannot start '/proc/self/exe': /proc is not mounted"),
        "{err}"
    );
}
