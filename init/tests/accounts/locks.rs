//! Locks that others hold, have left behind, or abuse.

use crate::support::{SOON, stays};
use crate::tree::{Tree, finish_child, hash, start};
use accounts::wire::ErrorKind;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

#[test]
fn different_changes_at_once() {
    let tree = Tree::with(&["alice", "bob", "carol", "dave"]);
    let commands: [&[&str]; 8] = [
        &["user", "disable", "alice"],
        &["user", "remove", "--yes", "bob"],
        &["user", "passwd", "carol", "--password-hash-stdin"],
        &["user", "add", "erin", "--password-hash-stdin"],
        &["user", "add", "frank", "--password-hash-stdin"],
        &["restore"],
        &["restore", "--boot"],
        &["user", "list"],
    ];
    let children: Vec<Child> = commands
        .iter()
        .map(|args| start(&mut tree.command(args)))
        .collect();
    for (child, args) in children.into_iter().zip(commands) {
        finish_child(child, hash('n').as_bytes(), format!("{args:?}")).ends(0);
    }
    assert_eq!(tree.names(), ["alice", "carol", "dave", "erin", "frank"]);
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
    assert_eq!(tree.field("etc/shadow", "carol", 1), hash('n'));
    assert_eq!(tree.line("etc/passwd", "bob"), None);
    tree.run(&["check"]).ends(0);
}

/// A process that holds a POSIX lock on a file, as lckpwdf(3) takes it, until it
/// is dropped: like a stopped passwd(1), it does nothing else.
pub(crate) struct Holder(Pid);

impl Holder {
    #[allow(unsafe_code)]
    pub(crate) fn of(tree: &Tree, lock: &str, uid: u32) -> Self {
        let (ready, tell) = nix::unistd::pipe().unwrap();
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(tree.path(lock))
            .unwrap();
        // SAFETY: between fork and its end the child makes system calls only.
        match unsafe { nix::unistd::fork() }.unwrap() {
            ForkResult::Child => hold(&file, uid, &tell),
            ForkResult::Parent { child } => {
                drop(tell);
                let mut said = [0];
                let read = nix::unistd::read(&ready, &mut said).unwrap();
                assert_eq!(read, 1, "the holder did not get the lock");
                Self(child)
            }
        }
    }

    pub(crate) const fn pid(&self) -> Pid {
        self.0
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        let status = waitpid(self.0, Some(WaitPidFlag::WNOHANG | WaitPidFlag::__WALL));
        status == Ok(WaitStatus::StillAlive)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(self.0, nix::sys::signal::Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}

/// The child of [`Holder::of`]: like setuid passwd(1) it has the person's real
/// uid and root's effective one.
fn hold(file: &std::fs::File, uid: u32, tell: &OwnedFd) -> ! {
    let whole = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or_default(),
        l_whence: 0,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    let id = nix::unistd::Uid::from_raw;
    let held = fcntl(file, FcntlArg::F_SETLK(&whole))
        .and_then(|_| nix::unistd::setresuid(id(uid), id(0), id(0)))
        .and_then(|()| nix::unistd::write(tell, b"."));
    while held.is_ok() {
        nix::unistd::pause();
    }
    std::process::abort()
}

#[test]
fn roots_lock_is_waited_for() {
    let tree = Tree::with(&["alice"]);
    let mut holder = Holder::of(&tree, "etc/.pwd.lock", 0);
    let child = start(&mut tree.command(&["user", "disable", "alice"]));
    // Longer than the second after which a holder is looked at.
    let looked_at = Duration::from_millis(1500);
    stays("root's process is left alone", looked_at, || {
        holder.is_alive()
    });
    assert_eq!(tree.field("etc/shadow", "alice", 1), hash('a'));
    drop(holder);
    finish_child(child, b"", "disable".into()).ends(0);
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
}

#[test]
fn a_boot_without_the_stores_lock_writes_nothing_to_the_store() {
    let tree = Tree::with(&["alice"]);
    tree.plant(
        "bob.json",
        json!({ "username": "bob", "password_hash": hash('b'), "locked": false })
            .to_string()
            .as_bytes(),
    );
    let store = |tree: &Tree| {
        let state = tree.state();
        state
            .lines()
            .filter(|line| line.contains("opencode-users"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let before = store(&tree);
    let holder = Holder::of(&tree, "var/lib/opencode-users/.lock", 0);
    tree.run(&["restore", "--boot"]).ends(0).says(&[
        "going on without the lock",
        "the next restore takes it over",
    ]);
    crate::tree::unchanged(&before, &store(&tree), &"boot");
    drop(holder);
    tree.restore();
    assert_eq!(tree.field("etc/shadow", "bob", 1), hash('b'));
}

#[test]
fn busy_is_eight_after_fifteen_seconds() {
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    let _store = Holder::of(&tree, "var/lib/opencode-users/.lock", 0);
    let started = Instant::now();
    let reply = tree
        .run(&["--json", "user", "disable", "alice"])
        .fails_as(ErrorKind::Busy);
    assert!(started.elapsed().as_secs() >= 14, "{:?}", started.elapsed());
    assert!(
        reply.error.retryable && reply.error.hint.contains("try again"),
        "{}",
        reply.error.hint
    );
    crate::tree::unchanged(&before, &tree.state(), &"a busy command");
    // Who only looks needs no lock.
    assert_eq!(tree.names(), ["alice"]);
}

#[test]
fn stale_links_are_stolen_and_live_ones_waited_for() {
    let tree = Tree::with(&["alice"]);
    let dead = {
        let mut child = Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        child.id().to_string()
    };
    for content in [dead.as_str(), "", "garbage", "0", "-1", "99999999999999"] {
        for name in ["passwd", "shadow", "group", "gshadow"] {
            tree.write(&format!("etc/{name}.lock"), content.as_bytes(), 0o600);
        }
        let started = Instant::now();
        let verb = if content.len() % 2 == 0 {
            "disable"
        } else {
            "enable"
        };
        let ran = tree.run(&["user", verb, "alice"]);
        assert_eq!(ran.code, 0, "{content:?}: {}", ran.err);
        assert!(started.elapsed() < SOON, "{content:?}");
        assert!(!tree.path("etc/passwd.lock").exists(), "{content:?}");
    }
    fs::remove_file(tree.path("etc/passwd.lock")).ok();
    // A recycled pid: the process is younger than the lock.
    let mut young = Command::new("sleep").arg("60").spawn().unwrap();
    tree.write("etc/passwd.lock", young.id().to_string().as_bytes(), 0o600);
    let long_ago =
        fs::FileTimes::new().set_modified(std::time::SystemTime::now() - Duration::from_secs(3600));
    OpenOptions::new()
        .write(true)
        .open(tree.path("etc/passwd.lock"))
        .unwrap()
        .set_times(long_ago)
        .unwrap();
    tree.run(&["user", "enable", "alice"]).ends(0);
    // The same pid in a lock of now is a live holder.
    tree.write("etc/passwd.lock", young.id().to_string().as_bytes(), 0o600);
    let child = start(&mut tree.command(&["user", "disable", "alice"]));
    stays(
        "a live holder keeps its lock",
        Duration::from_millis(700),
        || tree.field("etc/shadow", "alice", 1) == hash('a'),
    );
    young.kill().unwrap();
    young.wait().unwrap();
    finish_child(child, b"", "disable".into()).ends(0);
    assert_eq!(
        tree.field("etc/shadow", "alice", 1),
        format!("!{}", hash('a'))
    );
}
