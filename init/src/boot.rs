//! The restores that PID 1 starts: at boot `occ-init restore --boot`, later
//! `--capture`, in processes of their own, so that a crash, a loop or a dead
//! disk there can't take PID 1 down, and their memory goes when they go.
//! Decides nothing about accounts.
//!
//! Each line on the child's stdout is progress, or a mark of what it wrote; the
//! last one is the summary, one JSON document, which becomes "restore" of the
//! status file as it is.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use serde::de::IgnoredAny;

use crate::phase::Change;
use crate::run_options::{Globals, Run};
use crate::signals;
use crate::spawn::{self, Failure, Program};
use crate::sys::{self, Environment, SignalMask, Waited};
use crate::watch::Mark;

/// How long the restore may go without a sign of life.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest line kept; more is no summary.
const LONGEST: usize = 1 << 20;
/// Between looks at a child that closed its stdout and has not ended.
const LOOK: Duration = Duration::from_millis(1);

/// How the restore went.
pub(crate) enum Outcome {
    /// The summary, one JSON document, and what was written.
    Done(String, Vec<Mark>),
    /// Not wanted or not possible; why.
    Skipped(&'static str),
    /// One line.
    Failed(String),
    /// It ended with this exit status, not 0, having said why.
    Exited(u8),
    /// Still at work after `PATIENCE`.
    Late(Background),
}

impl Outcome {
    /// What the status file says about it.
    pub(crate) fn json(&self) -> String {
        match self {
            Self::Done(summary, _) => summary.clone(),
            Self::Skipped(why) => format!(r#"{{"state":"skipped","reason":"{why}"}}"#),
            Self::Failed(_) | Self::Exited(_) => {
                serde_json::json!({"state": "failed", "reason": self.failure()}).to_string()
            }
            Self::Late(_) => r#"{"state":"running"}"#.to_owned(),
        }
    }

    /// Why it failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Failed(why) => Some(why.clone()),
            Self::Exited(status) => Some(format!("it exited with status {status}")),
            Self::Done(..) | Self::Skipped(_) | Self::Late(_) => None,
        }
    }
}

/// A restore that goes on in the background.
pub(crate) struct Background {
    pid: i32,
    out: OwnedFd,
    lines: Lines,
}

/// Whether accounts are to be restored here; why not.
pub(crate) fn is_wanted(run: &Run<'_>) -> Result<(), &'static str> {
    if run.no_restore {
        Err("--no-restore")
    } else if nix::unistd::geteuid().is_root() {
        Ok(())
    } else {
        Err("not root")
    }
}

/// Restores, unless told not to or not root.
pub(crate) fn restore(run: &Run<'_>, env: &Environment, mask: SignalMask) -> Outcome {
    if let Err(why) = is_wanted(run) {
        return Outcome::Skipped(why);
    }
    let entries: Vec<&CStr> = env.entries().collect();
    let started = start(SELF, &arguments(c"--boot", &run.globals), &entries, mask);
    started.map_or_else(Outcome::Failed, |child| child.watch(PATIENCE))
}

/// Starts a restore that takes in what changed since the last one; its end
/// comes as a SIGCHLD.
pub(crate) fn capture(
    globals: &Globals,
    env: &[&CStr],
    mask: SignalMask,
) -> Result<Background, String> {
    let child = start(SELF, &arguments(c"--capture", globals), env, mask)?;
    child.let_go();
    Ok(child)
}

const SELF: &CStr = c"/proc/self/exe";

fn arguments(mode: &CStr, globals: &Globals) -> Vec<CString> {
    let mut args = vec![
        c"occ-init".to_owned(),
        c"restore".to_owned(),
        mode.to_owned(),
    ];
    for (option, given) in [
        (c"-q", globals.quiet),
        (c"-v", globals.verbose),
        (c"--no-store-lock", globals.no_store_lock),
    ] {
        args.extend(given.then(|| option.to_owned()));
    }
    for (option, path) in [(c"--root", &globals.root), (c"--store", &globals.store)] {
        if let Some(path) = path.as_deref().and_then(c_path) {
            args.extend([option.to_owned(), path]);
        }
    }
    args
}

/// None for a path that holds a NUL, which a command line can't give.
fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}

fn start(
    path: &CStr,
    args: &[CString],
    env: &[&CStr],
    mask: SignalMask,
) -> Result<Background, String> {
    let arguments: Vec<&CStr> = args.iter().map(CString::as_c_str).collect();
    let (out, into) = nix::unistd::pipe2(OFlag::O_CLOEXEC)
        .map_err(|error| format!("cannot make a pipe: {}", described(error)))?;
    let started = spawn::start(&Program {
        paths: &[path.to_owned()],
        argv: &arguments,
        env,
        listen_pid: false,
        mask,
        ignore_sigchld: false,
        terminal: None,
        stdout: Some(into.as_fd()),
        identity: None,
    });
    match started {
        Ok(pid) => Ok(Background {
            pid,
            out,
            lines: Lines::default(),
        }),
        Err(
            Failure::Clone(error)
            | Failure::Stdout(error)
            | Failure::Identity(error)
            | Failure::Exec(error),
        ) => Err(format!("cannot start it: {}", described(error))),
    }
}

fn described(error: Errno) -> String {
    error.desc().to_lowercase()
}

