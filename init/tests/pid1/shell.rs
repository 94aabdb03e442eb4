//! occ-init as a job of an interactive shell, in a script at a terminal, and with
//! an interactive shell as COMMAND: what a person at the keyboard sees.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout};

use crate::harness::{BOTH, Place, setup};
use crate::support::{PATIENCE, pseudoterminal};

const CONTROL_C: &str = "\x03";
const CONTROL_Z: &str = "\x1a";
/// A shell whose screen holds what was typed and printed, and nothing else. It
/// tells at once of jobs that stop.
const SHELL: [&str; 5] = ["bash", "--norc", "--noediting", "-b", "-i"];

/// A program that leads the session of a terminal, and the person at it.
struct Screen {
    program: Child,
    keyboard: File,
    unread: String,
    /// Of occ-init.
    _root: tempfile::TempDir,
}

impl Screen {
    /// `args` may name `$INIT`: occ-init with its options, for a shell.
    fn of(args: &[&str]) -> Self {
        let (root, setup) = setup(Place::Subreaper, &["-q"]).keep();
        let words = std::iter::once(setup.command.get_program()).chain(setup.command.get_args());
        let init: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
        let mut command = Command::new(args[0]);
        command.args(&args[1..]).env("INIT", init.join(" "));
        Self::start(command, root)
    }

    /// `args` under occ-init.
    fn below_us(place: Place, args: &[&str]) -> Self {
        let args: Vec<&str> = std::iter::once("--").chain(args.iter().copied()).collect();
        let (root, setup) = setup(place, &args).keep();
        Self::start(setup.command, root)
    }

    fn start(mut command: Command, root: tempfile::TempDir) -> Self {
        use std::os::unix::process::CommandExt as _;
        let ends = pseudoterminal();
        let end = || Stdio::from(ends.slave.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end());
        command.env("PS1", "> ").env("TERM", "dumb");
        // SAFETY: system calls only; 0 as the argument takes nothing away.
        unsafe {
            command.pre_exec(|| {
                // Ignored in what a script starts with `&`, these tests perhaps.
                nix::libc::signal(nix::libc::SIGINT, nix::libc::SIG_DFL);
                nix::unistd::setsid()?;
                nix::errno::Errno::result(nix::libc::ioctl(0, nix::libc::TIOCSCTTY, 0))?;
                Ok(())
            });
        }
        Self {
            program: command.spawn().unwrap(),
            keyboard: File::from(ends.master),
            unread: String::new(),
            _root: root,
        }
    }

    fn types(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Reads until `text` is there.
    fn shows(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.unread.find(text) {
                self.unread.drain(..at + text.len());
                return;
            }
            assert!(self.reads(deadline), "no {text:?} in {:?}", self.unread);
        }
    }

