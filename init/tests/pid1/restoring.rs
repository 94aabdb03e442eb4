//! The restore at boot goes wrong, and the container starts all the same.

use crate::support::signals::{SEGV, STOP, TERM};
use std::fs;
use std::io::Read as _;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::mount::{MsFlags, mount};
use serde_json::Value;

use crate::harness::{Init, Place, Setup, children, field, kill, setup, setup_restoring, until};
use crate::tree::{STORE, furnish};

/// The patience of PID 1 with a silent restore.
const PATIENCE: Duration = Duration::from_secs(10);

/// A tree with an account to come, so that a restore is started, and COMMAND.
fn with_work(options: &[&str], script: &str) -> Setup {
    let args: Vec<&str> = options
        .iter()
        .chain(&["--", "sh", "-c", script])
        .copied()
        .collect();
    let setup = setup_restoring(Place::Subreaper, &args);
    furnish(setup.root());
    fs::create_dir_all(setup.root().join(STORE).join("uids")).unwrap();
    setup
}

/// There until its stdin is closed, and so long enough to have a status file.
const STAYS: &str = "read line; exit 7";

/// A FIFO where a record would be opened keeps nobody waiting, so a lock does:
/// the restore waits 2 s for it.
fn locked(setup: &Setup) -> fs::File {
    let file = fs::File::create(setup.root().join(STORE).join(".lock")).unwrap();
    let whole = nix::libc::flock {
        l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
        l_whence: 0,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_OFD_SETLK(&whole)).unwrap();
    file
}

