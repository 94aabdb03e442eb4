//! The restore at boot: `occ-init restore --boot` in a process of its own, so
//! that a crash, a loop or a dead disk there can't take PID 1 down, and its
//! memory goes when it goes. Decides nothing about accounts.
//!
//! Each line on the child's stdout is progress; the last one is the summary,
//! one JSON document, which becomes "restore" of the status file as it is.

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
use crate::run_options::Run;
use crate::signals;
use crate::spawn::{self, Failure, Program};
use crate::sys::{self, Environment, SignalMask, Waited};

/// How long the restore may go without a sign of life.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest line kept; more is no summary.
const LONGEST: usize = 1 << 20;
/// Between looks at a child that closed its stdout and has not ended.
const LOOK: Duration = Duration::from_millis(1);

/// How the restore went.
pub(crate) enum Outcome {
    /// The summary, one JSON document.
    Done(String),
    /// Not wanted or not possible; why.
    Skipped(&'static str),
    /// One line.
    Failed(String),
    /// Still at work after `PATIENCE`.
    Late(Late),
}

impl Outcome {
    /// What the status file says about it.
    pub(crate) fn json(&self) -> String {
        match self {
            Self::Done(summary) => summary.clone(),
            Self::Skipped(why) => format!(r#"{{"state":"skipped","reason":"{why}"}}"#),
            Self::Failed(why) => serde_json::json!({"state": "failed", "reason": why}).to_string(),
            Self::Late(_) => r#"{"state":"running"}"#.to_owned(),
        }
    }
}

/// A restore that goes on in the background.
pub(crate) struct Late {
    pid: i32,
    out: OwnedFd,
    lines: Lines,
}

/// Restores, unless told not to or not root.
pub(crate) fn restore(run: &Run<'_>, env: &Environment, mask: SignalMask) -> Outcome {
    if run.no_restore {
        return Outcome::Skipped("--no-restore");
    }
    if !nix::unistd::geteuid().is_root() {
        return Outcome::Skipped("not root");
    }
    let mut args = vec![
        c"occ-init".to_owned(),
        c"restore".to_owned(),
        c"--boot".to_owned(),
    ];
    for (option, given) in [(c"-q", run.globals.quiet), (c"-v", run.globals.verbose)] {
        args.extend(given.then(|| option.to_owned()));
    }
    for (option, path) in [
        (c"--root", &run.globals.root),
        (c"--store", &run.globals.store),
    ] {
        if let Some(path) = path.as_deref().and_then(c_path) {
            args.extend([option.to_owned(), path]);
        }
    }
    let entries: Vec<&CStr> = env.entries().collect();
    await_child(
        &[c"/proc/self/exe".to_owned()],
        &args,
        &entries,
        mask,
        PATIENCE,
    )
}

/// None for a path that holds a NUL, which a command line can't give.
fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}

fn await_child(
    paths: &[CString],
    args: &[CString],
    env: &[&CStr],
    mask: SignalMask,
    patience: Duration,
) -> Outcome {
    let arguments: Vec<&CStr> = args.iter().map(CString::as_c_str).collect();
    let (out, into) = match nix::unistd::pipe2(OFlag::O_CLOEXEC) {
        Ok(ends) => ends,
        Err(error) => return Outcome::Failed(format!("cannot make a pipe: {}", described(error))),
    };
    let started = spawn::start(&Program {
        paths,
        argv: &arguments,
        env,
        listen_pid: false,
        mask,
        ignore_sigchld: false,
        terminal: None,
        stdout: Some(into.as_fd()),
        identity: None,
    });
    drop(into);
    match started {
        Ok(pid) => Late {
            pid,
            out,
            lines: Lines::default(),
        }
        .watch(patience),
        Err(
            Failure::Clone(error)
            | Failure::Stdout(error)
            | Failure::Identity(error)
            | Failure::Exec(error),
        ) => Outcome::Failed(format!("cannot start it: {}", described(error))),
    }
}

fn described(error: Errno) -> String {
    error.desc().to_lowercase()
}

impl Late {
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

    /// Goes on without it; what it still writes must fit into the pipe.
    fn leave(self) -> Outcome {
        let _ = fcntl(&self.out, FcntlArg::F_SETPIPE_SZ(1 << 20));
        let _ = fcntl(&self.out, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
        Outcome::Late(self)
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
                Some(summary) => Outcome::Done(summary),
                None => Outcome::Failed("it gave no summary".to_owned()),
            },
            Change::Exited(status) => Outcome::Failed(format!("it exited with status {status}")),
            Change::Died { signal, .. } | Change::Stopped(signal) => {
                Outcome::Failed(format!("it was killed by {}", signals::name(signal)))
            }
        }
    }
}

/// The last line of what was fed, whole or not.
#[derive(Default)]
struct Lines {
    last: Vec<u8>,
    /// The next byte begins a new line.
    ended: bool,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if std::mem::replace(&mut self.ended, *byte == b'\n') {
                self.last.clear();
            }
            if !self.ended && self.last.len() < LONGEST {
                self.last.push(*byte);
            }
        }
    }

    /// The last line, if it is one JSON object.
    fn summary(self) -> Option<String> {
        let text = String::from_utf8(self.last).ok()?;
        let is_json = text.starts_with('{') && serde_json::from_str::<IgnoredAny>(&text).is_ok();
        is_json.then_some(text)
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
        await_child(
            &[c"/bin/sh".to_owned()],
            &args,
            &[path],
            SignalMask::NONE,
            patience,
        )
    }

    fn failure(script: &str) -> String {
        match shell(script, PATIENCE) {
            Outcome::Failed(why) => why,
            other => panic!("{}", other.json()),
        }
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
        let missing = await_child(
            &[c"/nonexistent".to_owned()],
            &[],
            &[],
            SignalMask::NONE,
            PATIENCE,
        );
        assert!(
            missing
                .json()
                .contains("cannot start it: no such file or directory")
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
        for piece in ["pro", "gress\n{\"a\"", ":1}", "\n"] {
            lines.feed(piece.as_bytes());
        }
        assert_eq!(lines.summary().as_deref(), Some(r#"{"a":1}"#));
    }
}
