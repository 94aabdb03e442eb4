//! The restore child: start it, read its output, wait with a time-out. `occ-init restore`
//! runs in a process of its own, so that a crash, a loop or a dead disk there cannot take
//! PID 1 down, and its memory goes with it. Decides nothing about accounts.
//!
//! Each line on the child's stdout is progress, or a mark of a file that it wrote; the last
//! one is the summary, one JSON object, which becomes `restore` of the status file.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use serde_json::{Value, json, to_value};

use crate::cli::globals::{Globals, Paths};
use crate::clock::now_usec;
use crate::fs::version::Mark;
use crate::layout::OWN_PROGRAM;
use crate::log::errno_text;
use crate::restore::summary::Summary;
use crate::supervise::phase::Change;
use crate::supervise::signals;
use crate::sys::spawn::{self, Group, Program};
use crate::sys::{self, Environment, SignalMask, Waited};

/// Longest line kept; more is no summary.
const LONGEST: usize = 1 << 20;
/// Between looks at a child that closed its stdout and has not ended.
const LOOK: Duration = Duration::from_millis(1);

pub(crate) enum Outcome {
    Done(Report),
    /// There was nothing to restore.
    Nothing,
    /// Not wanted or not possible, and why.
    Skipped(&'static str),
    /// Failed, and why: one line.
    Failed(String),
    /// Done, but for something that was asked for besides; the child told what.
    Partly(Report),
    /// Ended with this exit status, not 0, and told why.
    Exited(u8),
    /// Still at work after the time-out.
    Late(RestoreChild),
}

/// The output of a restore that worked.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Report {
    pub(crate) summary: Value,
    pub(crate) marks: Vec<Mark>,
}

impl Outcome {
    /// The restore as the status file has it.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Done(report) | Self::Partly(report) => report.summary.clone(),
            Self::Nothing => to_value(Summary::nothing()).unwrap_or_default(),
            Self::Skipped(why) => json!({"state": "skipped", "reason": why}),
            Self::Failed(_) | Self::Exited(_) => json!({
                "state": "failed", "reason": self.failure(), "finishedUSec": now_usec(),
            }),
            Self::Late(_) => RestoreChild::running(),
        }
    }

    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Failed(why) => Some(why.clone()),
            Self::Exited(status) => Some(format!("it exited with status {status}")),
            _ => None,
        }
    }

    pub(crate) fn marks(&self) -> &[Mark] {
        match self {
            Self::Done(report) | Self::Partly(report) => &report.marks,
            _ => &[],
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// The first one; makes the bootstrap account too.
    Boot,
    /// A later one, because something changed.
    Capture,
}

pub(crate) struct RestoreChild {
    pid: i32,
    out: OwnedFd,
    output: Output,
}

/// How restore children are started. Paths are absolute: PID 1's directory is `/`.
pub(crate) struct RestoreCommand<'a> {
    pub(crate) globals: &'a Globals,
    pub(crate) paths: &'a Paths,
    pub(crate) mask: SignalMask,
}

impl RestoreChild {
    /// A restore as the status file has it until it has ended.
    pub(crate) fn running() -> Value {
        json!({"state": "running"})
    }
}

impl RestoreCommand<'_> {
    /// Starts a restore. The error is one line.
    pub(crate) fn start(&self, mode: Mode, env: &Environment) -> Result<RestoreChild, String> {
        start(OWN_PROGRAM.as_ref(), &self.arguments(mode), env, self.mask)
    }

    fn arguments(&self, mode: Mode) -> Vec<CString> {
        let mode = match mode {
            Mode::Boot => "--boot",
            Mode::Capture => "--capture",
        };
        let flags = [
            ("-q", self.globals.quiet),
            ("-v", self.globals.verbose),
            ("--no-store-lock", self.paths.without_lock),
        ];
        let flags = flags
            .into_iter()
            .filter_map(|(flag, is_set)| is_set.then_some(flag));
        let mut args: Vec<&OsStr> = ["occ-init", "restore", mode]
            .into_iter()
            .chain(flags)
            .map(OsStr::new)
            .collect();
        args.extend([OsStr::new("--root"), self.paths.root.as_os_str()]);
        args.extend([OsStr::new("--store"), self.paths.store.as_os_str()]);
        // A path with a NUL cannot come from a command line.
        args.into_iter()
            .filter_map(|arg| CString::new(arg.as_bytes()).ok())
            .collect()
    }
}

