//! What people's own containers did to PID 1: other names, other inits' options, odd files,
//! programs that go into the background.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::{BOTH, Place, run, setup, setup_restoring};

/// A program file in a directory of its own.
fn program(content: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("program");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn a_script_of_windows_is_named() {
    let (_dir, path) = program("#!/bin/sh\r\necho hi\r\n");
    let (code, _, err) = run(Place::Subreaper, &["--", &path]);
    assert_eq!(code, 126);
    assert!(err.contains("ends as on Windows"), "{err}");
}

#[test]
fn options_of_other_inits_are_told_what_they_are_here() {
    for (option, here) in [
        ("-e", "--remap-exit CODE:0"),
        ("-r", "--rewrite FROM:TO"),
        ("-w", "'-v'"),
        ("-c", "goes without saying"),
        ("-p", "nothing like it"),
    ] {
        let (code, _, err) = run(Place::Subreaper, &[option, "--", "true"]);
        assert_eq!(code, 2, "{option}");
        assert!(err.contains(here), "{option}: {err}");
    }
}

#[test]
fn setsid_gives_command_a_session_of_its_own() {
    let tells = "ps -o sid= -p $$ | tr -d ' '; echo $$";
    for place in BOTH {
        let (code, out, err) = run(place, &["--setsid", "--", "sh", "-c", tells]);
        assert_eq!(code, 0, "{err}");
        let (sid, pid) = out.trim().split_once('\n').unwrap();
        assert_eq!(sid, pid, "{place:?}");
        let (_, out, _) = run(place, &["--", "sh", "-c", tells]);
        let (sid, pid) = out.trim().split_once('\n').unwrap();
        assert_ne!(sid, pid, "{place:?}");
    }
}

#[test]
fn a_user_may_open_the_pipes_that_are_its_streams() {
    let args = [
        "--user",
        "nobody",
        "--",
        "sh",
        "-c",
        "echo hi > /dev/stdout",
    ];
    for place in BOTH {
        let (code, out, err) = run(place, &args);
        assert_eq!((code, out.as_str()), (0, "hi\n"), "{place:?}: {err}");
    }
}

#[test]
fn a_user_may_be_a_number_without_a_line() {
    let args = [
        "--user",
        "4242",
        "--",
        "sh",
        "-c",
        "id -u; id -g; echo $HOME",
    ];
    let (code, out, err) = run(Place::Subreaper, &args);
    assert_eq!((code, out.as_str()), (0, "4242\n0\n/\n"), "{err}");
}

#[test]
fn a_file_limit_of_nothing_harms_nobody() {
    // COMMAND ends when PID 1 has tried to write its status file, and was told by SIGXFSZ.
    let waits = "until [ -e \"$TRIED\" ]; do sleep 0.01; done; exit 7";
    for option in ["--no-restore", "-v"] {
        let mut setup = setup_restoring(Place::Namespace, &[option, "--", "sh", "-c", waits]);
        let tried = setup.root().join("run/occ-init/status.json.new");
        setup.command.env("TRIED", tried);
        let setup = setup.before(|| {
            let limit = nix::sys::resource::Resource::RLIMIT_FSIZE;
            nix::sys::resource::setrlimit(limit, 0, 0).unwrap();
        });
        let (code, _, err) = setup.run();
        assert_eq!(code, 7, "{option}: {err}");
        assert!(err.contains("file too large"), "{option}: {err}");
    }
}

#[test]
fn a_program_that_goes_into_the_background_is_told() {
    let (code, _, err) = setup(
        Place::Namespace,
        &["--grace=1", "--", "sh", "-c", "sleep 60 &"],
    )
    .run();
    assert_eq!(code, 0);
    assert!(err.contains("needs its option for the foreground"), "{err}");
}

#[test]
fn the_signal_that_halts_systemd_is_explained() {
    let mut init = setup(
        Place::Namespace,
        &["--", "sh", "-c", "echo ready; sleep 60"],
    )
    .start();
    assert_eq!(init.line(), "ready");
    init.kill(37);
    let (code, _, err) = init.end();
    assert_eq!(code, 128 + 37);
    assert!(err.contains("'--rewrite RTMIN+3:TERM'"), "{err}");
}
