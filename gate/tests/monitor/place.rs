//! Where a monitor runs: a pid and a mount namespace with /etc, /home, /run and
//! /var of its own. It is PID 1 there, so no process outlives a test.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sha_crypt::password_hash::PasswordHasher as _;
use sha_crypt::{Algorithm, Params, ShaCrypt};

use crate::processes::{children, command_line, field, field_of, uids};
use occ_gate_testing::until;

/// The monitor in place of the shell, which is PID 1.
const AS_FIRST: &str = "exec \"$0\"";
const GATE: &str = env!("CARGO_BIN_EXE_occ-gate");
const PAM: &str = "auth required pam_unix.so nodelay\n\
    account required pam_unix.so\n\
    password required pam_unix.so sha512 rounds=6000\n\
    session required pam_unix.so\n";
/// The uid of the web half.
pub(crate) const WEB_UID: u32 = 901;

/// A person of a place.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) password: String,
    pub(crate) hash: String,
    pub(crate) shell: &'static str,
    /// Fields of shadow(5) from the last change on, before `expire`.
    pub(crate) aging: &'static str,
    pub(crate) expire: &'static str,
}

/// Files that a monitor finds; may be used by one after the other.
pub(crate) struct Place {
    directory: tempfile::TempDir,
    pub(crate) people: Vec<Person>,
    pub(crate) environment: Vec<(String, String)>,
}

/// A monitor that runs.
pub(crate) struct Monitor {
    unshare: Child,
    pub(crate) pid: i32,
    log: Arc<Mutex<String>>,
    /// Web halves that were taken over: never the same one twice.
    pub(crate) taken: RefCell<Vec<i32>>,
}

