//! A container: occ-init as PID 1 of a pid namespace, with a tree's files in a
//! mount namespace. Every wait is for a condition, with a deadline.

mod setup;
mod volume;

use crate::support::run::output;
pub(crate) use crate::support::signals::{CONT, HUP, KILL, STOP, TERM};
use crate::support::{PATIENCE, SOON, children, field, stays, within};
use crate::tree::{Tree, hash};
pub(crate) use setup::Setup;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
pub(crate) use volume::{Volume, hold_lock};

/// The line of PID 1 with -v when it starts a restore.
const STARTED: &str = "account files or records changed: restoring";

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_occ-init");

/// A running container, killed when dropped.
pub(crate) struct Container {
    pub(crate) tree: Tree,
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
}

impl Container {
    /// With accounts, whose hashes are of the letters a, b, …
    pub(crate) fn with(volume: &Volume, names: &[&str]) -> Self {
        let container = Setup::new().boot(volume);
        for (name, letter) in names.iter().zip('a'..) {
            container.add(name, letter);
        }
        container.until_idle();
        container
    }

    pub(crate) fn add(&self, name: &str, letter: char) {
        let script = format!(
            "echo '{}' | occ user add {name} --password-hash-stdin",
            hash(letter)
        );
        self.occ(&script);
    }

    /// PID 1, or the init that stands for it, seen from here.
    pub(crate) fn pid(&self) -> i32 {
        let mut found = self.child.id().cast_signed();
        loop {
            let child = children(found).first().copied();
            found = child.unwrap_or_else(|| panic!("no PID 1: {}", self.said()));
            // Under strace(1) or another init, and in another's PID namespace, it is a child of
            // these.
            if !["strace", "unshare", "dumb-init"].contains(&&*field(found, "Name")) {
                return found;
            }
        }
    }

    pub(crate) fn children(&self) -> Vec<i32> {
        children(self.pid())
    }

