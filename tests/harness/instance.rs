//! One container with volumes and a configuration of its own, made by `occ`.

use super::slots::Slot;
use super::{Call, Container, Finished, docker, occ, occ_gate, occ_init, run};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// All tags are of few images, and Podman loses one when two change at once.
static TAGS: Mutex<()> = Mutex::new(());

/// An instance of occ; everything of it goes with it.
pub(crate) struct Instance {
    container: Container,
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
    let volumes = ["users", "home", "gate"].map(|end| format!("{name}-{end}"));
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

    /// Another one for a test that has one; nothing is started yet. It needs no
    /// slot of its own, for which two such tests would wait for each other.
    pub(crate) fn beside(_first: &Self, theme: &str) -> Self {
        Self::with(theme, &run().light, None)
    }

    /// Started, while no other test has a container: for measuring time.
    #[track_caller]
    pub(crate) fn alone(theme: &str) -> Self {
        let instance = Self::with(theme, &run().light, Some(Slot::alone()));
        instance.start();
        instance
    }

    /// Started as it is shipped, with the login; alone.
    #[track_caller]
    pub(crate) fn shipped(theme: &str) -> Self {
        let instance = Self::with(theme, &run().image, Some(Slot::alone()));
        instance.start();
        instance
    }

    /// Started with opencode and no login in front; alone.
    #[track_caller]
    pub(crate) fn opencode(theme: &str) -> Self {
        let instance = Self::with(theme, &run().only_opencode, Some(Slot::alone()));
        instance.start();
        instance
    }

    /// The address of the login, as occ prints it.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}.localhost:{}", self.name, self.port)
    }

    fn with(theme: &str, image: &str, slot: Option<Slot>) -> Self {
        let run = run();
        let instance = Self {
            container: Container::named(format!("{}-{theme}", run.prefix)),
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
        let _one = TAGS.lock().unwrap_or_else(PoisonError::into_inner);
        docker(["tag", image, &self.image]).ok();
    }

    /// `occ ARGS` for this instance.
    pub(crate) fn occ<const N: usize>(&self, args: [&str; N]) -> Call {
        Call::new(occ())
            .args(["--container", &self.name])
            .args(args)
            .env("XDG_CONFIG_HOME", self.config.path())
            .env("OCC_INIT_BIN", occ_init())
            .env("OCC_GATE_BIN", occ_gate())
    }

    /// The directory of occ's configuration.
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

    /// Its container made by hand, with its label: `docker run OPTIONS IMAGE COMMAND`.
    #[track_caller]
    pub(crate) fn run_by_hand(&self, options: &[&str], command: &[&str]) {
        docker(["run", "--detach", "--name", &self.name])
            .args(["--label", &format!("dev.occ.instance={}", self.name)])
            .args(options)
            .args([&self.image])
            .args(command)
            .ok();
    }

    /// Kills and deletes the container; the volumes stay.
    #[track_caller]
    pub(crate) fn remove_container(&self) {
        docker(["rm", "--force", &self.name]).ok();
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
}

impl std::ops::Deref for Instance {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        remove(&self.name);
        let _one = TAGS.lock().unwrap_or_else(PoisonError::into_inner);
        docker(["image", "rm", &self.image]).run();
    }
}
