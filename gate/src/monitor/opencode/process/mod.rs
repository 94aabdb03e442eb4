//! One start of a person's opencode, from its temporary directory to the last
//! process of its tree.

mod attempt;
mod home;
mod output;

use std::cell::Cell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use self::attempt::{Attempt, AttemptEnd, free_port};
use self::output::Output;
use super::stop::Stop;
use crate::helpers::{become_person, tmpdir};
use crate::log;
use crate::monitor::accounts::Person;
use crate::monitor::opencode::cleanup::{PersonUids, end_all, wipe};
use crate::monitor::opencode::start_limit::{StartLimit, Turn};
use crate::monitor::person_process::{self, Allowed};
use crate::monitor::random;
use crate::monitor::terminal::spared::SparedSessions;
use crate::proc_net::loopback_listener;
use crate::processes::first_child;
use crate::wire::{Failure, Line, Secret};

/// For PAM's modules to close a session.
const CLOSING: Duration = Duration::from_secs(5);

/// An event of a process, in this order; `Ended` always comes and is the last.
#[derive(Debug)]
pub(crate) enum ProcessEvent {
    /// The login shell did not start it: the last lines. It is started without one.
    WithoutLoginShell(Vec<Line>),
    Ready(OpencodeAddress),
    Ended(Option<Fault>),
}

/// Why it ended or did not come up, with the last lines that it wrote.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) failure: Failure,
    pub(crate) output: Vec<Line>,
}

/// The process that holds the PAM session, and what is written in it.
struct Session {
    child: Child,
    output: Output,
}

/// The address and secret of a ready opencode.
#[derive(Debug, Clone)]
pub(crate) struct OpencodeAddress {
    pub(crate) port: u16,
    pub(crate) secret: Secret,
    pub(crate) pid: u32,
}

pub(crate) struct OpencodeProcess {
    pub(crate) person: Person,
    pub(crate) allowed: Allowed,
    pub(crate) starts: StartLimit,
    /// Set when it is its turn to start.
    pub(crate) has_begun: Rc<Cell<bool>>,
    /// What runs in terminals goes on without it.
    pub(crate) spared: SparedSessions,
    pub(crate) stop: watch::Receiver<Stop>,
}

impl OpencodeProcess {
    /// Runs it to its end and tells.
    pub(crate) async fn run(self: Box<Self>, tell: impl AsyncFn(ProcessEvent)) {
        let mut stop = self.stop.clone();
        // Read while the account is there.
        let uids = self.uids();
        let mut session = None;
        let why = tokio::select! {
            why = self.live(&mut session, &tell) => Some(why),
            _ = stop.wait_for(|stop| *stop != Stop::No) => None,
        };
        let output = self.end(uids, &mut session).await;
        let fault = match why {
            Some(failure) => Some(self.fault(failure, output).await),
            None => None,
        };
        if self.spared.of(self.person.uid).is_empty() {
            wipe(Some(self.person.uid)).await;
        }
        tell(ProcessEvent::Ended(fault)).await;
    }

    fn uids(&self) -> PersonUids {
        PersonUids::of(self.person.name.as_str(), self.person.uid)
    }

    /// Until it ends by itself, or fails.
    async fn live(
        &self,
        session: &mut Option<Session>,
        tell: &impl AsyncFn(ProcessEvent),
    ) -> Failure {
        let mut turn = self.starts.take().await;
        self.has_begun.set(true);
        let mut attempt = Attempt::FIRST;
        loop {
            let end = self.start(attempt, session, &mut turn, tell).await;
            attempt = match attempt.after(end, free_port) {
                Ok(next) => next,
                Err(failure) => return failure,
            };
            let output = self.end(self.uids(), session).await;
            if end == AttemptEnd::InLoginShell {
                tell(ProcessEvent::WithoutLoginShell(output)).await;
            }
        }
    }

    /// Starts it.
    async fn start(
        &self,
        attempt: Attempt,
        session: &mut Option<Session>,
        turn: &mut Option<Turn>,
        tell: &impl AsyncFn(ProcessEvent),
    ) -> AttemptEnd {
        let name = self.person.name.as_str();
        let secret = random::secret();
        let (Session { child, .. }, mut port) = match self.spawn(attempt, &secret) {
            Ok((started, port)) => {
                log::line(&format!("starting opencode for {name}"));
                (session.insert(started), port)
            }
            Err(error) => {
                log::line(&format!("cannot start opencode for {name}: {error}"));
                return AttemptEnd::Failed(Failure::Resources);
            }
        };
        let ended = tokio::select! {
            ended = child.wait() => ended.ok(),
            port = timeout(self.starts.patience(), announced(&mut port)) => match self.reached(port.ok(), child, secret) {
                Ok(reached) => {
                    drop(turn.take());
                    tell(ProcessEvent::Ready(reached)).await;
                    child.wait().await.ok()
                }
                Err(failure) => return AttemptEnd::Failed(failure),
            },
        };
        let code = ended.and_then(|status| status.code()).unwrap_or(1);
        let failure = match code {
            become_person::NO_LOGIN_SHELL => return AttemptEnd::InLoginShell,
            become_person::NO_HOME => Failure::Home,
            become_person::NO_RESOURCES => Failure::Resources,
            become_person::NO_SESSION => Failure::Session,
            become_person::NOT_FOUND | become_person::CANNOT_INVOKE => Failure::Program,
            _ => Failure::Ended,
        };
        log::line(&format!("opencode of {name} ended: {}", end_of(code)));
        AttemptEnd::Failed(failure)
    }

