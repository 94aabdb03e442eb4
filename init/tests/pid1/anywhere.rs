//! What people's own containers did to PID 1: other names, other inits' options, odd files,
//! programs that go into the background.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::{BOTH, Place, bare, run, setup, setup_restoring};

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
        ("-c", "is the default here"),
        ("-p", "nothing like it"),
        ("-P", "-- sleep infinity"),
        ("-l", "MIT"),
        ("-L", "MIT"),
        ("--single-child", "is the default here"),
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

/// A program of 32 bits whose loader is not there, as in an image without i386 libraries.
#[cfg(target_arch = "x86_64")]
#[test]
fn a_loader_of_32_bits_that_is_not_there_is_named() {
    let mut elf = vec![0; 256];
    elf[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
    // ET_EXEC for EM_386, version 1; one program header at 52, of 32 bytes: PT_INTERP, at 100.
    for (at, value) in [
        (16, 2),
        (18, 3),
        (20, 1),
        (28, 52),
        (40, 52),
        (42, 32),
        (44, 1),
    ] {
        elf[at] = value;
    }
    let loader = b"/lib/ld-no-such.so.2\0";
    let length = u8::try_from(loader.len()).unwrap();
    for (at, value) in [(52, 3), (56, 100), (68, length), (72, length)] {
        elf[at] = value;
    }
    elf[100..100 + loader.len()].copy_from_slice(loader);
    let (_dir, path) = program("");
    fs::write(&path, elf).unwrap();
    let (code, _, err) = run(Place::Subreaper, &["--", &path]);
    assert_eq!(code, 126, "{err}");
    // A kernel that runs no programs of 32 bits says that instead.
    let why = if Path::new("/proc/sys/abi/vsyscall32").exists() {
        "its interpreter '/lib/ld-no-such.so.2' does not exist"
    } else {
        "it is for another kind of machine"
    };
    assert!(err.contains(why), "{err}");
}

#[test]
fn what_systemd_says_to_us_alone_is_not_said_to_command() {
    let script = "echo $LISTEN_PID $$ $LISTEN_FDS; env | grep -c -e PIDFDID -e WATCHDOG";
    let about = |pid: &str| {
        let setup = setup(Place::Namespace, &["--", "sh", "-c", script]);
        let setup = setup.env("LISTEN_PID", pid).env("LISTEN_FDS", "2");
        let setup = setup.env("LISTEN_PIDFDID", "77");
        let setup = setup.env("WATCHDOG_PID", pid).env("WATCHDOG_USEC", "9");
        setup.run().1
    };
    // WATCHDOG_USEC names nobody: sd_watchdog_enabled(3) takes it for everybody's.
    assert_eq!(about("1"), "2 2 2\n1\n");
    assert_eq!(about("7"), "7 2 2\n3\n", "meant for somebody else");
}

#[test]
fn a_daemon_that_leaves_its_group_and_session_is_told_too() {
    let script = "setsid sh -c 'setsid sleep 1000 >/dev/null 2>&1 &'";
    let args = ["--", "sh", "-c", script];
    let (code, _, err) = run(Place::Namespace, &args);
    assert_eq!(code, 0);
    assert!(err.contains("needs its option for the foreground"), "{err}");
    let (_, _, err) = run(Place::Namespace, &["-q", "--", "sh", "-c", script]);
    assert_eq!(err, "");
}

#[test]
fn a_file_system_that_runs_no_programs_is_named() {
    let script = "mount -t tmpfs -o noexec tmpfs /mnt; cp /bin/true /mnt; exec \"$@\" /mnt/true";
    let (root, ours) = setup(Place::Subreaper, &["--"]).keep();
    let mut words = vec!["unshare", "--mount", "sh", "-c", script, "sh"];
    words.push(ours.command.get_program().to_str().unwrap());
    words.extend(ours.command.get_args().map(|arg| arg.to_str().unwrap()));
    let (code, _, err) = bare(&words).run();
    assert_eq!(code, 126);
    assert!(
        err.contains("'/mnt/true': its file system is mounted with noexec"),
        "{err}"
    );
    drop(root);
}
