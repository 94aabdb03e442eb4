//! A person's own programs, which try to outlive them and to be in others' way.

use std::fmt::Debug;
use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use occ_gate::wire::{Event, ask};

use crate::place::{Place, fake_opencode, hash};
use crate::processes::{children, command_line};
use occ_gate_testing::until;

/// A thread group is alive as long as one of its threads is, whatever its first one does.
#[test]
fn a_process_without_its_first_thread_ends_with_the_others() {
    let mut place = Place::with(&["alice"]);
    place.behave("alice", "leaderless");
    let (monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    let left = place.home("alice").join("left");
    let has_left = || {
        let only_opencode_is_seen = monitor.processes_of(10_000).len() == 1;
        only_opencode_is_seen && left.exists() && monitor.threads_of(10_000) > 1
    };
    until("its first thread to end", has_left);
    let token = alice.clone();
    assert!(matches!(web.call(ask::Idle { token }), Ok(())));
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert_eq!(monitor.threads_of(10_000), 0, "it outlived a stop");
    fs::remove_file(&left).unwrap();
    web.ensure(&alice, "alice");
    until("its first thread to end again", has_left);
    place.person("alice").hash = hash("set by an administrator");
    place.write_accounts();
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert_eq!(monitor.threads_of(10_000), 0, "it outlived a reset");
}

/// Asserts that a racer has ended. There is no condition to wait for; one that runs gives
/// many beats in this time.
fn assert_ended<T: PartialEq + Debug>(beat: impl Fn() -> T) {
    let (last, since) = (beat(), Instant::now());
    while since.elapsed() < Duration::from_millis(300) {
        assert_eq!(beat(), last, "it races on");
    }
}

/// One that is always about to be another is in no list of processes for long.
#[test]
fn a_fork_racer_ends_with_the_others() {
    let place = Place::with(&["alice"]);
    place.behave("alice", "racer");
    let (_monitor, mut web, alice) = place.start_with("alice");
    let beats = || fs::metadata(place.home("alice").join("beats")).map_or(0, |meta| meta.len());
    for _ in 0..5 {
        web.ensure(&alice, "alice");
        let before = beats();
        until("it to race", || beats() > before + 20);
        let token = alice.clone();
        assert!(matches!(web.call(ask::Idle { token }), Ok(())));
        web.event(|event| matches!(event, Event::InstanceGone { .. }));
        assert_ended(beats);
    }
}

/// alice's subordinate uids are 589924000 to 589989535; the next one is somebody else's.
#[test]
fn processes_under_subordinate_uids_end_with_the_others() {
    const RACE: &str = "while (1) { exit if fork; utime undef, undef, $ENV{BEAT} }";
    let mut place = Place::with(&["alice"]);
    place.write("etc/subuid", "alice:589924000:65536\n", 0o644);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let beat = place.path("run/beat");
    fs::write(&beat, "").unwrap();
    fs::set_permissions(&beat, fs::Permissions::from_mode(0o666)).unwrap();
    let last_beat = || fs::metadata(&beat).unwrap().modified().unwrap();
    let alice = web.log_in(&place, "alice", 1).token;
    web.ensure(&alice, "alice");
    let mut first = monitor.run_as(589_924_000, &["sleep", "1000"], &beat);
    let mut next = monitor.run_as(589_989_536, &["sleep", "1000"], &beat);
    let before = last_beat();
    let mut racer = monitor.run_as(589_989_535, &["perl", "-e", RACE], &beat);
    racer.wait().unwrap();
    until("it to race", || last_beat() != before);
    place.person("alice").hash = hash("set by an administrator");
    place.write_accounts();
    web.event(|event| matches!(event, Event::InstanceGone { .. }));
    assert_ended(last_beat);
    until("the first to end", || first.try_wait().unwrap().is_some());
    assert_eq!(next.try_wait().unwrap(), None, "it is nobody's of hers");
}

#[test]
fn another_address_at_the_same_port_is_in_nobodys_way() {
    let place = Place::with(&["alice"]);
    let own = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = own.local_addr().unwrap().port();
    let _others = TcpListener::bind(("127.0.0.2", port)).unwrap();
    drop(own);
    place.behave("alice", &format!("at {port}"));
    let (_monitor, mut web, alice) = place.start_with("alice");
    assert_eq!(web.ensure(&alice, "alice").0, port);
    assert_eq!(place.starts("alice"), 1);
}

/// A port that somebody else has is not the last word: opencode gets another.
#[test]
fn another_port_is_tried() {
    let place = Place::with(&["alice"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    place.behave("alice", &format!("stubborn {port}"));
    let (_monitor, mut web, alice) = place.start_with("alice");
    assert_ne!(web.ensure(&alice, "alice").0, port);
    assert_eq!(place.starts("alice"), 2);
}

/// Threads under a uid, outside of the container.
struct Elsewhere {
    child: Child,
    /// A copy that everybody may run, wherever this tree lies.
    program: PathBuf,
}

impl Elsewhere {
    fn with(threads: u32, uid: u32) -> Self {
        let program = Path::new("/dev/shm").join(format!("threads-{}", std::process::id()));
        fs::copy(fake_opencode(), &program).unwrap();
        let mut child = Command::new(&program)
            .args(["threads", &threads.to_string()])
            .uid(uid)
            .gid(uid)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.as_mut().unwrap();
        stdout.read_exact(&mut [0; 3]).unwrap();
        Self { child, program }
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let _ = fs::remove_file(&self.program);
    }
}

/// The kernel counts a uid's processes on the whole machine.
#[test]
fn processes_of_other_containers_do_not_count() {
    // No other test's people have it: the kernel counts theirs too.
    const UID: u32 = 31_000;
    let mut place = Place::with(&["alice"]).set("OCC_GATE_MAX_PROCESSES", "64");
    place.person("alice").uid = UID;
    chown(place.home("alice"), Some(UID), Some(UID)).unwrap();
    place.write_accounts();
    let _elsewhere = Elsewhere::with(400, UID);
    let (_monitor, mut web, alice) = place.start_with("alice");
    web.ensure(&alice, "alice");
    let status = place.report("alice");
    let limits = status["limits"].as_str().unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max processes"));
    let limit: u64 = line
        .unwrap()
        .split_ascii_whitespace()
        .nth(2)
        .unwrap()
        .parse()
        .unwrap();
    assert!(
        (464..1200).contains(&limit),
        "hers, and those elsewhere: {limit}"
    );
}

/// Leftovers take the time of whoever left them, and nobody else's.
#[test]
fn leftovers_of_one_hold_up_no_other() {
    let place = Place::with(&["alice", "bob"]);
    // Leftovers of an earlier run, so many that wiping takes longer than finding the wiper.
    let left = place.path("run/occ/wipe/10001.0");
    for number in 0..40_000 {
        let directory = left.join(format!("0/{number}"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("file"), "").unwrap();
    }
    let monitor = place.begin();
    let mut wiper = None;
    until("it to be wiped", || {
        wiper = children(monitor.pid).into_iter().find(|pid| {
            let words = command_line(*pid);
            words.get(1).is_some_and(|word| word == "wipe-tmpdir")
        });
        wiper.is_some()
    });
    let wiper = nix::unistd::Pid::from_raw(wiper.unwrap());
    kill(wiper, Signal::SIGSTOP).unwrap();
    until("a web half", || monitor.web_half().is_some());
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1).token;
    for _ in 0..2 {
        web.ensure(&alice, "alice");
        let token = alice.clone();
        assert!(matches!(web.call(ask::Idle { token }), Ok(())));
        web.event(|event| matches!(event, Event::InstanceGone { .. }));
        assert!(!place.path("run/occ/user/10000").exists());
    }
    assert!(left.exists());
    kill(wiper, Signal::SIGCONT).unwrap();
    until("it to be wiped in time", || !left.exists());
}