/// The restore that `init` has started.
fn restoring(init: i32) -> i32 {
    let is_one = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.windows(6).any(|word| word == b"--boot")
    };
    let mut found = None;
    until("a restore runs", || {
        found = children(init).into_iter().find(is_one);
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn a_restore_that_crashes_is_a_line_and_command_starts() {
    for (options, status) in [(&[][..], 7), (&["--strict"], 125)] {
        let setup = with_work(options, "exit 7");
        let lock = locked(&setup);
        let init = setup.start();
        kill(restoring(init.pid()), SEGV);
        let (code, _, err) = init.end();
        assert_eq!(code, status, "{err}");
        let line = "occ-init: restore failed: it was killed by SIGSEGV; see 'occ-init check'\n";
        assert!(err.contains(line), "{err}");
        drop(lock);
    }
}

#[test]
fn a_stop_during_the_restore_reaches_command() {
    let setup = with_work(
        &[],
        "trap 'echo told; exit 5' TERM; echo ready; while :; do sleep 0.01; done",
    );
    let lock = locked(&setup);
    let mut init = setup.start();
    let restore = restoring(init.pid());
    init.kill(TERM);
    assert!(
        !field(restore, "Pid").is_empty(),
        "it is not for the restore"
    );
    drop(lock);
    // It may die of it before its trap is set: then that is its status.
    let first = init.line();
    let (code, out, _) = init.end();
    assert!(
        (code, out.contains("told") || first == "told") == (5, true)
            || (code, first.as_str()) == (143, ""),
        "{code} {first} {out}"
    );
}

#[test]
fn a_restore_that_stands_still_is_left_behind() {
    let setup = with_work(&[], "echo ready; read line; exit 7");
    let status = setup.root().join("run/occ-init/status.json");
    let lock = locked(&setup);
    let start = Instant::now();
    let mut init = setup.start();
    let restore = restoring(init.pid());
    kill(restore, STOP);
    drop(lock);
    assert_eq!(init.line(), "ready");
    assert!(
        start.elapsed() + Duration::from_secs(1) >= PATIENCE,
        "{:?}",
        start.elapsed()
    );
    let state = || {
        let text = fs::read(&status).unwrap_or_default();
        let status: Value = serde_json::from_slice(&text).unwrap_or_default();
        status["restore"]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    until("the status says so", || state() == "running");
    kill(restore, 18);
    until("its end is heard", || state() == "done");
    let (code, _, err) = init.end();
    assert_eq!(code, 7);
    assert!(err.contains("no progress for 10 seconds"), "{err}");
    assert!(err.contains("occ-init: restore has ended\n"), "{err}");
}

#[test]
fn a_restore_that_stands_still_is_125_with_strict_and_killed() {
    let setup = with_work(&["--strict"], "exit 7");
    let lock = locked(&setup);
    let init = setup.start();
    let restore = restoring(init.pid());
    kill(restore, STOP);
    let (code, _, err) = init.end();
    assert_eq!(code, 125, "{err}");
    until("the restore is gone", || {
        crate::harness::state(restore) == ' '
    });
    drop(lock);
}

/// A file system whose server never answers: every look into it hangs.
fn dead_disk(setup: Setup) -> (Setup, Arc<OwnedFd>) {
    let place = setup.root().join(STORE);
    fs::create_dir_all(&place).unwrap();
    let server = fs::File::options().read(true).write(true).open("/dev/fuse");
    let server = Arc::new(OwnedFd::from(server.expect("/dev/fuse: modprobe fuse")));
    let kept = Arc::clone(&server);
    let setup = setup.before(move || mount_dead(&place, &kept));
    (setup, server)
}

/// In a mount namespace of the init alone.
fn mount_dead(place: &Path, server: &OwnedFd) {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).unwrap();
    let options = format!(
        "fd={},rootmode=40000,user_id=0,group_id=0",
        server.as_raw_fd()
    );
    mount(
        Some("dead"),
        place,
        Some("fuse"),
        MsFlags::empty(),
        Some(options.as_str()),
    )
    .unwrap();
}

#[test]
fn a_dead_disk_holds_neither_pid_1_nor_command() {
    for (options, expected) in [(&[][..], 7), (&["--strict"], 125)] {
        let args: Vec<&str> = options
            .iter()
            .chain(&["--", "sh", "-c", "echo ready; exit 7"])
            .copied()
            .collect();
        let (setup, server) = dead_disk(setup_restoring(Place::Namespace, &args));
        let start = Instant::now();
        let (code, _, err) = setup.run();
        assert_eq!(code, expected, "{err}");
        assert!(start.elapsed() >= PATIENCE, "{err}");
        assert!(err.contains("no progress for 10 seconds"), "{err}");
        drop(server);
    }
}

/// As `docker restart` finds the file of the boot before: whoever has that pid
/// now is taken for COMMAND.
#[test]
fn what_the_boot_before_said_is_forgotten_before_the_restore() {
    let setup = with_work(&[], "exit 7");
    let status = setup.root().join("run/occ-init/status.json");
    fs::create_dir_all(status.parent().unwrap()).unwrap();
    fs::write(&status, "{}").unwrap();
    let lock = locked(&setup);
    let init = setup.start();
    restoring(init.pid());
    assert!(!status.exists());
    drop(lock);
    assert_eq!(init.end().0, 7);
}

#[test]
fn a_command_that_does_not_start_leaves_no_status() {
    for command in ["/no/such", "/etc"] {
        let setup = setup(Place::Subreaper, &["--", command]);
        let path: PathBuf = setup.root().join("run/occ-init/status.json");
        let (keep, setup) = setup.keep();
        assert!(setup.run().0 >= 126);
        assert!(!path.exists(), "{command}");
        drop(keep);
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_list_quietly() {
    let binary = env!("CARGO_BIN_EXE_occ-init");
    for command in [
        "user list",
        "user export",
        "check",
        "--help",
        "restore --dry-run",
    ] {
        let setup = with_work(&[], "true");
        let root = setup.root().display().to_string();
        let script = format!("{binary} --root {root} {command} | true; exit ${{PIPESTATUS[0]}}");
        let output = Command::new("bash").args(["-c", &script]).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(
            !err.contains("panicked") && err.lines().count() <= 1,
            "{command}: {err}"
        );
        let code = output.status.code().unwrap();
        assert!(code <= 1, "{command}: {code}");
    }
}

/// `place` of the tree read-only, in a mount namespace of the init alone.
fn read_only(setup: Setup, place: &str) -> Setup {
    let place = setup.root().join(place);
    setup.before(move || {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
        let change = |from: Option<&Path>, to: &Path, flags| {
            mount(from, to, None::<&str>, flags, None::<&str>).unwrap();
        };
        change(None, Path::new("/"), MsFlags::MS_REC | MsFlags::MS_PRIVATE);
        change(Some(&place), &place, MsFlags::MS_BIND);
        let again = MsFlags::MS_BIND | MsFlags::MS_REMOUNT;
        change(None, &place, again | MsFlags::MS_RDONLY);
    })
}

#[test]
fn a_read_only_etc_is_one_line_and_nothing_is_restored() {
    let line = "occ-init: accounts are not restored: /etc is read-only \
                (run the container without '--read-only')\n";
    for (options, status, said) in [
        (&[][..], 7, line),
        (&["-q"], 7, ""),
        (&["--strict"], 125, line),
    ] {
        let setup = read_only(with_work(options, STAYS), "etc");
        let status_file = setup.root().join("run/occ-init/status.json");
        let init = setup.start();
        if status == 7 {
            until("the status file is there", || status_file.exists());
            let text = fs::read_to_string(status_file).unwrap();
            assert!(text.contains(r#""state":"skipped""#), "{text}");
        }
        let (code, _, err) = init.end();
        assert_eq!((code, err.as_str()), (status, said));
    }
}

/// Its stderr up to a text, once that is there.
fn said(init: &mut Init, text: &str) -> String {
    let stderr = init.child.stderr.as_mut().unwrap();
    let mut said = String::new();
    while !said.ends_with(text) {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        said.push(char::from(byte[0]));
    }
    said
}

#[test]
fn a_read_only_run_is_one_line_and_the_accounts_are_restored() {
    let setup = with_work(&[], STAYS);
    fs::create_dir(setup.root().join("run")).unwrap();
    let root = setup.root().display().to_string();
    let mut init = read_only(setup, "run").start();
    let said = said(&mut init, "will not know of this boot\n");
    let (code, _, rest) = init.end();
    let err = said + &rest;
    assert_eq!(code, 7, "{err}");
    let (first, rest) = err.split_once("occ-init: cannot write ").unwrap();
    assert!(first.contains("occ-init: restored 0 accounts"), "{err}");
    assert_eq!(
        rest,
        format!(
            "'{root}/run/occ-init/status.json': read-only file system; \
             'occ-init status' will not know of this boot\n"
        )
    );
}
