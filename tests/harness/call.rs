//! One run of a program, with a deadline, and what it left behind.

use super::PATIENCE;
use std::ffi::OsStr;
use std::fmt;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(2);

/// A program that is about to run.
pub(crate) struct Call {
    command: Command,
    input: Vec<u8>,
    limit: Duration,
}

/// A program that ran. `Debug` is what a failed test shows.
pub(crate) struct Finished {
    shown: String,
    /// None: a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
}

impl Call {
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        Self {
            command: Command::new(program),
            input: Vec::new(),
            limit: PATIENCE,
        }
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Sets its stdin; empty unless given.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Starts it with an open stdin; what it says is not kept.
    pub(crate) fn started(mut self) -> Child {
        let pipes = self.command.stdin(Stdio::piped());
        let quiet = pipes.stdout(Stdio::null()).stderr(Stdio::null());
        quiet.spawn().unwrap()
    }

    /// The command, for a terminal.
    pub(crate) fn into_command(self) -> Command {
        self.command
    }

    #[track_caller]
    pub(crate) fn run(self) -> Finished {
        let Self {
            mut command,
            input,
            limit,
        } = self;
        let shown = format!("{command:?}");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        let mut stdin = child.stdin.take().unwrap();
        // It may end without reading: a broken pipe is its right.
        let feed = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let code = wait(&mut child, &shown, started + limit);
        let took = started.elapsed();
        feed.join().unwrap();
        Finished {
            shown,
            code,
            stdout: stdout.join().unwrap(),
            stderr: stderr.join().unwrap(),
            took,
        }
    }

    /// Runs it and wants success.
    #[track_caller]
    pub(crate) fn ok(self) -> Finished {
        self.run().exits(0)
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

#[track_caller]
fn wait(child: &mut Child, shown: &str, deadline: Instant) -> Option<i32> {
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("{shown} did not end in time");
        }
        std::thread::sleep(LOOK);
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            shown,
            code,
            stdout,
            stderr,
            took,
        } = self;
        write!(
            f,
            "{shown}\nexit {code:?} after {took:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        )
    }
}

impl Finished {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "wanted exit {code}: {self:#?}");
        self
    }

    /// On stdout.
    #[track_caller]
    pub(crate) fn prints(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "stdout lacks {text:?}: {self:#?}"
        );
        self
    }

    /// On stderr.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "stderr lacks {text:?}: {self:#?}"
        );
        self
    }

    /// Stdout without the last line end.
    pub(crate) fn text(&self) -> &str {
        self.stdout.trim_end_matches('\n')
    }

    /// Stdout as one line of JSON, which is all there may be.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(
            self.stdout.matches('\n').count(),
            1,
            "not one line: {self:#?}"
        );
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}
