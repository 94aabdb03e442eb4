//! Questions at a terminal: what shows on the screen, and what an answer does.

use crate::support::{PATIENCE, pseudoterminal};
use crate::tree::{MARK, Tree, hash, unchanged};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Stdio};

/// A command of ours at a terminal that echoes.
struct Terminal {
    person: File,
    child: Child,
    screen: String,
}

impl Terminal {
    fn open(tree: &Tree, args: &[&str]) -> Self {
        let pty = pseudoterminal();
        let same = || Stdio::from(pty.slave.try_clone().unwrap());
        let mut command = tree.command(args);
        command.stdin(same()).stdout(same()).stderr(same());
        Self {
            person: File::from(pty.master),
            child: command.spawn().unwrap(),
            screen: String::new(),
        }
    }

    /// Reads on; false at the end, when nobody has the terminal open any more.
    fn reads(&mut self) -> bool {
        let mut waits = [PollFd::new(self.person.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut waits, PollTimeout::try_from(PATIENCE).unwrap()).unwrap();
        assert_eq!(ready, 1, "nothing more on the screen: {}", self.screen);
        let mut bytes = [0; 1024];
        let count = self.person.read(&mut bytes).unwrap_or_default();
        self.screen += std::str::from_utf8(&bytes[..count]).unwrap();
        count > 0
    }

    /// Types a line as the answer to a question that is the last thing on the screen.
    fn answers(mut self, question: &str, line: &str) -> Self {
        while !self.screen.ends_with(question) {
            assert!(self.reads(), "no {question:?} on {:?}", self.screen);
        }
        writeln!(self.person, "{line}").unwrap();
        self
    }

    /// Reads to the end: the exit status, and all that was on the screen.
    fn ends(mut self) -> (Option<i32>, String) {
        while self.reads() {}
        (self.child.wait().unwrap().code(), self.screen)
    }
}

#[test]
fn password_is_typed_twice_and_never_shown() {
    let tree = Tree::with(&["alice"]);
    let word = format!("{MARK}-typed");
    let (code, screen) = Terminal::open(&tree, &["user", "passwd", "alice"])
        .answers("Password: ", &word)
        .answers("Password again: ", &word)
        .ends();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains(MARK), "{screen}");
    assert_ne!(tree.field("etc/shadow", "alice", 1), hash('a'));
}

#[test]
fn passwords_that_differ_change_nothing() {
    let tree = Tree::with(&["alice"]);
    let before = tree.state();
    let (code, screen) = Terminal::open(&tree, &["user", "passwd", "alice"])
        .answers("Password: ", &format!("{MARK}-one"))
        .answers("Password again: ", &format!("{MARK}-other"))
        .ends();
    assert_eq!(code, Some(9), "{screen}");
    assert!(!screen.contains(MARK), "{screen}");
    unchanged(&before, &tree.state(), &"two passwords");
}

#[test]
fn only_a_yes_removes() {
    let tree = Tree::with(&["alice", "bob"]);
    let question = "Remove user 'alice'? [y/N] ";
    for answer in ["", "n", "alice"] {
        let terminal = Terminal::open(&tree, &["user", "remove", "alice"]);
        let (code, screen) = terminal.answers(question, answer).ends();
        assert_eq!(code, Some(0), "{screen}");
        assert!(screen.ends_with("Nothing was removed.\r\n"), "{screen}");
        assert_eq!(tree.names(), ["alice", "bob"], "{answer}");
    }
    let terminal = Terminal::open(&tree, &["user", "remove", "alice"]);
    let (code, screen) = terminal.answers(question, "y").ends();
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(tree.names(), ["bob"]);
}
