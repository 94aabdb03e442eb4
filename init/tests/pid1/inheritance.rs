//! What COMMAND gets of how occ-init was started, and what occ-init lets go.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::process::Stdio;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};

use crate::harness::{
    BOTH, Place, bare, children, field, kill, run, setup, setup_restoring, until,
};

/// Not by a shell: it changes some of its own.
const SIGNALS: [&str; 4] = ["grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"];

/// As COMMAND has them; they must be those of a program started without us.
fn dispositions(before: fn()) -> String {
    let setup = setup(Place::Subreaper, &SIGNALS);
    let (code, out, err) = setup.before(before).run();
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, bare(&SIGNALS).before(before).run().1);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ignore(signals: &[Signal]) {
    for one in signals {
        // SAFETY: a disposition, no handler.
        #[allow(unsafe_code)]
        unsafe {
            signal(*one, SigHandler::SigIgn).unwrap();
        }
    }
}

/// What this run's own starter had ignored reaches every program: a shell's `&`
/// leaves INT and QUIT so, the test runner glibc's own signals 32 and 33.
fn ignored_anyway() -> u64 {
    // Forked as the ones compared are: a spawn leaves another set.
    let (_, out, _) = bare(&SIGNALS).before(|| ()).run();
    u64::from_str_radix(out.split_whitespace().last().unwrap(), 16).unwrap()
}

fn shown(blocked: u64, ignored: u64) -> String {
    let ignored = ignored | ignored_anyway();
    format!("SigBlk: {blocked:016x} SigIgn: {ignored:016x}")
}

#[test]
fn mask_and_ignored_signals_are_as_they_were() {
    // std starts children with SIGPIPE at its default and an empty mask.
    let plain = dispositions(|| ());
    assert_eq!(plain, shown(0, 0));
    // HUP 1, PIPE 13, CHLD 17, TTOU 22
    let ignored = dispositions(|| {
        ignore(&[
            Signal::SIGHUP,
            Signal::SIGPIPE,
            Signal::SIGCHLD,
            Signal::SIGTTOU,
        ]);
    });
    assert_eq!(ignored, shown(0, 0x21_1001));
    let masked = dispositions(|| {
        let mut set = SigSet::empty();
        set.add(Signal::SIGUSR1);
        set.add(Signal::SIGTSTP);
        set.thread_block().unwrap();
    });
    assert_eq!(masked, shown(0x8_0200, 0));
}

#[test]
fn an_ignored_sigchld_does_not_lose_the_exit_status() {
    let setup = setup(Place::Subreaper, &["--", "sh", "-c", "exit 9"])
        .before(|| ignore(&[Signal::SIGCHLD]));
    assert_eq!(setup.run().0, 9);
}

#[test]
fn options_and_secrets_in_the_environment_end_with_us() {
    for place in BOTH {
        let setup = setup(
            place,
            &[
                "--",
                "sh",
                "-c",
                "env; cat /proc/$PPID/environ; echo; read line",
            ],
        )
        .env("OCC_INIT_GRACE", "1")
        .env("OCC_INIT_TRUST_STORE_MODES", "1")
        .env("OPENCODE_BOOTSTRAP_USER", "first")
        .env("OPENCODE_BOOTSTRAP_PASSWORD", "correct horse")
        .env("OPENCODE_BOOTSTRAP_PASSWORD_HASH", "$6$battery$staple")
        .env("KEPT", "yes=\u{e9}");
        let (_, out, _) = setup.run();
        let (env, own) = out.split_once('\0').unwrap();
        assert!(env.contains("KEPT=yes=\u{e9}\n"), "{env}");
        for gone in ["horse", "battery", "correct"] {
            assert!(!out.contains(gone), "{place:?}: {gone} in {out}");
        }
        assert!(
            own.contains("OPENCODE_BOOTSTRAP_PASSWORD=xxxxxxxxxxxxx\0"),
            "{own}"
        );
        let lines = env.lines().filter(|line| !line.contains('\0'));
        // The last line holds the beginning of our own environment.
        let of_command: Vec<&str> = lines.collect();
        let inherited = of_command.split_last().map_or(&[][..], |(_, rest)| rest);
        assert!(
            !inherited
                .iter()
                .any(|line| line.starts_with("OCC_INIT_") || line.starts_with("OPENCODE_")),
            "{env}"
        );
    }
}

