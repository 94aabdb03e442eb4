//! How a container is to be started, and its start.

use super::volume::Volume;
use super::{BINARY, Container};
use crate::support::field;
use crate::tree::Tree;
use std::fmt::Write as _;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// How a container is to be started.
pub(crate) struct Setup {
    pub(crate) tree: Tree,
    before: String,
    wrapper: String,
    options: String,
    traps: String,
    command: String,
}

impl Setup {
    pub(crate) fn new() -> Self {
        let tree = Tree::new();
        for directory in ["run", "var/lib/opencode-users", "var/log"] {
            fs::create_dir_all(tree.path(directory)).unwrap();
        }
        Self {
            tree,
            before: String::new(),
            wrapper: String::new(),
            options: "-v".to_owned(),
            traps: String::new(),
            command: "exec sleep 1000".to_owned(),
        }
    }

    /// A shell command that runs before occ-init, when all is mounted.
    pub(crate) fn before(mut self, script: &str) -> Self {
        script.clone_into(&mut self.before);
        self
    }

    /// A program that starts occ-init.
    pub(crate) fn wrapper(mut self, words: &str) -> Self {
        words.clone_into(&mut self.wrapper);
        self
    }

    /// occ-init's options instead of `-v`.
    pub(crate) fn options(mut self, words: &str) -> Self {
        words.clone_into(&mut self.options);
        self
    }

    /// Signals that COMMAND tells, by their names in small letters.
    pub(crate) fn traps(mut self, signals: &[&str]) -> Self {
        for signal in signals {
            let name = signal.to_lowercase();
            write!(self.traps, "trap 'echo {name}' {signal}; ").unwrap();
        }
        self.command("while :; do sleep 0.05; done")
    }

    /// The script of COMMAND, a shell, after it printed `ready`.
    pub(crate) fn command(mut self, script: &str) -> Self {
        script.clone_into(&mut self.command);
        self
    }

    pub(crate) fn boot(self, volume: &Volume) -> Container {
        let words = [
            "unshare",
            "--pid",
            "--mount",
            "--fork",
            "--mount-proc",
            "--kill-child",
        ];
        self.boot_by(&words, volume)
    }

    /// In the PID namespace of another container, as docker's `--pid container:NAME` has it.
    pub(crate) fn boot_in(mut self, other: &Container, volume: &Volume) -> Container {
        self.before = format!("mount -t proc proc /proc\n{}", self.before);
        let target = other.pid().to_string();
        let enter = ["nsenter", "--target", &target, "--pid", "--"];
        let unshare = ["unshare", "--mount", "--fork", "--kill-child"];
        self.boot_by(&[&enter[..], &unshare].concat(), volume)
    }

    /// `words` make the namespaces.
    fn boot_by(self, words: &[&str], volume: &Volume) -> Container {
        let script = format!(
            "set -e
            for directory in etc home var run; do mount --bind \"$TREE/$directory\" \"/$directory\"; done
            mount --bind \"$STORE\" /var/lib/opencode-users
            {}
            exec {} \"$OCC\" {} -- sh -c \"$SCRIPT\"",
            self.before, self.wrapper, self.options
        );
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .args(["sh", "-c", &script])
            .env("TREE", self.tree.root())
            .env("STORE", volume.0.path())
            .env("OCC", BINARY)
            .env(
                "SCRIPT",
                format!("{}echo ready; {}", self.traps, self.command),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = collect(child.stdout.take().unwrap());
        let err = collect(child.stderr.take().unwrap());
        let container = Container {
            tree: self.tree,
            child,
            out,
            err,
        };
        container.until("COMMAND runs", || {
            container.out().contains("ready") || !is_alive(container.child.id())
        });
        assert!(container.out().contains("ready"), "{}", container.said());
        container
    }
}

/// Reads along, so that nobody has to wait for a reader.
fn collect(mut from: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&text);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let piece = String::from_utf8_lossy(&buffer[..count]).into_owned();
            into.lock().unwrap().push_str(&piece);
        }
    });
    text
}

fn is_alive(pid: u32) -> bool {
    field(pid.cast_signed(), "State").starts_with(['R', 'S', 'D', 'T'])
}
