//! The shell of one terminal, from its start to the last process of its session.

use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;
use std::{env, io};

use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::pty;
use crate::helpers::tmpdir;
use crate::monitor::accounts::Person;
use crate::monitor::opencode::cleanup::signal_session;
use crate::monitor::opencode::stop::Stop;
use crate::monitor::person_process::{self, Allowed};
use crate::processes::is_any_in_session;
use crate::wire::TerminalSize;

/// From HUP to KILL for a shell whose terminal is closed.
const GRACE: Duration = Duration::from_secs(2);
/// The same for one whose session is over: within a second nothing of it is left.
const SHORT_GRACE: Duration = Duration::from_millis(300);

/// A shell that runs.
pub(crate) struct TerminalProcess {
    child: Child,
    uid: u32,
    session: i32,
    stop: watch::Receiver<Stop>,
}

impl TerminalProcess {
    /// Starts a person's login shell. Returns it and the end of its pty for the web half.
    pub(super) fn start(
        person: &Person,
        size: TerminalSize,
        allowed: Allowed,
        stop: watch::Receiver<Stop>,
    ) -> io::Result<(Self, OwnedFd)> {
        let pty = pty::open(person.uid, size)?;
        let child = spawn(person, allowed, pty.slave)?;
        // start-shell calls setsid(2): the session has the pid of its first process.
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        let session = pid.ok_or_else(|| io::Error::other("it ended at once"))?;
        let uid = person.uid;
        let process = Self {
            child,
            uid,
            session,
            stop,
        };
        Ok((process, pty.master))
    }

    pub(crate) fn session(&self) -> i32 {
        self.session
    }

    /// Runs it to its end. Told to stop gently, the shell alone is ended: the kernel sent it
    /// HUP when the web half closed the terminal, and what it left to run on (nohup(1))
    /// does. Told to stop at once, all of its session ends.
    pub(crate) async fn run(mut self: Box<Self>) {
        let mut stop = self.stop.clone();
        tokio::select! {
            _ = self.child.wait() => return,
            _ = stop.wait_for(|stop| *stop != Stop::No) => (),
        }
        let is_all = |stop: &Stop| *stop == Stop::AtOnce;
        tokio::select! {
            _ = timeout(GRACE, self.child.wait()) => (),
            _ = stop.wait_for(is_all) => self.end_session().await,
        }
        let _ = self.child.kill().await;
    }

    /// Ends all that did not leave the session.
    async fn end_session(&mut self) {
        let (uid, session) = (self.uid, self.session);
        signal_session(uid, session, false).await;
        let all_gone = async {
            // A first process that ended is seen until it was waited for.
            let _ = self.child.wait().await;
            while is_any_in_session(uid, session) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(SHORT_GRACE, all_gone).await.is_ok() {
            return;
        }
        while is_any_in_session(uid, session) {
            signal_session(uid, session, true).await;
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// `occ-gate start-shell`: the slave is all that it has.
fn spawn(person: &Person, allowed: Allowed, slave: OwnedFd) -> io::Result<Child> {
    let tmpdirs = tmpdir::make_or_keep(person.uid, person.gid)?;
    let mut command = person_process::command("start-shell", person, allowed, &tmpdirs)?;
    if env::var_os("LANG").is_none() {
        command.env("LANG", "C.UTF-8");
    }
    command
        .env("TERM", "xterm-256color")
        .env("COLORTERM", "truecolor")
        .stdin(Stdio::from(slave.try_clone()?))
        .stdout(Stdio::from(slave.try_clone()?))
        .stderr(Stdio::from(slave));
    command.spawn()
}