#[test]
fn listen_pid_names_the_command_if_it_named_us() {
    let script = "echo $LISTEN_PID $$ $LISTEN_FDS";
    let (_, out, _) = setup(Place::Namespace, &["--", "sh", "-c", script])
        .env("LISTEN_PID", "1")
        .env("LISTEN_FDS", "2")
        .run();
    assert_eq!(out, "2 2 2\n");
    let (_, out, _) = setup(Place::Namespace, &["--", "sh", "-c", script])
        .env("LISTEN_PID", "77")
        .run();
    assert_eq!(out, "77 2\n", "sockets for somebody else stay theirs");
}

#[test]
fn inherited_fds_are_commands_and_not_ours() {
    let (mut read, write) = std::io::pipe().unwrap();
    let number = write.as_raw_fd();
    let script = format!("echo ready; echo through >&{number}; read line");
    let setup = setup(Place::Subreaper, &["--", "bash", "-c", &script]);
    let mut init = setup.passing_on(write).start();
    assert_eq!(init.line(), "ready");
    let mut got = [0; 8];
    read.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"through\n");
    let pid = init.pid();
    let open = || fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    until("it holds stdin, stdout and stderr alone", || open() == 3);
    let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap();
    assert_eq!(cwd.to_str(), Some("/"));
    assert_eq!(field(pid, "Threads"), "1");
    init.end();
}

#[test]
fn command_gets_no_fd_of_ours_and_keeps_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let script = ["sh", "-c", "pwd; ls /proc/self/fd"];
    let mut setup = setup_restoring(Place::Namespace, &["--", "sh", "-c", script[2]]);
    setup.command.current_dir(dir.path());
    let mut without_us = bare(&script);
    without_us.command.current_dir(dir.path());
    assert_eq!(setup.run().1, without_us.run().1);
}

#[test]
fn closed_standard_fds_stay_closed_and_catch_nothing() {
    let setup = setup(Place::Subreaper, &["--", "sleep", "1000"]).before(|| {
        for fd in 0..3 {
            nix::unistd::close(fd).unwrap();
        }
    });
    let mut init = setup.start();
    let path = init.root.path().join("run/occ-init/status.json");
    until("the status file is there", || path.exists());
    let command = *children(init.pid()).first().unwrap();
    let is_open = |fd| fs::symlink_metadata(format!("/proc/{command}/fd/{fd}")).is_ok();
    // The loader opens its libraries there for a moment.
    until("COMMAND finds them closed", || {
        [0, 1, 2].map(is_open) == [false; 3]
    });
    let before = fs::read_to_string(&path).unwrap();
    kill(command, 9);
    assert_eq!(init.exit_code(), 137);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        before,
        "our line went into a file"
    );
}

#[test]
fn a_full_log_pipe_stops_nothing() {
    let (read, mut full) = std::io::pipe().unwrap();
    fcntl(&full, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while full.write(&[b'x'; 4096]).is_ok() {}
    fcntl(&full, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let mut setup = setup(Place::Namespace, &["--", "sh", "-c", "kill -9 $$"]);
    setup.command.stderr(Stdio::from(full));
    let mut init = setup.start();
    assert_eq!(init.exit_code(), 137);
    drop(read);
}

#[test]
fn a_broken_log_pipe_sends_command_no_sigpipe() {
    let (read, write) = std::io::pipe().unwrap();
    drop(read);
    let script = "echo ready; read line; exit 4";
    let mut setup = setup(
        Place::Namespace,
        &["-v", "--", "sh", "-c", &format!("trap '' USR1; {script}")],
    );
    setup.command.stderr(Stdio::from(write));
    let mut init = setup.start();
    assert_eq!(init.line(), "ready");
    // Each is a line with -v.
    init.kill(10);
    init.kill(10);
    drop(init.child.stdin.take());
    assert_eq!(init.exit_code(), 4);
}

#[test]
fn each_option_may_be_long_or_a_twin() {
    let script = "exit 0";
    for flag in ["--group", "--subreaper", "--strict", "--verbose", "--quiet"] {
        assert_eq!(
            run(Place::Subreaper, &[flag, "--", "sh", "-c", script]).0,
            0,
            "{flag}"
        );
    }
    assert_eq!(run(Place::Subreaper, &["-s", "-g", "--", "true"]).0, 0);
}
