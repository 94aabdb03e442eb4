//! A run of a command, and what it must have said. Every run checks by itself
//! that no hash and no password of these tests comes out.

use super::MARK;
use crate::support::run::output;
use accounts::wire::{ErrorKind, ErrorReply};
use serde::de::DeserializeOwned;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    what: String,
}

/// Runs a command with something on standard input.
pub(crate) fn finish(mut command: Command, input: &[u8]) -> Ran {
    let what = format!("{command:?}");
    finish_child(start(&mut command), input, what)
}

/// Starts a command with pipes for standard streams.
pub(crate) fn start(command: &mut Command) -> Child {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"))
}

/// Feeds a command that was started, and waits for its end.
pub(crate) fn finish_child(mut child: Child, input: &[u8], what: String) -> Ran {
    let mut stdin = child.stdin.take().unwrap();
    // A command that refuses before it reads closes the pipe: no failure.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = output(child);
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("what is printed is UTF-8"),
        err: String::from_utf8(output.stderr).expect("what is said is UTF-8"),
        what,
    };
    ran.tells_no_secret();
    ran
}

impl Ran {
    /// The exit code must be this one.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}{}", self.what, self.out, self.err);
        self
    }

    /// Both streams must hold these words somewhere.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(
                self.err.contains(word) || self.out.contains(word),
                "{}: no '{word}' in\n{}{}",
                self.what,
                self.out,
                self.err
            );
        }
        self
    }

    #[track_caller]
    pub(crate) fn prints(self, out: &str) -> Self {
        assert_eq!(self.out, out, "{}\n{}", self.what, self.err);
        self
    }

    /// Standard output as one line of JSON.
    #[track_caller]
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        let line = self
            .out
            .strip_suffix('\n')
            .expect("JSON ends with a newline");
        assert!(
            !line.contains('\n'),
            "{}: more than one line: {line}",
            self.what
        );
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{}: {error}: {line}", self.what))
    }

    /// It failed with one line of JSON, and the exit code of its kind.
    #[track_caller]
    pub(crate) fn fails_as(self, kind: ErrorKind) -> ErrorReply {
        let reply: ErrorReply = self.json();
        assert_eq!(
            reply.error.kind, kind,
            "{}: {}",
            self.what, reply.error.message
        );
        let ran = self.ends(kind.exit_code().into());
        assert_eq!(reply.schema, 1, "{}", ran.what);
        assert_eq!(reply.error.retryable, kind.retryable());
        reply
    }

    fn tells_no_secret(&self) {
        for text in [&self.out, &self.err] {
            for secret in ["$6$s", "$6$r", "$y$j", "$2b$1", "rounds=", "saltsalt", MARK] {
                assert!(
                    !text.contains(secret),
                    "{}: a secret in the output",
                    self.what
                );
            }
        }
    }
}
