//! Everybody's opencode.

use std::collections::HashMap;

use occ_gate::wire::{EnsureReply, Failure, Line, OpencodeView, RestartReply, Secret};

#[derive(Default)]
pub(crate) struct Opencodes {
    /// Where a person's opencode listens and its secret; None: it is starting.
    pub(crate) all: HashMap<String, Option<(u16, String)>>,
    /// The number that a starting one has before it.
    pub(crate) ahead: Option<u32>,
    /// The uid that Ready names; of this process by default.
    pub(crate) uid: Option<u32>,
    /// The last lines of an opencode that did not start, or of a login shell.
    pub(crate) output: Vec<String>,
    /// Whether one was restarted a moment ago.
    pub(crate) too_soon: bool,
}

impl Opencodes {
    pub(super) fn ensure(&self, user: &str) -> EnsureReply {
        match self.all.get(user) {
            Some(Some((port, secret))) => EnsureReply::Ready {
                port: *port,
                uid: self.uid.unwrap_or_else(|| nix::unistd::geteuid().as_raw()),
                secret: Secret::from_text(secret).unwrap(),
            },
            Some(None) => match self.ahead {
                Some(ahead) => EnsureReply::Waiting { ahead },
                None => EnsureReply::Starting,
            },
            None => EnsureReply::Failed {
                reason: Failure::Home,
                retry_seconds: 30,
                output: self.lines(),
            },
        }
    }

    pub(super) fn restart(&self) -> RestartReply {
        if self.too_soon {
            RestartReply::TooSoon
        } else {
            RestartReply::Restarting
        }
    }

    pub(super) fn view(&self) -> OpencodeView {
        OpencodeView {
            without_login_shell: (!self.output.is_empty()).then(|| self.lines()),
        }
    }

    fn lines(&self) -> Vec<Line> {
        self.output.iter().map(|line| Line::cut(line)).collect()
    }
}
