//! A monitor that runs, in a pid and a mount namespace of its own, and its processes. It is
//! PID 1 there, so no process outlives a test.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::processes::{children, command_line, field, field_of, uids};
use occ_gate_testing::until;

pub(crate) const GATE: &str = env!("CARGO_BIN_EXE_occ-gate");
/// The uid of the web half.
pub(crate) const WEB_UID: u32 = 901;

/// A monitor that runs.
pub(crate) struct Monitor {
    unshare: Child,
    pub(crate) pid: i32,
    log: Arc<Mutex<String>>,
    /// Reads the log to its end.
    reader: JoinHandle<()>,
    /// Web halves that were taken over: never the same one twice.
    pub(crate) taken: RefCell<Vec<i32>>,
}

impl Monitor {
    /// Starts it, and waits until it is there.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut unshare = command.spawn().unwrap();
        let (log, reader) = collect(unshare.stderr.take().unwrap());
        let mut monitor = Self {
            pid: 0,
            unshare,
            log,
            reader,
            taken: RefCell::default(),
        };
        let unshare = monitor.unshare.id().cast_signed();
        until("a monitor", || {
            let below = children(unshare)
                .into_iter()
                .flat_map(|pid| [vec![pid], children(pid)].concat());
            let found = below.into_iter().find(|pid| command_line(*pid) == [GATE]);
            monitor.pid = found.unwrap_or_default();
            monitor.assert_runs();
            found.is_some()
        });
        monitor
    }

    pub(crate) fn assert_runs(&mut self) {
        let ended = self.unshare.try_wait().unwrap();
        assert!(ended.is_none(), "{}", self.log());
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The web half that runs by now and is who it should be.
    pub(crate) fn web_half(&self) -> Option<i32> {
        let is_web = |pid: &i32| {
            command_line(*pid).get(1).is_some_and(|word| word == "web")
                && uids(*pid) == [WEB_UID; 4]
                && field(*pid, "NoNewPrivs") == "1"
                && field(*pid, "CapEff") == "0000000000000000"
        };
        children(self.pid).into_iter().find(is_web)
    }

    /// Processes with that uid here, zombies aside.
    pub(crate) fn processes_of(&self, uid: u32) -> Vec<i32> {
        let mut found = Vec::new();
        let mut unseen = vec![self.pid];
        while let Some(pid) = unseen.pop() {
            unseen.extend(children(pid));
            if uids(pid).contains(&uid) && !field(pid, "State").starts_with('Z') {
                found.push(pid);
            }
        }
        found
    }

    /// Threads that run under that uid here, whatever became of the first of each group.
    pub(crate) fn threads_of(&self, uid: u32) -> usize {
        let mut count = 0;
        let mut unseen = vec![self.pid];
        while let Some(pid) = unseen.pop() {
            unseen.extend(children(pid));
            if uids(pid).contains(&uid) {
                let threads = fs::read_dir(format!("/proc/{pid}/task"));
                let threads = threads.into_iter().flatten().flatten();
                let runs = |thread: &fs::DirEntry| {
                    let status = fs::read_to_string(thread.path().join("status"));
                    let state = field_of(&status.unwrap_or_default(), "State");
                    !state.is_empty() && !state.starts_with(['Z', 'X'])
                };
                count += threads.filter(runs).count();
            }
        }
        count
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).unwrap();
    }

    /// A program of the same container, by root's doing under a uid.
    pub(crate) fn run_as(&self, uid: u32, words: &[&str], beat: &Path) -> Child {
        let target = format!("--target={}", self.pid);
        let mut command = Command::new("nsenter");
        command
            .args([&target, "--pid", "--", "setpriv", "--clear-groups"])
            .args([format!("--reuid={uid}"), format!("--regid={uid}")])
            .args(words)
            .env("BEAT", beat);
        command.spawn().unwrap()
    }

    /// `occ-gate ARGS` in the same container: exit status, stdout, stderr.
    pub(crate) fn beside(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let target = format!("--target={}", self.pid);
        let mut command = Command::new("nsenter");
        command.args([&target, "--mount", "--pid", GATE]).args(args);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code();
        (code, text(output.stdout), text(output.stderr))
    }

    /// Ends by itself after a signal; the exit status.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        self.signal(Signal::SIGTERM);
        until("the monitor to stop", || {
            self.unshare.try_wait().unwrap().is_some()
        });
        let status = self.unshare.wait().unwrap().code();
        until("the end of the log", || self.reader.is_finished());
        (status, self.log())
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        if self.unshare.try_wait().ok().flatten().is_none() {
            // PID 1 of its namespace: all others go with it.
            for pid in children(self.unshare.id().cast_signed()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
            let _ = self.unshare.wait();
        }
        if thread::panicking() {
            eprintln!("the monitor said:\n{}", self.log());
        }
    }
}

fn collect(mut from: impl std::io::Read + Send + 'static) -> (Arc<Mutex<String>>, JoinHandle<()>) {
    let text = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&text);
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
    (text, reader)
}
