//! A restore in a process of its own, as PID 1 sees it: started, read along
//! with, waited for with patience. Decides nothing about accounts.
//!
//! Each line on the child's stdout is progress, or a mark of what it wrote; the
//! last one is the summary, one JSON document, which becomes "restore" of the
//! status file as it is.

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout};
use serde::de::IgnoredAny;

use crate::boot::Outcome;
use crate::phase::Change;
use crate::signals;
use crate::spawn::{self, Program};
use crate::sys::{self, Entry, SignalMask, Waited};
use crate::watch::Mark;

/// Longest line kept; more is no summary.
const LONGEST: usize = 1 << 20;
/// Between looks at a child that closed its stdout and has not ended.
const LOOK: Duration = Duration::from_millis(1);

/// A restore that goes on in the background.
pub(crate) struct Background {
    pid: i32,
    out: OwnedFd,
    lines: Lines,
}

/// Starts it; Err: one line why not.
pub(crate) fn start(
    path: &CStr,
    args: &[CString],
    env: &[Entry<'_>],
    mask: SignalMask,
) -> Result<Background, String> {
    let arguments: Vec<&CStr> = args.iter().map(CString::as_c_str).collect();
    let (out, into) = nix::unistd::pipe2(OFlag::O_CLOEXEC)
        .map_err(|error| format!("cannot make a pipe: {}", described(error)))?;
    let program = Program {
        paths: &[path.to_owned()],
        argv: &arguments,
        env,
        listen_pid: false,
        mask,
        ignore_sigchld: false,
        terminal: None,
        stdout: Some(into.as_fd()),
        identity: None,
    };
    match spawn::start(&program, None) {
        Ok(pid) => Ok(Background {
            pid,
            out,
            lines: Lines::default(),
        }),
        Err(why) => {
            let path = path.to_string_lossy();
            Err(format!("cannot start '{path}': {}", described(why.errno())))
        }
    }
}

fn described(error: Errno) -> String {
    error.desc().to_lowercase()
}

impl Background {
    /// Reads along until it ended or was silent for `patience`. Signals are
    /// blocked and stay pending, so no wait here is interrupted.
    pub(crate) fn watch(mut self, patience: Duration) -> Outcome {
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
    pub(crate) fn let_go(&self) {
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
            Change::Exited(status) => match (status, self.lines.summary()) {
                (0, Some((summary, marks))) => Outcome::Done(summary, marks),
                (0, None) => Outcome::Failed("it gave no summary".to_owned()),
                (_, Some((summary, marks))) => Outcome::Partly(summary, marks),
                (status, None) => Outcome::Exited(status),
            },
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

    const PATIENCE: Duration = Duration::from_secs(10);

    fn shell(script: &str, patience: Duration) -> Outcome {
        let args = [
            c"sh".to_owned(),
            c"-c".to_owned(),
            CString::new(script).unwrap(),
        ];
        let path = c"PATH=/usr/bin:/bin";
        let child = start(c"/bin/sh", &args, &[path.into()], SignalMask::NONE).unwrap();
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
    fn a_summary_and_a_status_are_a_part() {
        let outcome = shell(r#"echo '{"state":"done"}'; exit 3"#, PATIENCE);
        assert!(matches!(outcome, Outcome::Partly(..)), "{}", outcome.json());
    }

    #[test]
    fn every_other_end_is_a_failure_with_its_reason() {
        assert_eq!(failure("echo one; exit 3"), "it exited with status 3");
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
            Some("cannot start '/nonexistent': no such file or directory")
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
        let mark = "left etc shadow 1 2 3 4 5";
        for piece in [
            "pro",
            "gress\nle",
            "ft etc shadow 1 2 3 4 5\nleft\n{\"a\"",
            ":1}",
            "\n",
        ] {
            lines.feed(piece.as_bytes());
        }
        let marks = [Mark::parse(mark.as_bytes()).unwrap()];
        assert_eq!(
            lines.summary(),
            Some((r#"{"a":1}"#.to_owned(), marks.to_vec()))
        );
    }
}
