//! Terminals: the person's login shell on a pty, whose master comes to the web half.
//! The tests are that web half, taken over.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use occ_gate::wire::{Gone, TERMINALS_LIMIT, TerminalReply, TerminalSize, Token, ask};

use crate::place::{Monitor, Place};
use crate::processes::{children, field};
use crate::takeover::Taken;
use occ_gate_testing::until;

const ALICE: u32 = 10_000;
const BASH: &str = "/bin/bash";

/// A terminal as a page shows it.
struct Screen {
    master: File,
    shown: String,
}

impl Screen {
    fn types(&mut self, line: &str) {
        self.master.write_all(line.as_bytes()).unwrap();
    }

    /// Waits for a text, and returns all up to it.
    fn until(&mut self, text: &str) -> String {
        let deadline = Instant::now() + occ_gate_testing::PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            assert!(Instant::now() < deadline && self.read(), "{:?}", self.shown);
        }
    }

    /// Reads what comes within a moment; false at the end.
    fn read(&mut self) -> bool {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::from(100_u16)).unwrap();
        let mut bytes = [0; 4096];
        match self.master.read(&mut bytes) {
            Ok(count @ 1..) => self.shown += &String::from_utf8_lossy(&bytes[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => (),
            _ => return false,
        }
        true
    }

    /// Waits until the shell is gone.
    fn ends(&mut self) {
        let deadline = Instant::now() + occ_gate_testing::PATIENCE;
        while self.read() {
            assert!(Instant::now() < deadline, "{:?}", self.shown);
        }
    }
}

fn size() -> TerminalSize {
    TerminalSize::new(91, 31).unwrap()
}

fn ask_for(web: &mut Taken, token: &Token) -> Result<(TerminalReply, Option<OwnedFd>), Gone> {
    let token = token.clone();
    let reply = web.call(ask::Terminal {
        token,
        size: size(),
    });
    let fd = web.take_fd();
    reply.map(|reply| (reply, fd))
}

fn open(web: &mut Taken, token: &Token) -> Screen {
    let Ok((TerminalReply::Opened { .. }, Some(master))) = ask_for(web, token) else {
        panic!("no terminal");
    };
    Screen {
        master: master.into(),
        shown: String::new(),
    }
}

fn with_bash(names: &[&str]) -> Place {
    let mut place = Place::with(names);
    for person in &mut place.people {
        person.shell = BASH;
    }
    place.write_accounts();
    place
}

/// Waits until nothing of a uid runs.
fn nothing_runs(monitor: &Monitor, uid: u32) {
    until("all to be gone", || monitor.processes_of(uid).is_empty());
}

#[test]
fn a_login_shell_runs_in_a_terminal_of_its_persons() {
    let place = with_bash(&["alice"]);
    fs::write(
        place.home("alice").join(".bash_profile"),
        "export PROFILE=read\n",
    )
    .unwrap();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let mut screen = open(&mut web, &alice.token);
    screen.types(
        "echo \"<$0 $(id -u) $(id -g) $PWD $TERM $COLORTERM $PROFILE $TMPDIR $(stty size)>\"\n",
    );
    screen.until("\r<");
    let said = screen.until(">");
    assert_eq!(
        said,
        "-bash 10000 10000 /home/alice xterm-256color truecolor read /run/occ/user/10000/tmp 31 91>"
    );
    screen.types("echo \"<$(id -G) $(stat -c '%u %G %a' $(tty)) $(grep NoNewPrivs /proc/self/status | cut -f2) $OCC_GATE_LISTEN.>\"\n");
    screen.until("\r<");
    assert_eq!(screen.until(">"), "10000 29 10000 tty 620 1 .>");
    // It is the session's leader, and has the terminal to itself.
    screen.types("ls /proc/$$/fd >fds; echo \"<$(cut -d' ' -f1,6 /proc/$$/stat) $$>\"\n");
    screen.until("\r<");
    let said = screen.until(">");
    let words: Vec<&str> = said.trim_end_matches('>').split(' ').collect();
    assert_eq!((words[0], words[1]), (words[2], words[2]), "{said}");
    // bash has one more for itself.
    let fds = fs::read_to_string(place.home("alice").join("fds")).unwrap();
    let fds: BTreeSet<&str> = fds.lines().collect();
    assert_eq!(fds, BTreeSet::from(["0", "1", "2", "255"]));
    screen.types("exit\n");
    screen.ends();
    nothing_runs(&monitor, ALICE);
    assert_eq!(place.starts("alice"), 0, "opencode has no part in it");
}