impl Place {
    pub(crate) fn with(names: &[&str]) -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "these tests become other people: run them as root"
        );
        let directory = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in("/dev/shm")
            .unwrap();
        let person = |(name, uid): (&&str, u32)| Person {
            name: (*name).to_owned(),
            uid,
            password: format!("{name}'s word"),
            hash: hash(&format!("{name}'s word")),
            shell: "/bin/sh",
            aging: "19000:0:99999:7:",
            expire: "",
        };
        let place = Self {
            directory,
            people: names.iter().zip(10_000..).map(person).collect(),
            environment: Vec::new(),
        };
        for path in ["etc/pam.d", "home", "run", "var/lib", "bin"] {
            fs::create_dir_all(place.path(path)).unwrap();
        }
        place.write("etc/pam.d/occ", PAM, 0o644);
        fs::copy(fake_opencode(), place.path("bin/opencode")).unwrap();
        for person in &place.people {
            let home = place.home(&person.name);
            fs::create_dir(&home).unwrap();
            fs::set_permissions(&home, Permissions::from_mode(0o700)).unwrap();
            chown(&home, Some(person.uid), Some(person.uid)).unwrap();
        }
        place.write_accounts();
        place
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    pub(crate) fn home(&self, name: &str) -> PathBuf {
        self.path("home").join(name)
    }

    /// Writes as occ-init does: by rename.
    pub(crate) fn write(&self, path: &str, text: &str, mode: u32) {
        let path = self.path(path);
        let new = path.with_extension("occ-new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(mode)).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// Shadow first, passwd last, as occ-init does.
    pub(crate) fn write_accounts(&self) {
        let mut passwd = format!(
            "root:x:0:0:root:/root:/bin/sh\nocc-gate:x:{WEB_UID}:{WEB_UID}::/nonexistent:/usr/sbin/nologin\n"
        );
        let mut shadow = format!(
            "root:{}:19000:0:99999:7:::\nocc-gate:!:19000:0:99999:7:::\n",
            hash("root's word")
        );
        let mut group =
            format!("root:x:0:\ntty:x:5:\nshadow:x:42:\nocc-gate:x:{WEB_UID}:\naudio:x:29:alice\n");
        for Person {
            name,
            uid,
            hash,
            shell,
            aging,
            expire,
            ..
        } in &self.people
        {
            writeln!(
                passwd,
                "{name}:x:{uid}:{uid}:{name} Doe,,:/home/{name}:{shell}"
            )
            .unwrap();
            writeln!(shadow, "{name}:{hash}:{aging}:{expire}:").unwrap();
            writeln!(group, "{name}:x:{uid}:").unwrap();
        }
        self.write("etc/group", &group, 0o644);
        self.write("etc/shadow", &shadow, 0o640);
        self.write("etc/passwd", &passwd, 0o644);
    }

    pub(crate) fn person(&mut self, name: &str) -> &mut Person {
        self.people
            .iter_mut()
            .find(|person| person.name == name)
            .unwrap()
    }

    /// What the fake opencode does besides listening.
    pub(crate) fn behave(&self, name: &str, behaviour: &str) {
        fs::write(self.home(name).join("behaviour"), behaviour).unwrap();
    }

    /// How often their opencode was started.
    pub(crate) fn starts(&self, name: &str) -> usize {
        fs::read_to_string(self.home(name).join("starts"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    /// What their opencode found when it started.
    pub(crate) fn report(&self, name: &str) -> serde_json::Value {
        let path = self.home(name).join("report.json");
        until("a report", || path.exists());
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// Starts a monitor as PID 1, and waits until its web half is up.
    pub(crate) fn start(&self) -> Monitor {
        self.start_by(AS_FIRST)
    }

    /// Starts a monitor as PID 1, and does not wait for its web half.
    pub(crate) fn begin(&self) -> Monitor {
        self.begin_by(AS_FIRST)
    }

    /// Starts one that is not PID 1, so that others can outlive it.
    pub(crate) fn start_as_child(&self) -> Monitor {
        self.start_by("\"$0\" & exec sleep 1000")
    }

    /// One that can't start: exit status and what it says.
    pub(crate) fn fails(&self) -> (Option<i32>, String) {
        let output = self.command("exec \"$0\"").output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    fn command(&self, then: &str) -> Command {
        let mounts = r#"for directory in etc home run var; do mount --bind "$PLACE/$directory" "/$directory" || exit 98; done; unset PLACE"#;
        let path = format!(
            "{}:/usr/sbin:/usr/bin:/sbin:/bin",
            self.path("bin").display()
        );
        let mut command = Command::new("unshare");
        command
            .args([
                "--pid",
                "--mount",
                "--fork",
                "--mount-proc",
                "--kill-child",
                "sh",
                "-c",
            ])
            .args([&format!("{mounts}\n{then}"), GATE])
            .env_clear()
            .env("PATH", path)
            .env("PLACE", self.directory.path())
            .env("OCC_GATE_LISTEN", "127.0.0.1:0")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn start_by(&self, then: &str) -> Monitor {
        let mut monitor = self.begin_by(then);
        until("a web half", || {
            monitor.assert_runs();
            monitor.web_half().is_some()
        });
        monitor
    }

    fn begin_by(&self, then: &str) -> Monitor {
        let mut unshare = self.command(then).spawn().unwrap();
        let log = collect(unshare.stderr.take().unwrap());
        let mut monitor = Monitor {
            pid: 0,
            unshare,
            log,
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
}

impl Monitor {
    fn assert_runs(&mut self) {
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

    /// Ends by itself after a signal; the exit status.
    pub(crate) fn stop(mut self) -> (Option<i32>, String) {
        self.signal(Signal::SIGTERM);
        until("the monitor to stop", || {
            self.unshare.try_wait().unwrap().is_some()
        });
        let status = self.unshare.wait().unwrap().code();
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

/// cargo builds no programs of other packages for a run of tests.
pub(crate) fn fake_opencode() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let profile = Path::new(GATE).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "build",
            "--locked",
            "--quiet",
            "-p",
            "occ-gate-testing",
            "--bin",
            "fake-opencode",
        ]);
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        assert!(cargo.status().unwrap().success(), "no fake opencode");
        profile.join("fake-opencode")
    })
}

/// crypt(5), as cheap as it may be.
pub(crate) fn hash(password: &str) -> String {
    hash_with(password, 1000)
}

/// crypt(5) with so many rounds.
pub(crate) fn hash_with(password: &str, rounds: u32) -> String {
    let hasher = ShaCrypt::new(Algorithm::Sha512Crypt, Params::new(rounds).unwrap());
    hasher
        .hash_password_with_salt(password.as_bytes(), b"twelve bytes")
        .unwrap()
        .to_string()
}

fn collect(mut from: impl std::io::Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&text);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
    text
}
