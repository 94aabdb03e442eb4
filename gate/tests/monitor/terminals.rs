//! Terminals: the person's login shell on a pty, whose master comes to the web half.
//! The tests are that web half, taken over.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use occ_gate::wire::{Gone, TERMINALS_LIMIT, TerminalReply, TerminalSize, Token, ask};

use crate::place::Place;
use crate::running::Monitor;
use crate::takeover::Taken;
use occ_gate_testing::until;

pub(crate) const ALICE: u32 = 10_000;
const BASH: &str = "/bin/bash";

/// A terminal as a page shows it.
pub(crate) struct Screen {
    master: File,
    shown: String,
}

impl Screen {
    pub(crate) fn types(&mut self, line: &str) {
        self.master.write_all(line.as_bytes()).unwrap();
    }

    /// Waits for a text, and returns all up to it.
    pub(crate) fn until(&mut self, text: &str) -> String {
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
    pub(crate) fn ends(&mut self) {
        let deadline = Instant::now() + occ_gate_testing::PATIENCE;
        while self.read() {
            assert!(Instant::now() < deadline, "{:?}", self.shown);
        }
    }
}

fn size() -> TerminalSize {
    TerminalSize::new(91, 31).unwrap()
}

pub(crate) fn ask_for(
    web: &mut Taken,
    token: &Token,
) -> Result<(TerminalReply, Option<OwnedFd>), Gone> {
    let token = token.clone();
    let reply = web.call(ask::Terminal {
        token,
        size: size(),
    });
    let fd = web.take_fd();
    reply.map(|reply| (reply, fd))
}

pub(crate) fn open(web: &mut Taken, token: &Token) -> Screen {
    let Ok((TerminalReply::Opened { .. }, Some(master))) = ask_for(web, token) else {
        panic!("no terminal");
    };
    Screen {
        master: master.into(),
        shown: String::new(),
    }
}

pub(crate) fn with_bash(names: &[&str]) -> Place {
    let mut place = Place::with(names);
    for person in &mut place.people {
        person.shell = BASH;
    }
    place.write_accounts();
    place
}

/// Waits until nothing of a uid runs.
pub(crate) fn nothing_runs(monitor: &Monitor, uid: u32) {
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
    let (monitor, mut web, alice) = place.start_with("alice");
    let mut screen = open(&mut web, &alice);
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
    let (_monitor, mut web, alice) = place.start_with("alice");
    fs::remove_dir(place.home("alice")).unwrap();
    let mut screen = open(&mut web, &alice);
    screen.until("cannot enter '/home/alice'");
    screen.types("echo \"<$PWD>\"\n");
    screen.until("\r</>");
}

#[test]
fn a_token_that_is_nobodys_opens_nothing() {
    let place = with_bash(&["alice", "bob"]);
    let (monitor, mut web, alice) = place.start_with("alice");
    let bob = web.log_in(&place, "bob", 2);
    assert!(matches!(ask_for(&mut web, &Token::new([7; 32])), Err(Gone)));
    let mut screen = open(&mut web, &alice);
    // bob's session closes none of hers.
    for terminal in 0..10 {
        let terminal = occ_gate::wire::TerminalId(terminal);
        let token = bob.token.clone();
        web.call(ask::CloseTerminal { token, terminal }).unwrap();
    }
    screen.types("echo $((6*7))\n");
    screen.until("42");
    web.call(ask::End {
        token: alice.clone(),
    })
    .unwrap();
    assert!(matches!(ask_for(&mut web, &alice), Err(Gone)));
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
    let (_monitor, mut web, alice) = place.start_with("alice");
    let mut limit = |count: usize| {
        let mut screen = open(&mut web, &alice);
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

#[test]
fn a_file_that_a_web_half_sends_is_closed() {
    let place = with_bash(&["alice"]);
    let monitor = place.start();
    let mut web = monitor.take_over();
    place.write("var/sent", "", 0o644);
    let file = File::open(place.path("var/sent")).unwrap();
    for _ in 0..50 {
        web.send_with_fd(ask::Ping {}, file.as_fd());
    }
    let sent = file.metadata().unwrap();
    let fds = fs::read_dir(format!("/proc/{}/fd", monitor.pid)).unwrap();
    let has_it = fds
        .flatten()
        .filter_map(|fd| fs::metadata(fd.path()).ok())
        .any(|open| (open.dev(), open.ino()) == (sent.dev(), sent.ino()));
    assert!(!has_it, "the monitor kept one");
    // Owner of the pty's file: nobody else can open it.
    let alice = web.log_in(&place, "alice", 1);
    let screen = open(&mut web, &alice.token);
    assert_ne!(screen.master.metadata().unwrap().uid(), ALICE);
}
