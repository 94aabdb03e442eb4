//! Where there is nothing to restore, COMMAND is started at once, and what goes on beside
//! it begins when it is needed.

use std::fs;
use std::io::Read as _;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;

use crate::harness::{BOTH, Place, Setup, children, setup_restoring, state, until};
use crate::tree::{STORE, furnish_quiet};

/// `occ-init OPTIONS -- sh -c SCRIPT` in a tree whose store never had an account.
fn quiet(place: Place, options: &[&str], script: &str) -> Setup {
    let command = ["--", "sh", "-c", script];
    let args: Vec<&str> = options.iter().chain(&command).copied().collect();
    let setup = setup_restoring(place, &args);
    furnish_quiet(setup.root());
    setup
}

/// The same, or with a store that must be looked into: then a restore comes before.
fn quiet_or_not(is_quiet: bool, place: Place, script: &str) -> Setup {
    let setup = quiet(place, &[], script);
    if !is_quiet {
        fs::create_dir(setup.root().join(STORE).join("uids")).unwrap();
    }
    setup
}

/// A status file of the boot before.
fn with_old_status(setup: &Setup) -> PathBuf {
    let path = setup.root().join("run/occ-init/status.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, "{\"schema\":1,\"of\":\"another boot\"}").unwrap();
    path
}

#[test]
fn a_command_that_ends_at_once_leaves_no_status() {
    for is_quiet in [true, false] {
        let setup = quiet_or_not(is_quiet, Place::Subreaper, "exit 7");
        let path = with_old_status(&setup);
        let (keep, setup) = setup.keep();
        assert_eq!(setup.run().0, 7);
        // On a busy machine it had its moment.
        let text = fs::read_to_string(&path).unwrap_or_default();
        assert!(!text.contains("another boot"), "{text}");
        drop(keep);
    }
}

#[test]
fn command_never_sees_the_status_of_the_boot_before() {
    for is_quiet in [true, false] {
        let setup = quiet_or_not(is_quiet, Place::Namespace, "cat \"$STATUS\"; exit 0");
        let path = with_old_status(&setup);
        let (code, out, err) = setup.env("STATUS", path.to_str().unwrap()).run();
        assert_eq!(code, 0, "{err}");
        assert!(!out.contains("another boot"), "{out}");
    }
}

#[test]
fn what_it_changed_is_taken_in_at_the_end() {
    for place in BOTH {
        for (script, restores) in [("exit 5", 0), ("echo >> \"$PASSWD\"; exit 5", 1)] {
            let setup = quiet(place, &["-v"], script);
            let passwd = setup.root().join("etc/passwd");
            let (code, _, err) = setup.env("PASSWD", passwd.to_str().unwrap()).run();
            assert_eq!(code, 5, "{err}");
            assert_eq!(err.matches("changed: restoring").count(), restores, "{err}");
        }
    }
}

/// Who outlives COMMAND is waited for; nobody waits for what COMMAND inherited.
#[test]
fn what_it_inherited_is_let_go_when_it_is_gone() {
    let script = "trap '' TERM; eval \"sleep 1000 $PIPE>&-\" & exit 0";
    let args = ["--grace", "2", "--", "bash", "-c", script];
    let setup = setup_restoring(Place::Subreaper, &args);
    furnish_quiet(setup.root());
    let (mut read, write) = std::io::pipe().unwrap();
    let setup = setup.env("PIPE", &write.as_raw_fd().to_string());
    let init = setup.passing_on(write).start();
    assert_eq!(read.read(&mut [0]).unwrap(), 0);
    assert!("RS".contains(state(init.pid())), "it is over");
    assert_eq!(init.end().0, 0);
}

/// The look at the store, a while after the start, is a process: its end is not lost.
#[test]
fn whoever_looks_at_the_store_is_reaped() {
    let setup = quiet(Place::Subreaper, &[], "read line; exit 0");
    let init = setup.start();
    let pid = init.pid();
    let fds = format!("/proc/{pid}/fd");
    let watches = |fd: &fs::DirEntry| {
        let target = fs::read_link(fd.path()).unwrap_or_default();
        target.to_string_lossy().contains("inotify")
    };
    until("it watches", || {
        fs::read_dir(&fds).unwrap().flatten().any(|fd| watches(&fd))
    });
    until("COMMAND is alone", || children(pid).len() == 1);
    assert_eq!(init.end().0, 0);
}