#[test]
fn a_terminal_opens_without_a_home() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    fs::remove_dir(place.home("alice")).unwrap();
    let mut screen = open(&mut web, &alice.token);
    screen.until("cannot enter '/home/alice'");
    screen.types("echo \"<$PWD>\"\n");
    screen.until("\r</>");
}

#[test]
fn a_token_that_is_nobodys_opens_nothing() {
    let place = with_bash(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let bob = web.log_in(&place, "bob", 2);
    assert!(matches!(ask_for(&mut web, &Token::new([7; 32])), Err(Gone)));
    let mut screen = open(&mut web, &alice.token);
    // bob's session closes none of hers.
    for terminal in 0..10 {
        let terminal = occ_gate::wire::TerminalId(terminal);
        let token = bob.token.clone();
        web.call(ask::CloseTerminal { token, terminal }).unwrap();
    }
    screen.types("echo $((6*7))\n");
    screen.until("42");
    web.call(ask::End {
        token: alice.token.clone(),
    })
    .unwrap();
    assert!(matches!(ask_for(&mut web, &alice.token), Err(Gone)));
    assert!(web.take_fd().is_none());
    assert!(monitor.processes_of(10_001).is_empty());
}

#[test]
fn a_person_has_four_terminals_and_no_more() {
    let place = with_bash(&["alice", "bob"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let (alice, bob) = (web.log_in(&place, "alice", 1), web.log_in(&place, "bob", 2));
    let again = web.log_in(&place, "alice", 1);
    let mut screens: Vec<Screen> = (0..TERMINALS_LIMIT)
        .map(|_| open(&mut web, &alice.token))
        .collect();
    for _ in 0..100 {
        let reply = ask_for(&mut web, &again.token).unwrap();
        assert!(matches!(reply, (TerminalReply::TooMany, None)), "{reply:?}");
    }
    open(&mut web, &bob.token).until("$ ");
    // The place of one that ended is free.
    screens[0].types("exit\n");
    screens[0].ends();
    until("its place", || {
        matches!(
            ask_for(&mut web, &alice.token),
            Ok((TerminalReply::Opened { .. }, Some(_)))
        )
    });
}

#[test]
fn terminals_one_after_the_other_allow_no_more_processes() {
    let mut place = with_bash(&["alice"]).set("OCC_GATE_MAX_PROCESSES", "64");
    // The kernel counts a uid's processes everywhere: one that no other test uses.
    place.people[0].uid = 23_456;
    chown(place.home("alice"), Some(23_456), Some(23_456)).unwrap();
    place.write_accounts();
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let mut limit = |count: usize| {
        let mut screen = open(&mut web, &alice.token);
        screen.types("ulimit -u\n");
        screen.until("ulimit -u\r\n");
        screen.until("\r");
        screen.types(&"sleep 1000 & ".repeat(count));
        screen.types("\necho $((6*7))\n");
        screen.until("42");
        screen.types("echo \"<$(ulimit -u)>\"\n");
        screen.until("\r<");
        let said = screen.until(">");
        (said.trim_end_matches('>').parse::<u64>().unwrap(), screen)
    };
    let (first, _one) = limit(50);
    let (second, _two) = limit(0);
    assert_eq!(first, 64);
    assert!(second <= 70, "{second}");
}

/// Programs that try to outlive their terminal; each writes its pid.
const FORKERS: &str = "nohup sh -c 'echo $$ > ~/one; exec sleep 1000' >/dev/null 2>&1 & \
    setsid sh -c 'trap \"\" HUP TERM; echo $$ > ~/two; while :; do sleep 1000; done' >/dev/null 2>&1 & \
    (trap '' HUP TERM; sh -c 'echo $$ > ~/three; exec sleep 1000' &) >/dev/null 2>&1\n";

fn start_forkers(place: &Place, screen: &mut Screen) {
    screen.types(FORKERS);
    for name in ["one", "two", "three"] {
        let path = place.home("alice").join(name);
        until(name, || {
            fs::read_to_string(&path).is_ok_and(|pid| pid.ends_with('\n'))
        });
    }
}

#[test]
fn the_end_of_a_session_ends_all_that_its_terminal_started() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let mut screen = open(&mut web, &alice.token);
    start_forkers(&place, &mut screen);
    let begin = Instant::now();
    web.call(ask::End { token: alice.token }).unwrap();
    nothing_runs(&monitor, ALICE);
    screen.ends();
    assert!(
        begin.elapsed() < Duration::from_secs(30),
        "{:?}",
        begin.elapsed()
    );
    until("its temporary files to be gone", || {
        !place.path("run/occ/user/10000").exists()
    });
}

#[test]
fn a_disabled_account_loses_its_terminals() {
    let mut place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let mut screen = open(&mut web, &alice.token);
    start_forkers(&place, &mut screen);
    place.person("alice").expire = "1";
    place.write_accounts();
    nothing_runs(&monitor, ALICE);
    screen.ends();
    assert!(matches!(ask_for(&mut web, &alice.token), Err(Gone)));
}

#[test]
fn a_terminal_ends_with_its_own_session_and_opencode_goes_on() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let other = web.log_in(&place, "alice", 1);
    web.ensure(&other.token, "alice");
    let mut ends = open(&mut web, &alice.token);
    let mut stays = open(&mut web, &other.token);
    ends.types("nohup sleep 1000 & echo $((6*7))\n");
    ends.until("42");
    web.call(ask::End { token: alice.token }).unwrap();
    ends.ends();
    // opencode, the other shell, and nothing more.
    until("one shell", || monitor.processes_of(ALICE).len() == 2);
    stays.types("echo $((6*7))\n");
    stays.until("42");
    assert_eq!(place.starts("alice"), 1);
}

#[test]
fn the_end_of_an_opencode_ends_no_terminal() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let mut screen = open(&mut web, &alice.token);
    screen.types("touch $TMPDIR/mine; sleep 1000 & echo $((6*7))\n");
    screen.until("42");
    web.ensure(&alice.token, "alice");
    web.call(ask::Idle {
        token: alice.token.clone(),
    })
    .unwrap();
    until("opencode to be gone", || {
        monitor.processes_of(ALICE).len() == 2
    });
    screen.types("ls $TMPDIR; jobs; echo $((7*7))\n");
    let said = screen.until("49");
    assert!(
        said.contains("mine") && said.contains("sleep 1000"),
        "{said}"
    );
    // What left opencode's tree ended with it; the terminal does with its session.
    web.call(ask::End { token: alice.token }).unwrap();
    nothing_runs(&monitor, ALICE);
}

