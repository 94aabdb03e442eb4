//! A place for monitors: the files of /etc, /home, /run and /var that one finds, and the
//! command that starts it among them.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use sha_crypt::password_hash::PasswordHasher as _;
use sha_crypt::{Algorithm, Params, ShaCrypt};

use crate::running::{GATE, Monitor, WEB_UID};
use occ_gate_testing::{turns, until};

/// The monitor in place of the shell, which is PID 1.
const AS_FIRST: &str = "exec \"$0\"";
const PAM: &str = "auth required pam_unix.so nodelay\n\
    account required pam_unix.so\n\
    password required pam_unix.so sha512 rounds=6000\n\
    session required pam_unix.so\n";

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

impl Place {
    pub(crate) fn with(names: &[&str]) -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "these tests become other people: run them as root"
        );
        turns::shared();
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
        Monitor::start(self.command(AS_FIRST))
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
        let mut monitor = Monitor::start(self.command(then));
        until("a web half", || {
            monitor.assert_runs();
            monitor.web_half().is_some()
        });
        monitor
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