    /// Ends what runs under the uids, then the session. Returns the last lines.
    async fn end(&self, uids: PersonUids, session: &mut Option<Session>) -> Vec<Line> {
        end_all(uids, &mut self.stop.clone(), &self.spared).await;
        let Some(Session { mut child, output }) = session.take() else {
            return Vec::new();
        };
        // It ends its child where end_all must not, closes the session and ends. Dropped,
        // it is killed.
        if let Some(pid) = child.id() {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
        }
        if timeout(CLOSING, child.wait()).await.is_err() {
            let name = self.person.name.as_str();
            log::line(&format!("the PAM session of {name} does not close"));
        }
        drop(child);
        output.into_last_lines().await
    }

    /// Finds out more: one that ended may have had no room for its files.
    async fn fault(&self, failure: Failure, output: Vec<Line>) -> Fault {
        let failure = match failure {
            Failure::Ended | Failure::TimedOut => {
                home::probe(&self.person).await.unwrap_or(failure)
            }
            other => other,
        };
        if failure != Failure::Ended {
            let name = self.person.name.as_str();
            log::line(&format!("opencode of {name}: {failure:?}"));
        }
        Fault { failure, output }
    }

    fn reached(
        &self,
        port: Option<u16>,
        child: &Child,
        secret: Secret,
    ) -> Result<OpencodeAddress, Failure> {
        let port = port.ok_or(Failure::TimedOut)?;
        let session = child.id().ok_or(Failure::Ended)?;
        // A listener at another address with this number does not count.
        let name = self.person.name.as_str();
        let strange = match loopback_listener(port) {
            Ok(Some(listener)) if listener.uid == self.person.uid => None,
            Ok(Some(listener)) => Some(format!("it is of uid {}", listener.uid)),
            Ok(None) => Some("nobody listens there, or several do".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(strange) = strange {
            let line = format!("opencode of {name} said that it listens on port {port}: {strange}");
            log::line(&line);
            return Err(Failure::Port);
        }
        let pid = first_child(session).unwrap_or(session);
        log::debug(|| format!("opencode of {name} is ready: port {port}, pid {pid}"));
        Ok(OpencodeAddress { port, secret, pid })
    }

    /// Starts `occ-gate pam-session`. The port comes by the channel.
    fn spawn(
        &self,
        attempt: Attempt,
        secret: &Secret,
    ) -> std::io::Result<(Session, mpsc::Receiver<u16>)> {
        let person = &self.person;
        let tmpdirs = if self.spared.of(person.uid).is_empty() {
            tmpdir::make(person.uid, person.gid)?
        } else {
            tmpdir::make_or_keep(person.uid, person.gid)?
        };
        let mut command = person_process::command("pam-session", person, self.allowed, &tmpdirs)?;
        if !attempt.login_shell {
            command.arg("--without-login-shell");
        }
        let mut child = command
            .args("-- opencode serve --hostname 127.0.0.1 --port".split(' '))
            .arg(attempt.port.to_string())
            .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
            .env(
                "OPENCODE_SERVER_PASSWORD",
                OsStr::from_bytes(secret.expose()),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let pipes = (child.stdout.take(), child.stderr.take());
        let (Some(stdout), Some(stderr)) = pipes else {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        };
        let (output, port) = Output::read(stdout, stderr, person.name.as_str());
        Ok((Session { child, output }, port))
    }
}

/// The port; one that closes its output without a word is judged by its end.
async fn announced(port: &mut mpsc::Receiver<u16>) -> u16 {
    match port.recv().await {
        Some(port) => port,
        None => std::future::pending().await,
    }
}

/// A status of `occ-gate pam-session` in words: above 128 it stands for a signal.
fn end_of(code: i32) -> String {
    match code
        .checked_sub(128)
        .and_then(|signal| Signal::try_from(signal).ok())
    {
        Some(signal) => format!("signal: {}", signal.as_str()),
        None => format!("exit status: {code}"),
    }
}

#[cfg(test)]
mod tests;
