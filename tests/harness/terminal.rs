//! A program at a terminal, and a person who reads and types.

use super::{Call, PATIENCE};
use rexpect::ReadUntil;
use rexpect::process::WaitStatus;
use rexpect::session::{PtySession, spawn_command};

/// A dialogue; what is on the screen is kept.
pub(crate) struct Terminal {
    session: PtySession,
    screen: String,
}

impl Terminal {
    /// Starts the program with echo on, as a terminal has it: what the program
    /// itself does not hide shows on the screen.
    pub(crate) fn open(call: Call) -> Self {
        let mut shell = std::process::Command::new("sh");
        let command = call.into_command();
        shell
            .args(["-c", "stty echo && exec \"$0\" \"$@\""])
            .arg(command.get_program())
            .args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let patience = PATIENCE.as_millis().try_into().unwrap();
        Self {
            session: spawn_command(shell, Some(patience)).unwrap(),
            screen: String::new(),
        }
    }

    /// Reads until `question` is there.
    #[track_caller]
    pub(crate) fn asks(mut self, question: &str) -> Self {
        match self.session.exp_string(question) {
            Ok(before) => self.screen.push_str(&(before + question)),
            Err(error) => panic!("no {question:?} on the screen: {error}"),
        }
        self
    }

    /// Reads until one of several texts is there; which.
    #[track_caller]
    pub(crate) fn asks_one_of<'t>(mut self, texts: &[&'t str]) -> (&'t str, Self) {
        let needles = texts
            .iter()
            .map(|text| ReadUntil::String((*text).to_owned()));
        match self.session.exp_any(needles.collect()) {
            Ok((before, found)) => {
                self.screen.push_str(&(before + &found));
                let text = texts.iter().find(|text| found.ends_with(**text));
                (text.copied().unwrap(), self)
            }
            Err(error) => panic!("none of {texts:?} on the screen: {error}"),
        }
    }

    /// Types a line.
    pub(crate) fn types(mut self, line: &str) -> Self {
        self.session.send_line(line).unwrap();
        self
    }

    /// Presses Ctrl-C, and nothing after it.
    pub(crate) fn interrupts(mut self) -> Self {
        self.session.send_control('c').unwrap();
        self
    }

    /// Reads to the end: the exit status, and all that was on the screen.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (i32, String) {
        let rest = self.session.exp_eof().unwrap();
        self.screen.push_str(&rest);
        match self.session.process().wait().unwrap() {
            WaitStatus::Exited(_, code) => (code, self.screen),
            other => panic!("{other:?} after: {}", self.screen),
        }
    }
}
