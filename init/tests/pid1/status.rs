//! The status file, `status` and `health`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Place, children, kill, setup, setup_restoring, state, until};

const TERM: i32 = 15;
const USR1: i32 = 10;

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
    let root = init.root.path().to_str().unwrap().to_owned();
    let pid = init.pid().to_string();
    // Seen from inside, where the pids are those of the file.
    let inside = |args: &[&str]| {
        let output = Command::new("nsenter")
            .args(["--target", &pid, "--pid", "--mount", "--"])
            .args([env!("CARGO_BIN_EXE_occ-init"), "--root", &root])
            .args(args)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), text)
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
