//! One container with volumes and a configuration of its own, made by `occ`.

use super::accounts::fingerprint;
use super::slots::Slot;
use super::{Accounts, Call, Finished, docker, occ_init, run};
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// An instance of occ; everything of it goes with it.
pub(crate) struct Instance {
    pub(crate) name: String,
    /// The tag that it runs; `use_image` lets it stand for another image.
    pub(crate) image: String,
    pub(crate) port: u16,
    config: TempDir,
    _slot: Option<Slot>,
}

/// A port that nobody has right now.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Removes a container of this run, those that an update keeps beside it, and
/// its volumes.
pub(crate) fn remove(name: &str) {
    let ends = [
        "",
        "-previous",
        "-next",
        "-replaced",
        "-undone",
        "-older",
        "-next-check",
    ];
    let containers = ends.map(|end| format!("{name}{end}"));
    Call::new("docker")
        .args(["rm", "--force"])
        .args(containers)
        .run();
    let volumes = ["users", "home"].map(|end| format!("{name}-{end}"));
    Call::new("docker")
        .args(["volume", "rm", "--force"])
        .args(volumes)
        .run();
}

impl Instance {
    /// Nothing is started yet. `theme` is unique among the tests.
    pub(crate) fn new(theme: &str) -> Self {
        Self::with(theme, &run().light, Some(Slot::shared()))
    }

    /// Started, with a CMD that only sleeps.
    #[track_caller]
    pub(crate) fn started(theme: &str) -> Self {
        let instance = Self::new(theme);
        instance.start();
        instance
    }

    /// Another one, started, for a test that has one: it needs no slot of its
    /// own, for which two such tests would wait for each other.
    #[track_caller]
    pub(crate) fn beside(_first: &Self, theme: &str) -> Self {
        let instance = Self::with(theme, &run().light, None);
        instance.start();
        instance
    }

    /// Started, while no other test has a container: for measuring time.
    #[track_caller]
    pub(crate) fn alone(theme: &str) -> Self {
        let instance = Self::with(theme, &run().light, Some(Slot::alone()));
        instance.start();
        instance
    }

    /// Started as it is shipped, with opencode; alone.
    #[track_caller]
    pub(crate) fn opencode(theme: &str) -> Self {
        let instance = Self::with(theme, &run().image, Some(Slot::alone()));
        instance.start();
        instance
    }

    fn with(theme: &str, image: &str, slot: Option<Slot>) -> Self {
        let run = run();
        let instance = Self {
            name: format!("{}-{theme}", run.prefix),
            image: format!("{}-for-{theme}", run.image),
            port: free_port(),
            config: tempfile::tempdir().unwrap(),
            _slot: slot,
        };
        instance.use_image(image);
        instance
    }

    /// Lets the instance's tag stand for another image.
    pub(crate) fn use_image(&self, image: &str) {
        docker(["tag", image, &self.image]).ok();
    }

    /// `occ ARGS` for this instance.
    pub(crate) fn occ<const N: usize>(&self, args: [&str; N]) -> Call {
        Call::new(env!("CARGO_BIN_EXE_occ"))
            .args(["--container", &self.name])
            .args(args)
            .env("XDG_CONFIG_HOME", self.config.path())
            .env("OCC_INIT_BIN", occ_init())
    }

    /// Where occ keeps its configuration.
    pub(crate) fn config(&self) -> &Path {
        self.config.path()
    }

    #[track_caller]
    pub(crate) fn start(&self) -> Finished {
        let port = self.port.to_string();
        let done = self
            .occ(["start", "--image", &self.image, "--port", &port])
            .ok();
        self.accounts();
        done
    }

    /// Kills and deletes the container; the volumes stay.
    #[track_caller]
    pub(crate) fn remove_container(&self) {
        docker(["rm", "--force", &self.name]).ok();
    }

    /// The files and records, checked.
    #[track_caller]
    pub(crate) fn accounts(&self) -> Accounts {
        Accounts::of(&self.name)
    }

    /// A digest of all that a user command may change.
    #[track_caller]
    pub(crate) fn fingerprint(&self) -> String {
        fingerprint(&self.name)
    }

    /// `occ user ARGS` with `input`, which works; then all files agree.
    #[track_caller]
    pub(crate) fn user<const N: usize>(&self, args: [&str; N], input: &str) -> Finished {
        let done = self.occ(["user"]).args(args).input(input).ok();
        self.accounts();
        done
    }

    /// `occ user ARGS` with `input`, which exits `code` and changes nothing.
    #[track_caller]
    pub(crate) fn refused<const N: usize>(
        &self,
        args: [&str; N],
        input: &str,
        code: i32,
    ) -> Finished {
        let before = self.fingerprint();
        let done = self.occ(["user"]).args(args).input(input).run().exits(code);
        assert_eq!(before, self.fingerprint(), "changed by {args:?}");
        self.accounts();
        done
    }

    /// Adds an account; its uid.
    #[track_caller]
    pub(crate) fn add(&self, name: &str, password: &str) -> u32 {
        self.user(["add", name, "--password-stdin"], &format!("{password}\n"));
        self.accounts().uid(name)
    }

    /// `docker exec` as root.
    pub(crate) fn exec<const N: usize>(&self, args: [&str; N]) -> Call {
        docker(["exec", "--interactive", &self.name]).args(args)
    }

    /// `docker exec` as somebody.
    pub(crate) fn exec_as<const N: usize>(&self, name: &str, args: [&str; N]) -> Call {
        docker(["exec", "--interactive", "--user", name, &self.name]).args(args)
    }

    /// A shell script run by root in the container; its output.
    #[track_caller]
    pub(crate) fn sh(&self, script: &str) -> String {
        self.exec(["sh", "-c", script]).ok().text().to_owned()
    }

    /// A real PAM login from an account that may become nobody without the
    /// password; the uid it ends in, or why not.
    #[track_caller]
    pub(crate) fn login(&self, name: &str, password: &str) -> Result<u32, String> {
        let tried = self
            .exec_as("nobody", ["su", name, "-c", "id -u"])
            .input(format!("{password}\n"))
            .run();
        match tried.code {
            Some(0) => Ok(tried
                .text()
                .parse()
                .unwrap_or_else(|_| panic!("{tried:#?}"))),
            _ if tried.stderr.contains("su: ") => Err(tried.stderr),
            _ => panic!("su itself failed: {tried:#?}"),
        }
    }

    /// Logs in and is not let in.
    #[track_caller]
    pub(crate) fn shut_out(&self, name: &str, password: &str) {
        if let Ok(uid) = self.login(name, password) {
            panic!("'{name}' got in as uid {uid}");
        }
    }

    /// One field of `docker inspect`.
    #[track_caller]
    pub(crate) fn inspect(&self, template: &str) -> String {
        docker(["inspect", "--format", template, &self.name])
            .ok()
            .text()
            .to_owned()
    }

    /// Both streams of the container's log.
    #[track_caller]
    pub(crate) fn logs(&self) -> String {
        let logs = docker(["logs", &self.name])
            .within(Duration::from_secs(20))
            .ok();
        logs.stdout + &logs.stderr
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        remove(&self.name);
        docker(["image", "rm", &self.image]).run();
    }
}
