//! One attempt with PAM is one process: `occ-gate pam`, so that a module that
//! hangs, leaks or crashes takes nobody else along. This is the monitor's side
//! and what both sides say: frames as on the wire, secrets on stdin alone.

use std::net::IpAddr;
use std::process::Stdio;
use std::time::Duration;

use accounts::account::check_password;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::time::timeout;

use crate::helpers::password::HashDigest;
use crate::log;
use crate::monitor::subprocess;
use crate::wire::{Frames, PamText, Rejection, Secret, User, encode, stream};

/// The command that a helper gets on its standard input.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PamCommand {
    pub(crate) user: User,
    pub(crate) address: IpAddr,
    pub(crate) task: PamTask,
}

/// The task of a helper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PamTask {
    /// A login of a managed, enabled person, with this password.
    Login(Secret),
    /// The same work for anybody else, at the cost of a check of this person's; always
    /// refused.
    Pretend {
        password: Secret,
        like: Option<User>,
    },
    /// Only the check of a login, of somebody who is logged in; the code answers what PAM
    /// asks beyond the password.
    Check {
        password: Secret,
        code: Option<Secret>,
    },
    /// A login of a managed, enabled person whose passkey has proven them: expiry, nologin and
    /// what else PAM's account step knows.
    Account,
    /// The new password is set if the old one is right when that is done.
    Change { old: Secret, new: Secret },
}

/// An answer of a helper.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PamResult {
    /// PAM asks for more: an answer follows.
    Prompt {
        text: PamText,
        echo: bool,
    },
    Accepted,
    Refused,
    /// The password is right and has to be another one: a new one follows.
    NewPasswordNeeded {
        /// Why the one before was not taken; empty at first.
        text: PamText,
    },
    /// PAM itself failed, not the person.
    Broken {
        why: PamText,
    },
    Changed {
        /// The account's hash by now, if it is of the new password.
        hash: Option<HashDigest>,
    },
    Rejected {
        why: Rejection,
        text: PamText,
    },
}

/// A helper at work. Dropped, it is killed.
pub(crate) struct Helper {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    frames: Frames,
}

impl Helper {
    /// Starts one with its command.
    pub(crate) async fn start(command: &PamCommand) -> std::io::Result<Self> {
        let level = if log::is_debug() { "debug" } else { "info" };
        let mut child = subprocess::command("pam")
            .env("OCC_GATE_LOG", level)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || std::io::Error::other("no pipe");
        let mut helper = Self {
            stdin: child.stdin.take().ok_or_else(missing)?,
            stdout: child.stdout.take().ok_or_else(missing)?,
            child,
            frames: Frames::default(),
        };
        helper.tell(command).await?;
        Ok(helper)
    }

    /// The person's answer to a prompt.
    pub(crate) async fn tell(&mut self, what: &impl Serialize) -> std::io::Result<()> {
        let frame = encode(what).map_err(std::io::Error::other)?;
        self.stdin.write_all(&frame).await
    }

    /// Waits for its next answer; `Broken` also for a helper that ends without one
    /// or takes too long, which is killed.
    pub(crate) async fn answer(&mut self, patience: Duration) -> PamResult {
        let answer = stream::read(&mut self.stdout, &mut self.frames);
        let heard = match timeout(patience, answer).await {
            Ok(Ok(Some(says))) => says,
            Ok(_) => broken("the helper ended without an answer"),
            Err(_) => broken(&format!("no answer in {} s", patience.as_secs())),
        };
        let goes_on = matches!(
            heard,
            PamResult::Prompt { .. } | PamResult::NewPasswordNeeded { .. }
        );
        if !goes_on {
            // It has nothing more to do; reaped here, so that no zombie waits.
            let _ = self.child.kill().await;
        }
        heard
    }
}

pub(crate) fn broken(why: &str) -> PamResult {
    PamResult::Broken {
        why: PamText::cut(why),
    }
}

/// Why a password cannot be the next.
pub(crate) fn unusable(old: &Secret, new: &Secret) -> Option<String> {
    if old.expose() == new.expose() {
        return Some("The new password is the current one.".to_owned());
    }
    let why = check_password(new.expose()).err()?;
    Some(format!("The new password can't be used: {why}."))
}
