//! What else a container may be like: limits, closed and full standard streams, a
//! user namespace.

use std::fs;
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

use crate::harness::{BOTH, Place, bare, children, setup, setup_restoring, until};
use crate::tree::{furnish, furnish_alice};

/// All that a process inherits and can tell of itself.
const TELLS: [&str; 3] = [
    "sh",
    "-c",
    "umask; nice; cat /proc/self/limits /proc/self/oom_score_adj /proc/self/timerslack_ns \
     /proc/self/personality; grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Umask|Cpus_allowed)' \
     /proc/self/status",
];

#[test]
fn limits_umask_and_niceness_are_as_they_were() {
    fn before() {
        umask(Mode::from_bits_truncate(0o027));
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, 77, most).unwrap();
        setrlimit(Resource::RLIMIT_CORE, 0, 0).unwrap();
        setrlimit(Resource::RLIMIT_STACK, 1 << 20, 1 << 20).unwrap();
    }
    let expected = bare(&TELLS).before(before).run();
    assert_eq!(expected.0, 0, "{}", expected.2);
    for place in BOTH {
        let args: Vec<&str> = ["--"].iter().chain(&TELLS).copied().collect();
        for setup in [setup(place, &args), setup_restoring(place, &args)] {
            let (code, out, err) = setup.before(before).run();
            assert_eq!((code, &out), (0, &expected.1), "{place:?}: {err}");
        }
    }
}

#[test]
fn every_standard_stream_may_be_closed() {
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let script = "exec 9>$SEEN; for fd in 0 1 2; do \
        if [ -e /proc/$$/fd/$fd ]; then echo $fd open >&9; else echo $fd closed >&9; fi; done; exit 7";
    for place in BOTH {
        for closed in 0..8u8 {
            let is_closed = move |fd: i32| closed & (1 << fd) != 0;
            let setup = setup_restoring(place, &["-v", "--", "sh", "-c", script])
                .env("SEEN", seen.to_str().unwrap())
                .before(move || {
                    for fd in (0..3).filter(|fd| is_closed(*fd)) {
                        nix::unistd::close(fd).unwrap();
                    }
                });
            assert_eq!(setup.run().0, 7, "{place:?} {closed:03b}");
            let state = |fd| if is_closed(fd) { "closed" } else { "open" };
            let expected: Vec<String> = (0..3).map(|fd| format!("{fd} {}", state(fd))).collect();
            let seen = fs::read_to_string(&seen).unwrap();
            assert_eq!(
                seen.lines().collect::<Vec<_>>(),
                expected,
                "{place:?} {closed:03b}"
            );
        }
    }
}

#[test]
fn a_log_on_a_full_disk_changes_nothing() {
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    for place in BOTH {
        let mut setup = setup_restoring(place, &["-v", "--strict", "--", "sh", "-c", "kill -9 $$"]);
        furnish(setup.root());
        setup.command.stderr(full());
        assert_eq!(setup.run_as_it_is(), 137, "{place:?}");
    }
    for (args, status) in [(&["--nope"][..], 2), (&["--", "/no/such"], 127)] {
        let mut setup = setup(Place::Subreaper, args);
        setup.command.stderr(full());
        assert_eq!(setup.run_as_it_is(), status, "{args:?}");
    }
}

#[test]
fn root_of_a_user_namespace_restores_what_it_can() {
    let script = "(sleep 1000 & echo orphan); read line; exit 9";
    let mut setup = setup_restoring(Place::Namespace, &["--", "sh", "-c", script]);
    furnish_alice(setup.root());
    let passwd = setup.root().join("etc/passwd");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user"]);
    command.args(setup.command.get_args());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    setup.command = command;
    let mut init = setup.start();
    assert_eq!(init.line(), "orphan");
    until("the orphan is ours", || children(init.pid()).len() == 2);
    let passwd = fs::read_to_string(passwd).unwrap();
    assert!(!passwd.contains("alice"), "{passwd}");
    let (code, _, err) = init.end();
    assert_eq!(code, 9, "{err}");
    let skipped = "skipped 'alice': uid 10000 does not exist in this user namespace";
    assert!(err.contains(skipped), "{err}");
}
