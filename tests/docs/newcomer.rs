//! `./demo` and `./test` on machines that are not ready for them: no Rust or an old one, no
//! root, a full disk, no network. Each ends with what is wrong and what to do, before it has
//! changed anything.

use crate::harness::{Call, Finished, source};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Programs of the base system that the scripts use.
const BASE: [&str; 19] = [
    "bash", "cat", "cut", "df", "dirname", "env", "find", "grep", "head", "id", "ls", "mkdir",
    "nproc", "rm", "sed", "sort", "tail", "touch", "uname",
];
/// They count their calls.
const FAKE: &str = "#!/bin/bash\necho \"${0##*/} $*\" >>\"$CALLS\"\n";

/// A clone's scripts, and a machine with nothing but the base system.
struct Machine {
    place: TempDir,
}

impl Machine {
    fn new() -> Self {
        let readable = fs::Permissions::from_mode(0o755);
        let place = tempfile::Builder::new()
            .permissions(readable.clone())
            .tempdir()
            .unwrap();
        let machine = Self { place };
        for directory in ["bin", "clone/image", "clone/init"] {
            fs::create_dir_all(machine.path(directory)).unwrap();
        }
        fs::create_dir(machine.path("home")).unwrap();
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(machine.path("home"), open).unwrap();
        for file in [
            "demo",
            "test",
            "image/machine",
            "image/fetch",
            "image/opencode.version",
            "Cargo.toml",
        ] {
            fs::copy(source(file), machine.path("clone").join(file)).unwrap();
        }
        let path = std::env::var("PATH").unwrap();
        for program in BASE {
            let found = path
                .split(':')
                .map(|directory| Path::new(directory).join(program));
            let found = found.into_iter().find(|file| file.exists()).unwrap();
            symlink(found, machine.path("bin").join(program)).unwrap();
        }
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    /// Has one more program, a line of shell.
    fn with(self, path: &str, line: &str) -> Self {
        let path = self.path(path);
        fs::write(&path, format!("{FAKE}{line}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// And what the programs need that are built and in the image.
    fn with_packages(self) -> Self {
        let mut machine = self;
        for program in ["cc", "npm", "curl", "debootstrap"] {
            machine = machine.with(&format!("bin/{program}"), "exit 1");
        }
        machine
    }

    fn call(&self, words: &[&str]) -> Call {
        let (program, args) = words.split_first().unwrap();
        Call::new(program)
            .args(args)
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("CALLS", self.path("home/calls"))
            .env("CARGO_TARGET_DIR", self.path("home/target"))
            .env("DOCKER_HOST", "unix:///nonexistent/engine.sock")
            .without_env("XDG_STATE_HOME")
            .without_env("XDG_CACHE_HOME")
            .without_env("RUSTUP_TOOLCHAIN")
    }

    /// Runs a script of the clone.
    fn run(&self, script: &str) -> Finished {
        let script = self.path("clone").join(script);
        self.call(&["/bin/bash", script.to_str().unwrap()]).run()
    }

    /// The same as somebody without power.
    fn run_as_nobody(&self, script: &str) -> Finished {
        let script = self.path("clone").join(script);
        let ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let words = [
            &["/usr/bin/setpriv"],
            &ids[..],
            &["/bin/bash", script.to_str().unwrap()],
        ];
        self.call(&words.concat()).run()
    }

    /// The calls of programs that are not of the base system.
    fn calls(&self) -> String {
        fs::read_to_string(self.path("home/calls")).unwrap_or_default()
    }
}

/// Ends with two lines: what is wrong, and what to do.
#[track_caller]
fn ends(done: &Finished, message: &str, hint: &str) {
    let said: Vec<&str> = done.stderr.lines().rev().take(2).collect();
    assert_eq!(said, [&format!("hint: {hint}"), message], "{done:#?}");
}

const RUST: &str = "echo cargo 1.95.0";

#[test]
fn no_rust() {
    let machine = Machine::new();
    for script in ["demo", "test"] {
        let hint = "install Rust with rustup (https://rustup.rs), then run this in a new shell";
        ends(
            &machine.run(script).exits(1),
            &format!("{script}: cargo is missing"),
            hint,
        );
    }
    assert_eq!(machine.calls(), "");
}

#[test]
fn old_rust() {
    let machine = Machine::new().with("bin/cargo", "echo cargo 1.63.0");
    let hint = "'rustup update', or install Rust with rustup (https://rustup.rs)";
    let message = "demo: cargo 1.63.0 is too old: this needs 1.89";
    ends(&machine.run("demo").exits(1), message, hint);
    let broken = Machine::new().with("bin/cargo", "exit 1");
    let hint = "'cargo --version' says why; 'rustup default stable' installs a compiler";
    ends(
        &broken.run("demo").exits(1),
        "demo: cargo does not work",
        hint,
    );
}

#[test]
fn no_root() {
    let machine = Machine::new()
        .with("bin/cargo", RUST)
        .with("bin/apt-get", "exit 1");
    let done = machine.run_as_nobody("demo").exits(1);
    assert!(done.stderr.contains(" takes root\n"), "{done:#?}");
    assert!(
        done.stderr
            .ends_with("hint: run this as root, or install sudo\n"),
        "{done:#?}"
    );
    let done = machine.run_as_nobody("test").exits(1);
    let hint = "sudo env \"PATH=$PATH\" \"HOME=$HOME\" ./test";
    ends(
        &done,
        "test: the tests become other people, which takes root",
        hint,
    );
    assert!(!machine.calls().contains("apt-get"), "{}", machine.calls());
    // One who may not use it.
    let machine = machine.with(
        "bin/sudo",
        "echo 'Sorry, user nobody may not run sudo.' >&2; exit 1",
    );
    let done = machine.run_as_nobody("demo").exits(1);
    assert!(
        done.stderr
            .contains(" takes root, and sudo refuses\nhint: run this as root\n"),
        "{done:#?}"
    );
}

#[test]
fn full_disk() {
    let machine = Machine::new().with("bin/cargo", RUST).with_packages();
    let target = machine.path("home/target");
    fs::create_dir(&target).unwrap();
    for (script, needed) in [("demo", 1500), ("test", 12000)] {
        let script = machine.path("clone").join(script);
        let small = format!(
            "mount -t tmpfs -o size=4m small '{}' && exec bash '{}'",
            target.display(),
            script.display()
        );
        let words = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c"];
        let path = format!("{}:/usr/bin:/bin", machine.path("bin").display());
        let call = machine
            .call(&[&words[..], &[&small]].concat())
            .env("PATH", path);
        let done = call.run().exits(1);
        let message = format!(
            "'{}' has 4 MB left, and this needs {needed} MB",
            target.display()
        );
        assert!(done.stderr.contains(&message), "{done:#?}");
        assert!(
            done.stderr
                .ends_with("hint: free some space, then run this again\n")
        );
    }
    assert!(
        !machine.calls().contains("cargo build"),
        "{}",
        machine.calls()
    );
}

/// apt's own words, and those of each program that asks the net.
#[test]
fn no_network() {
    let apt = "echo \"Err:1 http://mirror.example bookworm InRelease\n  Temporary failure resolving 'mirror.example'\"; exit 100";
    let machine = Machine::new()
        .with("bin/cargo", RUST)
        .with("bin/apt-get", apt);
    let done = machine.run("demo").exits(1);
    let log = machine.path("home/.local/state/occ/demo/apt.log");
    let hint = format!(
        "hint: apt does not reach its mirror: is there a network? The whole log is '{}'\n",
        log.display()
    );
    assert!(done.stderr.contains("demo: cannot install "), "{done:#?}");
    assert!(done.stderr.ends_with(&hint), "{done:#?}");

    let machine = Machine::new()
        .with_packages()
        .with("bin/mktemp", "exec /bin/mktemp \"$@\"")
        .with("bin/sha512sum", "exec /usr/bin/sha512sum \"$@\"");
    let done = machine.run("image/fetch").exits(1);
    let told = done
        .stderr
        .lines()
        .filter(|line| line.starts_with("fetch: npm could not get "));
    assert_eq!(told.count(), 1, "{done:#?}");
    let cache = fs::read_dir(machine.path("home/.cache/occ")).unwrap();
    assert_eq!(cache.count(), 0, "nothing is left");
}

/// An engine that answers, and crates.io that does not.
#[test]
fn no_crates() {
    let machine = Machine::new()
        .with("bin/cargo", RUST)
        .with_packages()
        .with(
            "bin/docker",
            "case $1 in info) echo /nonexistent ;; volume | container) exit 1 ;; esac",
        )
        .with(
            "clone/init/build-static",
            "echo 'error: failed to download from crates.io' >&2; exit 101",
        );
    let done = machine.run("demo").exits(1);
    let hint = format!(
        "the lines above say why; cargo has to reach crates.io (is there a network?), and '{}' has to have room",
        machine.path("home/target").display()
    );
    ends(&done, "demo: the programs could not be built", &hint);
    assert!(
        done.stdout.contains("[2/7]") && done.stdout.contains(" min)\n"),
        "{done:#?}"
    );
    assert!(
        !machine.calls().contains("docker run"),
        "{}",
        machine.calls()
    );
}