    /// False when there is nothing more to read, or not in time.
    fn reads(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut screen = [PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(left).unwrap();
        if nix::poll::poll(&mut screen, timeout).unwrap() == 0 {
            return false;
        }
        let mut buffer = [0; 4096];
        // EIO: nobody has the other end open any more.
        let count = self.keyboard.read(&mut buffer).unwrap_or(0);
        self.unread
            .push_str(&String::from_utf8_lossy(&buffer[..count]));
        count > 0
    }

    /// Reads to the end; the exit status.
    fn ends(mut self) -> i32 {
        while self.reads(Instant::now() + PATIENCE) {}
        let status = self.program.wait().unwrap();
        status.code().unwrap_or_else(|| panic!("{status}"))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn a_job_is_stopped_and_brought_back() {
    let mut screen = Screen::of(&SHELL);
    screen.types("$INIT -- sh -c 'echo at $((40 + 2)); read line; echo got $line; exit 6'\n");
    screen.shows("at 42");
    screen.types(CONTROL_Z);
    screen.shows("Stopped");
    screen.types("echo shell $((40 + 3))\n");
    screen.shows("shell 43");
    screen.types("fg\n");
    // The shell shows the job's command again before it brings it to the front.
    screen.shows("exit 6'");
    screen.types("hello\n");
    screen.shows("got hello");
    screen.types("echo status $?\n");
    screen.shows("status 6");
    screen.types("exit 3\n");
    assert_eq!(screen.ends(), 3);
}

#[test]
fn a_job_from_the_background_gets_the_terminal_with_fg() {
    let mut screen = Screen::of(&SHELL);
    screen.types("$INIT -- cat &\n");
    screen.shows("Stopped");
    screen.types("fg\n");
    screen.shows("fg\r\n");
    screen.shows("-- cat");
    screen.types("hello\n");
    screen.shows("hello\r\nhello\r\n");
    screen.types(CONTROL_C);
    screen.shows("> ");
    screen.types("echo status $?\n");
    screen.shows("status 130");
    screen.types("exit 3\n");
    assert_eq!(screen.ends(), 3);
}

#[test]
fn a_job_that_wants_the_terminal_only_in_front_is_not_stopped() {
    // It runs on behind, so that fg sends it nothing: only the foreground moves.
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let fifo = fifo.display();
    for place in ["", "unshare --pid --fork "] {
        let mut screen = Screen::of(&SHELL);
        let job = format!(
            "{place}$INIT -- sh -c 'read go <{fifo}; read line </dev/tty; echo got $line; exit 6'"
        );
        screen.shows("> ");
        screen.types(&format!("{job} &\n"));
        screen.shows("> ");
        screen.types("fg\n");
        screen.shows("exit 6'");
        std::fs::write(dir.path().join("fifo"), "go\n").unwrap();
        screen.types("hello\n");
        screen.shows("got hello");
        screen.types("exit 3\n");
        assert_eq!(screen.ends(), 3);
    }
}

/// What comes after an init in a script can read from the terminal.
fn reads_on_after(script: &str, shown: &str) {
    let mut screen = Screen::of(&["sh", "-c", script]);
    screen.shows(shown);
    screen.types("hello\n");
    screen.shows("got hello");
    assert_eq!(screen.ends(), 0);
}

#[test]
fn a_script_has_its_terminal_back() {
    for grace in ["0", "3"] {
        let script = format!(
            "$INIT --grace {grace} -- sh -c 'exit 6'; echo status $?; read line; echo got $line"
        );
        reads_on_after(&script, "status 6");
    }
}

#[test]
fn a_script_has_its_terminal_back_from_the_last_job_of_a_shell_that_died() {
    // With -m each job is a group of its own, and in front.
    let job = "(kill -KILL $$; exec sleep 1000)";
    let script =
        format!("$INIT -- bash -m -c '{job}; true'; echo status $?; read line; echo got $line");
    reads_on_after(&script, "status 137");
}

#[test]
fn an_interactive_shell_has_its_own_jobs() {
    for place in BOTH {
        let mut screen = Screen::below_us(place, &SHELL);
        screen.shows("> ");
        screen.types("sh -c 'echo at $((40 + 2)); exec cat'\n");
        screen.shows("at 42");
        screen.types(CONTROL_Z);
        screen.shows("Stopped");
        screen.types("fg\n");
        screen.shows("fg\r\n");
        screen.shows("exec cat'");
        screen.types("hello\n");
        screen.shows("hello\r\nhello\r\n");
        screen.types(CONTROL_C);
        screen.shows("> ");
        screen.types("echo status $?\n");
        screen.shows("status 130");
        screen.types("exit 9\n");
        assert_eq!(screen.ends(), 9, "{place:?}");
    }
}

/// As `docker exec -it` leaves it: an interactive shell heeds no TERM.
#[test]
fn a_shell_that_an_exec_left_does_not_hold_the_end() {
    for (typed, shown) in [
        ("true\n", "> "),
        ("sh -c 'echo at $((40 + 2)); exec cat'\n", "at 42"),
    ] {
        let script = "echo ready; read line; exit 3";
        let args = ["--grace", "1000", "--", "sh", "-c", script];
        let mut init = setup(Place::Namespace, &args).start();
        assert_eq!(init.line(), "ready");
        let mut command = Command::new("nsenter");
        command.args([
            "--target",
            &init.pid().to_string(),
            "--pid",
            "--mount",
            "--",
        ]);
        // A session of its own inside, with this terminal.
        command.args(["setsid", "--ctty", "--wait"]).args(SHELL);
        let mut screen = Screen::start(command, tempfile::tempdir().unwrap());
        screen.shows("> ");
        screen.types(typed);
        screen.shows(shown);
        let (code, _, err) = init.end();
        assert_eq!(code, 3, "COMMAND's own status: {err}");
        // nsenter(1) ends as the shell did.
        let status = screen.program.wait().unwrap();
        assert_eq!(status.signal(), Some(1), "the shell was hung up");
    }
}