fn start(
    path: &OsStr,
    args: &[CString],
    env: &Environment,
    mask: SignalMask,
) -> Result<RestoreChild, String> {
    let (out, into) = nix::unistd::pipe2(OFlag::O_CLOEXEC)
        .map_err(|errno| format!("cannot make a pipe: {}", errno_text(errno)))?;
    let words: Vec<&CStr> = args.iter().map(CString::as_c_str).collect();
    let env: Vec<&CStr> = env.entries().collect();
    let program = Program {
        paths: &[CString::new(path.as_bytes()).unwrap_or_default()],
        argv: &words,
        env: &env,
        listen_pid: false,
        mask,
        ignore_sigchld: false,
        terminal: None,
        stdout: Some(into.as_fd()),
        identity: None,
        group: Group::Own,
    };
    match spawn::start(&program) {
        Ok(pid) => Ok(RestoreChild {
            pid,
            out,
            output: Output::default(),
        }),
        Err(error) => Err(format!(
            "cannot start '{}': {}",
            path.display(),
            match error.errno {
                Errno::ENOENT if path == OWN_PROGRAM => "/proc is not mounted".to_owned(),
                errno => errno_text(errno),
            }
        )),
    }
}

impl RestoreChild {
    /// Reads its output until it ended or was silent for `timeout`. Signals are blocked and
    /// stay pending, so no wait here is interrupted.
    pub(crate) fn wait(mut self, timeout: Duration) -> Outcome {
        let limit = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        loop {
            match nix::poll::poll(
                &mut [PollFd::new(self.out.as_fd(), PollFlags::POLLIN)],
                limit,
            ) {
                Ok(0) => return self.leave(),
                Err(Errno::EINTR) => {}
                Err(_) => break,
                Ok(_) => {
                    if !self.read() {
                        break;
                    }
                }
            }
        }
        let silent_since = Instant::now();
        loop {
            match sys::wait_child(self.pid) {
                Waited::Child(_, status) if Change::of(status).exit_status().is_some() => {
                    return self.finish(status);
                }
                Waited::NoChildren => return Outcome::Failed("its exit status is lost".to_owned()),
                _ if silent_since.elapsed() >= timeout => return self.leave(),
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// Reads once; returns false at the end of the output.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match nix::unistd::read(&self.out, &mut buffer) {
            Ok(count) if count > 0 => {
                self.output.feed(buffer.get(..count).unwrap_or_default());
                true
            }
            Err(Errno::EINTR) => true,
            _ => false,
        }
    }

    fn leave(self) -> Outcome {
        self.detach();
        Outcome::Late(self)
    }

    /// PID 1 goes on without reading; the rest of the output must fit into the pipe.
    pub(crate) fn detach(&self) {
        let _ = fcntl(&self.out, FcntlArg::F_SETPIPE_SZ(1 << 20));
        let _ = fcntl(&self.out, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.out.as_raw_fd()
    }

    /// The outcome, by the raw wait status.
    pub(crate) fn finish(mut self, status: i32) -> Outcome {
        while self.read() {}
        match Change::of(status) {
            Change::Exited(status) => match (status, self.output.report()) {
                (0, Some(report)) => Outcome::Done(report),
                (0, None) => Outcome::Failed("it gave no summary".to_owned()),
                (_, Some(report)) => Outcome::Partly(report),
                (status, None) => Outcome::Exited(status),
            },
            Change::Died { signal, .. } | Change::Stopped(signal) => {
                Outcome::Failed(format!("it was killed by {}", signals::name(signal)))
            }
        }
    }
}

/// The last line of the output, whole or not, and the marks before it.
#[derive(Default)]
struct Output {
    last: Vec<u8>,
    /// The next byte begins a new line.
    ended: bool,
    marks: Vec<Mark>,
}

impl Output {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if std::mem::replace(&mut self.ended, *byte == b'\n') {
                self.marks.extend(Mark::parse(&self.last));
                self.last.clear();
            }
            if !self.ended && self.last.len() < LONGEST {
                self.last.push(*byte);
            }
        }
    }

    /// Returns `None` if the last line is no JSON object.
    fn report(self) -> Option<Report> {
        let summary: Value = serde_json::from_slice(&self.last).ok()?;
        summary.is_object().then_some(Report {
            summary,
            marks: self.marks,
        })
    }
}

#[cfg(test)]
mod tests;
