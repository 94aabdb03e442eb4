//! Starts `occ-init` and watches it. Every wait is for a condition, with a
//! deadline that fails the test.
#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io::PipeWriter;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tempfile::TempDir;

use crate::support::run::{Reader, output};
pub(crate) use crate::support::{children, field, kill, state, until};

/// The place of occ-init: PID 1, or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// PID 1 of a pid namespace of its own, as a script makes one.
    Namespace,
    /// The same as leader of its session, as in a container.
    Container,
    Subreaper,
}

pub(crate) const BOTH: [Place; 2] = [Place::Namespace, Place::Subreaper];

/// An occ-init to be started.
pub(crate) struct Setup {
    place: Place,
    pub(crate) command: Command,
    root: TempDir,
}

/// `occ-init --no-restore --root TEMP ARGS`, stdin and stdout piped, stderr too.
pub(crate) fn setup(place: Place, args: &[&str]) -> Setup {
    let mut setup = setup_restoring(place, &["--no-restore"]);
    setup.command.args(args);
    setup
}

/// The same without `--no-restore`.
pub(crate) fn setup_restoring(place: Place, args: &[&str]) -> Setup {
    assert!(
        nix::unistd::geteuid().is_root(),
        "these tests make pid namespaces: run them as root"
    );
    let root = tempfile::tempdir().unwrap();
    let mut command = match place {
        Place::Subreaper => Command::new(env!("CARGO_BIN_EXE_occ-init")),
        Place::Namespace | Place::Container => {
            let mut command = Command::new("unshare");
            command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
            if place == Place::Container {
                // Takes the terminal, if there is one, from the session of unshare.
                command.args(["setsid", "--ctty"]);
            }
            command.arg(env!("CARGO_BIN_EXE_occ-init"));
            command
        }
    };
    command.arg("--root").arg(root.path()).args(args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Setup {
        place,
        command,
        root,
    }
}

/// Another init with its words, in this place, to compare with; stdin, stdout and stderr
/// piped, as ours.
pub(crate) fn beside(place: Place, words: &[&str]) -> Setup {
    let mut setup = setup_restoring(place, &[]);
    let mut command = match place {
        Place::Subreaper => Command::new(words[0]),
        Place::Namespace | Place::Container => {
            let mut command = Command::new("unshare");
            command.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
            command.arg(words[0]);
            command
        }
    };
    command
        .args(&words[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    setup.command = command;
    setup
}

/// A program without occ-init, to compare with.
pub(crate) fn bare(args: &[&str]) -> Setup {
    let mut setup = setup_restoring(Place::Subreaper, &[]);
    setup.command = Command::new(args[0]);
    setup.command.args(&args[1..]);
    setup.command.stdout(Stdio::piped()).stderr(Stdio::piped());
    setup
}

/// Runs to the end: exit status, stdout, stderr.
pub(crate) fn run(place: Place, args: &[&str]) -> (i32, String, String) {
    setup(place, args).run()
}

impl Setup {
    /// The tree that it works on.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The tree outlives the run.
    pub(crate) fn keep(mut self) -> (TempDir, Self) {
        let kept = std::mem::replace(&mut self.root, tempfile::tempdir().unwrap());
        (kept, self)
    }

    /// Works on another's tree.
    pub(crate) fn on(mut self, root: TempDir) -> Self {
        let (before, args) = (self.root.path().to_owned(), self.command.get_args());
        let args: Vec<OsString> = args
            .map(|arg| {
                if arg == before {
                    root.path().into()
                } else {
                    arg.into()
                }
            })
            .collect();
        let mut command = Command::new(self.command.get_program());
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.command = command;
        self.root = root;
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Calls `hook` in the process that becomes occ-init.
    pub(crate) fn before(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        // SAFETY: hooks make system calls only.
        unsafe {
            self.command.pre_exec(move || {
                hook();
                Ok(())
            });
        }
        self
    }

    /// Has it inherit an end of a pipe, under its number here. In that process alone:
    /// others are started meanwhile. What is here of it goes with the start.
    pub(crate) fn passing_on(self, end: PipeWriter) -> Self {
        self.before(move || {
            fcntl(&end, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        })
    }

    pub(crate) fn run(mut self) -> (i32, String, String) {
        let output = output(self.command.stdin(Stdio::null()).spawn().unwrap());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            code(output.status),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    /// The exit status alone: the streams are the test's own.
    pub(crate) fn run_as_it_is(mut self) -> i32 {
        code(self.command.stdin(Stdio::null()).status().unwrap())
    }

    pub(crate) fn start(mut self) -> Init {
        let mut child = self.command.spawn().unwrap();
        let out = child.stdout.take().map(Reader::new);
        Init {
            place: self.place,
            child,
            out,
            root: self.root,
        }
    }
}

fn code(status: std::process::ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| panic!("killed by signal {:?}", status.signal()))
}

/// A running occ-init.
pub(crate) struct Init {
    place: Place,
    pub(crate) child: Child,
    out: Option<Reader<ChildStdout>>,
    pub(crate) root: TempDir,
}

impl Init {
    /// The next line of COMMAND's stdout.
    pub(crate) fn line(&mut self) -> String {
        self.out.as_mut().unwrap().line()
    }

    /// Its process id as we see it; COMMAND must have been heard of.
    pub(crate) fn pid(&self) -> i32 {
        let own = self.child.id().cast_signed();
        match self.place {
            Place::Subreaper => own,
            Place::Namespace | Place::Container => *children(own).first().expect("unshare's child"),
        }
    }

    pub(crate) fn kill(&self, signal: i32) {
        kill(self.pid(), signal);
    }

    /// Closes COMMAND's stdin, waits for the end, and returns the exit status,
    /// the rest of stdout, and stderr.
    pub(crate) fn end(mut self) -> (i32, String, String) {
        drop(self.child.stdin.take());
        let out = self.out.take().unwrap().rest();
        let err = Reader::new(self.child.stderr.take().unwrap()).rest();
        (self.exit_code(), out, err)
    }

    pub(crate) fn exit_code(&mut self) -> i32 {
        let mut found = None;
        until("occ-init ends", || {
            found = self.child.try_wait().unwrap();
            found.is_some()
        });
        code(found.unwrap())
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// This test binary, which becomes the probe when `PROBE` is set.
pub(crate) fn probe() -> String {
    std::env::current_exe()
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned()
}