    pub(crate) fn signal(&self, signal: i32) {
        let signal = nix::sys::signal::Signal::try_from(signal).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).unwrap();
    }

    fn enter(&self, words: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        let target = self.pid().to_string();
        command
            .args(["--target", &target, "--pid", "--mount", "--"])
            .args(words);
        command
    }

    /// A shell script inside, which knows our program as `occ`.
    pub(crate) fn run(&self, script: &str) -> Output {
        let script = format!("occ() {{ {BINARY} \"$@\"; }}\n{script}");
        let mut command = self.enter(&["sh", "-c", &script]);
        let pipes = command.stdin(Stdio::null()).stdout(Stdio::piped());
        output(pipes.stderr(Stdio::piped()).spawn().unwrap())
    }

    /// The same script's exit status, and both of its streams.
    pub(crate) fn ran(&self, script: &str) -> (i32, String, String) {
        let output = self.run(script);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap();
        (code, text(&output.stdout), text(&output.stderr))
    }

    /// The status file; null until there is one.
    pub(crate) fn status(&self) -> serde_json::Value {
        let text = fs::read(self.tree.path("run/occ-init/status.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// A shell script inside that must work.
    pub(crate) fn occ(&self, script: &str) {
        let output = self.run(script);
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{err}");
    }

    /// A process of that uid, for ever.
    pub(crate) fn process_of(&self, uid: u32) -> Child {
        let id = uid.to_string();
        let words = [
            "setpriv",
            "--reuid",
            &id,
            "--regid",
            &id,
            "--clear-groups",
            "sleep",
            "1000",
        ];
        let child = self.enter(&words).spawn().unwrap();
        self.until("it runs as its uid", || self.runs(uid));
        child
    }

    /// Returns true if anything of that uid runs in the container.
    pub(crate) fn runs(&self, uid: u32) -> bool {
        let script =
            format!("cat /proc/[0-9]*/status | grep -q '^Uid:[[:space:]]*{uid}[[:space:]]'");
        self.run(&script).status.success()
    }

    /// How many processes of that name there are inside.
    pub(crate) fn processes(&self, name: &str) -> usize {
        let output = self.run(&format!("cat /proc/[0-9]*/comm | grep -cx {name}"));
        let count = String::from_utf8_lossy(&output.stdout).into_owned();
        count.trim().parse().unwrap()
    }

    /// chpasswd(8) inside: what passwd(1) does to the files, without a terminal.
    pub(crate) fn chpasswd(&self, name: &str, letter: char) {
        self.occ(&format!("echo '{name}:{}' | chpasswd -e", hash(letter)));
    }

    /// A new shadow by rename, by a program that knows no locks.
    pub(crate) fn swap_hash(&self, name: &str, letter: char) {
        let line = self.tree.line("etc/shadow", name).unwrap();
        let mut fields: Vec<&str> = line.split(':').collect();
        let new = hash(letter);
        fields[1] = &new;
        self.tree.edit("etc/shadow", &line, &fields.join(":"));
    }

    pub(crate) fn shadow(&self, name: &str) -> String {
        let line = self.tree.line("etc/shadow", name);
        line.and_then(|line| line.split(':').nth(1).map(str::to_owned))
            .unwrap_or_default()
    }

    pub(crate) fn said(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    pub(crate) fn out(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    /// How many restores were started since the boot.
    pub(crate) fn starts(&self) -> usize {
        self.said().matches(STARTED).count()
    }

    #[track_caller]
    pub(crate) fn until(&self, what: &str, condition: impl FnMut() -> bool) -> Duration {
        within(PATIENCE, what, || self.said(), condition)
    }

    #[track_caller]
    pub(crate) fn soon(&self, what: &str, condition: impl FnMut() -> bool) -> Duration {
        within(SOON, what, || self.said(), condition)
    }

    /// How often PID 1 went to sleep or lost its processor.
    pub(crate) fn switches(&self) -> (String, String) {
        let of = |name| field(self.pid(), name);
        (
            of("voluntary_ctxt_switches"),
            of("nonvoluntary_ctxt_switches"),
        )
    }

    /// Until PID 1 slept for longer than any timer of its runs, COMMAND alone.
    pub(crate) fn until_idle(&self) {
        let mut since = (Instant::now(), self.switches());
        self.until("PID 1 is idle", || {
            let now = self.switches();
            if now != since.1 || self.children().len() != 1 {
                since = (Instant::now(), now);
            }
            since.0.elapsed() > Duration::from_millis(1200)
        });
    }

    /// Nothing wakes PID 1 and nothing is written for `long`.
    pub(crate) fn stays_at_rest(&self, volume: &Volume, long: Duration) {
        self.until_idle();
        let before = (self.switches(), self.tree.state(), volume.state());
        stays("PID 1 sleeps", long, || self.switches() == before.0);
        let after = (self.switches(), self.tree.state(), volume.state());
        assert_eq!(before, after, "{}", self.said());
    }

    /// Kills it all at once, as a loss of power does.
    pub(crate) fn crash(&mut self) {
        self.signal(KILL);
        self.child.wait().unwrap();
    }

    /// Waits for its end: exit status, and how long it took.
    pub(crate) fn end(&mut self) -> (i32, Duration) {
        let (out, err) = (Arc::clone(&self.out), Arc::clone(&self.err));
        let said = || format!("{}{}", out.lock().unwrap(), err.lock().unwrap());
        let mut found = None;
        let took = within(PATIENCE, "it ends", said, || {
            found = self.child.try_wait().unwrap();
            found.is_some()
        });
        let status = found.unwrap();
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        (code.unwrap(), took)
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // Who changed its uid does not die with unshare(1).
        if let Ok(None) = self.child.try_wait() {
            self.signal(KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns true if one of a process' files is an inotify instance.
pub(crate) fn watches(pid: i32) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    files
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| target == Path::new("anon_inode:inotify"))
}
