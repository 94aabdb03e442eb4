//! The child of a PAM session: waits for its end, and bounds the time that a login shell
//! takes. Reads one byte of what the person's programs write and nothing more.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::signalfd::SignalFd;
use nix::sys::socket::{MsgFlags, recv, send};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// The longest that a login shell may take to come to its command.
const LOGIN_SHELL: Duration = Duration::from_secs(20);
/// The message of a login shell that came to its command.
const STARTED: i32 = 0;
/// Statuses that only this program's own processes give.
const OWN: std::ops::RangeInclusive<i32> = 71..=79;

/// How a child ended.
pub(crate) enum ChildEnd {
    Status(i32),
    /// The login shell ended or hung before opencode was started: how.
    InLoginShell(String),
}

pub(crate) struct SessionChild {
    child: Pid,
    /// Until the first message.
    wire: Option<OwnedFd>,
    signals: SignalFd,
    /// While the login shell runs.
    deadline: Option<Instant>,
    /// The status that the child gave before it was anybody's program.
    own_status: Option<i32>,
}

/// Tells the parent: 0 for a login shell that came to its command, else an exit status.
pub(crate) fn tell(wire: i32, status: i32) {
    let byte = u8::try_from(status).unwrap_or(1);
    // A parent that is gone ends this process too.
    let _ = send(wire, &[byte], MsgFlags::MSG_NOSIGNAL);
}

impl SessionChild {
    pub(crate) fn new(child: Pid, wire: OwnedFd, signals: SignalFd, has_login_shell: bool) -> Self {
        Self {
            child,
            wire: Some(wire),
            signals,
            deadline: has_login_shell.then(|| Instant::now() + LOGIN_SHELL),
            own_status: None,
        }
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> ChildEnd {
        loop {
            // Cannot fail but for a signal, and none is taken outside of `signals`.
            let _ = self.sleep();
            let is_told_to_end = self.take_signals();
            // A message before an end: it was sent before.
            self.hear();
            if let Some(status) = self.ended() {
                return self.end_of(status);
            }
            let is_late = self.deadline.is_some_and(|late| late <= Instant::now());
            if is_told_to_end || is_late {
                self.kill();
            }
            if is_late {
                let _ = waitpid(self.child, None);
                let seconds = LOGIN_SHELL.as_secs();
                return ChildEnd::InLoginShell(format!(
                    "was not through with its files (such as ~/.profile) after {seconds} s"
                ));
            }
        }
    }

    fn sleep(&self) -> io::Result<()> {
        let mut fds = vec![PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        if let Some(wire) = &self.wire {
            fds.push(PollFd::new(wire.as_fd(), PollFlags::POLLIN));
        }
        let timeout = self.deadline.map_or(PollTimeout::NONE, |late| {
            let rest = late.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX)
        });
        poll(&mut fds, timeout)?;
        Ok(())
    }

    /// Returns whether TERM came.
    fn take_signals(&self) -> bool {
        let mut is_term = false;
        while let Ok(Some(signal)) = self.signals.read_signal() {
            is_term |= i32::try_from(signal.ssi_signo) == Ok(Signal::SIGTERM as i32);
        }
        is_term
    }

    fn hear(&mut self) {
        let Some(wire) = &self.wire else { return };
        let mut byte = [0];
        match recv(wire.as_raw_fd(), &mut byte, MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EAGAIN | Errno::EINTR) => return,
            Ok(1) if i32::from(byte[0]) == STARTED => self.deadline = None,
            Ok(1) => self.own_status = Some(i32::from(byte[0])),
            // Its owner closed it: the time runs on.
            Ok(_) | Err(_) => (),
        }
        self.wire = None;
    }

    fn ended(&self) -> Option<i32> {
        match waitpid(self.child, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, status)) => Some(status),
            Ok(WaitStatus::Signaled(_, signal, _)) => Some(128 + signal as i32),
            Ok(_) | Err(Errno::EINTR) => None,
            // A real-time signal, which nix does not know.
            Err(_) => Some(1),
        }
    }

    fn end_of(&self, status: i32) -> ChildEnd {
        match self.own_status {
            Some(status) => ChildEnd::Status(status),
            None if self.deadline.is_some() => ChildEnd::InLoginShell(format!(
                "ended with status {status} before it started opencode"
            )),
            None if OWN.contains(&status) => ChildEnd::Status(1),
            None => ChildEnd::Status(status),
        }
    }

    fn kill(&self) {
        let _ = killpg(self.child, Signal::SIGKILL);
        // Its group is made after the fork.
        let _ = kill(self.child, Signal::SIGKILL);
    }
}
