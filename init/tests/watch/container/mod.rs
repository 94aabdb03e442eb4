//! A container: occ-init as PID 1 of a pid namespace, with a tree's files in a
//! mount namespace. Every wait is for a condition, with a deadline.

use crate::support::run::output;
pub(crate) use crate::support::signals::{CONT, HUP, KILL, STOP, TERM};
use crate::support::{PATIENCE, SOON, children, field, stays, until, within};
use crate::tree::{Tree, hash};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The line of PID 1 with -v when it starts a restore.
const STARTED: &str = "account files or records changed: restoring";

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_occ-init");

/// A store that containers share.
pub(crate) struct Volume(TempDir);

impl Volume {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new_in("/dev/shm").unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(directory.path(), private).unwrap();
        Self(directory)
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// The password hash in a record.
    pub(crate) fn hash(&self, name: &str) -> String {
        let text = fs::read(self.path(&format!("{name}.json"))).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let hash = &record["privileged"]["hashedPassword"][0];
        hash.as_str().unwrap_or_default().to_owned()
    }

    /// Everything in it, so that a rewrite with the same content shows.
    fn state(&self) -> String {
        let mut state = String::new();
        for entry in fs::read_dir(self.0.path()).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            let (path, changed) = (entry.path(), meta.modified().unwrap());
            writeln!(state, "{} {changed:?}", path.display()).unwrap();
        }
        state
    }
}

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

/// The store's lock, held by somebody else until dropped.
pub(crate) fn hold_lock(volume: &Volume) -> fs::File {
    let file = fs::File::options()
        .write(true)
        .open(volume.path(".lock"))
        .unwrap();
    let whole = nix::libc::flock {
        l_type: i16::try_from(nix::libc::F_WRLCK).unwrap(),
        l_whence: 0,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    until("the lock is free", || {
        nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_OFD_SETLK(&whole)).is_ok()
    });
    file
}

/// Returns true if one of a process' files is an inotify instance.
pub(crate) fn watches(pid: i32) -> bool {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    files
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|target| target == Path::new("anon_inode:inotify"))
}