impl Background {
    /// Reads along until it ended or was silent for `patience`. Signals are
    /// blocked and stay pending, so no wait here is interrupted.
    fn watch(mut self, patience: Duration) -> Outcome {
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
        loop {
            match nix::poll::poll(
                &mut [PollFd::new(self.out.as_fd(), PollFlags::POLLIN)],
                timeout,
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
                _ if silent_since.elapsed() >= patience => return self.leave(),
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// One read; false at the end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match nix::unistd::read(&self.out, &mut buffer) {
            Ok(count) if count > 0 => {
                self.lines.feed(buffer.get(..count).unwrap_or_default());
                true
            }
            Err(Errno::EINTR) => true,
            _ => false,
        }
    }

    fn leave(self) -> Outcome {
        self.let_go();
        Outcome::Late(self)
    }

    /// Goes on without it; what it still writes must fit into the pipe.
    fn let_go(&self) {
        let _ = fcntl(&self.out, FcntlArg::F_SETPIPE_SZ(1 << 20));
        let _ = fcntl(&self.out, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.out.as_raw_fd()
    }

    /// Its end, from the raw wait status.
    pub(crate) fn finish(mut self, status: i32) -> Outcome {
        while self.read() {}
        match Change::of(status) {
            Change::Exited(0) => match self.lines.summary() {
                Some((summary, marks)) => Outcome::Done(summary, marks),
                None => Outcome::Failed("it gave no summary".to_owned()),
            },
            Change::Exited(status) => Outcome::Exited(status),
            Change::Died { signal, .. } | Change::Stopped(signal) => {
                Outcome::Failed(format!("it was killed by {}", signals::name(signal)))
            }
        }
    }
}

/// The last line of what was fed, whole or not, and the marks before it.
#[derive(Default)]
struct Lines {
    last: Vec<u8>,
    /// The next byte begins a new line.
    ended: bool,
    marks: Vec<Mark>,
}

impl Lines {
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

    /// The last line, if it is one JSON object, and the marks.
    fn summary(self) -> Option<(String, Vec<Mark>)> {
        let text = String::from_utf8(self.last).ok()?;
        let is_json = text.starts_with('{') && serde_json::from_str::<IgnoredAny>(&text).is_ok();
        is_json.then_some((text, self.marks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Outcome {
        let args = [
            c"sh".to_owned(),
            c"-c".to_owned(),
            CString::new(script).unwrap(),
        ];
        let path = c"PATH=/usr/bin:/bin";
        let child = start(c"/bin/sh", &args, &[path], SignalMask::NONE).unwrap();
        child.watch(patience)
    }

    fn failure(script: &str) -> String {
        let outcome = shell(script, PATIENCE);
        let text = outcome.json();
        outcome.failure().unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn the_last_line_is_the_summary_word_for_word() {
        let outcome = shell(
            r#"echo one; echo two; printf '{"state":"done", "n": 1}'"#,
            PATIENCE,
        );
        assert_eq!(outcome.json(), r#"{"state":"done", "n": 1}"#);
    }

    #[test]
    fn every_other_end_is_a_failure_with_its_reason() {
        assert_eq!(
            failure(r#"echo '{"state":"done"}'; exit 3"#),
            "it exited with status 3"
        );
        assert_eq!(failure("kill -SEGV $$"), "it was killed by SIGSEGV");
        for none in [
            "exit 0",
            "echo hello",
            r#"echo '{"a":'"#,
            "echo '[1]'",
            "echo '{} {}'",
        ] {
            assert_eq!(failure(none), "it gave no summary", "{none}");
        }
        let missing = start(c"/nonexistent", &[], &[], SignalMask::NONE);
        assert_eq!(
            missing.err().as_deref(),
            Some("cannot start it: no such file or directory")
        );
    }

    #[test]
    fn silence_ends_the_wait_and_the_end_is_heard_later() {
        let script = r#"echo work; read go < "$FIFO" || exit 9; echo '{"state":"done"}'"#;
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let script = format!("FIFO={}; {script}", fifo.display());
        let Outcome::Late(late) = shell(&script, Duration::from_millis(50)) else {
            panic!("not late")
        };
        std::fs::write(&fifo, "go\n").unwrap();
        let status = loop {
            if let Waited::Child(_, status) = sys::wait_child(late.pid()) {
                break status;
            }
            std::thread::yield_now();
        };
        assert_eq!(late.finish(status).json(), r#"{"state":"done"}"#);
    }

    #[test]
    fn progress_restarts_the_clock() {
        // Longer in all than the patience, never silent as long.
        let script =
            r#"for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; echo '{"state":"done"}'"#;
        assert_eq!(
            shell(script, Duration::from_millis(400)).json(),
            r#"{"state":"done"}"#
        );
    }

    #[test]
    fn a_closed_stdout_without_an_end_is_silence_too() {
        let outcome = shell("exec >&-; exec sleep 1000", Duration::from_millis(50));
        let Outcome::Late(late) = outcome else {
            panic!("{}", outcome.json())
        };
        sys::kill(late.pid(), signals::KILL).unwrap();
        sys::wait_exited(late.pid());
    }

    #[test]
    fn lines_across_reads() {
        let mut lines = Lines::default();
        for piece in ["pro", "gress\nle", "ft one\nleft two\n{\"a\"", ":1}", "\n"] {
            lines.feed(piece.as_bytes());
        }
        let marks = ["left one", "left two"].map(|line| Mark::parse(line.as_bytes()).unwrap());
        assert_eq!(
            lines.summary(),
            Some((r#"{"a":1}"#.to_owned(), marks.to_vec()))
        );
    }
}