#[test]
fn a_closed_terminal_hangs_up_and_leaves_what_nohup_started() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let mut screen = open(&mut web, &alice.token);
    start_forkers(&place, &mut screen);
    screen.types("trap '' HUP; exec sleep 1000\n");
    until("the shell to be a sleep", || {
        let shells = monitor.processes_of(ALICE);
        !shells.iter().any(|pid| field(*pid, "Name") == "bash")
    });
    drop(screen);
    let terminal = occ_gate::wire::TerminalId(1);
    let token = alice.token.clone();
    web.call(ask::CloseTerminal { token, terminal }).unwrap();
    // Even one that ignores HUP.
    until("the first process to be gone", || {
        children(monitor.pid)
            .iter()
            .all(|pid| field(*pid, "Name") != "sleep" || !is_leader(*pid))
    });
    let one = fs::read_to_string(place.home("alice").join("one")).unwrap();
    assert!(monitor.processes_of(ALICE).len() >= 3, "{one}");
    web.call(ask::End { token: alice.token }).unwrap();
    nothing_runs(&monitor, ALICE);
}

fn is_leader(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default();
    rest.split_ascii_whitespace().nth(3) == Some(&field(pid, "NSpid"))
        || rest.split_ascii_whitespace().nth(3) == Some(&pid.to_string())
}

#[test]
fn a_web_half_that_ends_hangs_its_terminals_up() {
    use nix::sys::signal::{Signal, kill};
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let alice = web.log_in(&place, "alice", 1);
    let screen = open(&mut web, &alice.token);
    drop(screen);
    kill(nix::unistd::Pid::from_raw(web.pid), Signal::SIGKILL).unwrap();
    web.is_given_up();
    nothing_runs(&monitor, ALICE);
    let mut web = monitor.take_over();
    assert!(!web.is_gone(&alice.token));
    open(&mut web, &alice.token).until("$ ");
}

#[test]
fn a_file_that_a_web_half_sends_is_closed() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    let fds = || {
        fs::read_dir(format!("/proc/{}/fd", monitor.pid))
            .unwrap()
            .count()
    };
    web.call(ask::Ping {});
    let before = fds();
    let null = File::open("/dev/null").unwrap();
    for _ in 0..50 {
        web.send_with_fd(ask::Ping {}, null.as_fd());
    }
    web.call(ask::Ping {});
    assert_eq!(fds(), before);
    // Owner of the pty's file: nobody else can open it.
    let alice = web.log_in(&place, "alice", 1);
    let screen = open(&mut web, &alice.token);
    assert_ne!(screen.master.metadata().unwrap().uid(), ALICE);
}
