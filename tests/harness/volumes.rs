//! Containers of any image, made with the engine alone: one or several on the
//! same volumes, with occ-init as it is in the image.

use super::slots::Slot;
use super::{Container, docker, run, until};

/// The volumes of accounts and homes; gone with it.
pub(crate) struct Volumes {
    name: String,
    _slot: Slot,
}

/// A running container, removed when dropped: no moment to say goodbye.
pub(crate) struct Running<'v> {
    container: Container,
    _on: &'v Volumes,
}

impl Volumes {
    /// Empty ones. `theme` is unique among the tests.
    pub(crate) fn new(theme: &str) -> Self {
        Self::with(theme, Slot::shared())
    }

    /// The same, while no other test has a container: for measuring time.
    pub(crate) fn alone(theme: &str) -> Self {
        Self::with(theme, Slot::alone())
    }

    fn with(theme: &str, slot: Slot) -> Self {
        Self {
            name: format!("{}-{theme}", run().prefix),
            _slot: slot,
        }
    }

    /// The volume of the accounts, for `--volume`.
    pub(crate) fn users(&self) -> String {
        format!("{}-users:/var/lib/opencode-users", self.name)
    }

    /// The volume of the homes, for `--volume`.
    pub(crate) fn homes(&self) -> String {
        format!("{}-home:/home", self.name)
    }

    /// A container on them, with all accounts restored.
    #[track_caller]
    pub(crate) fn start(&self, image: &str) -> Running<'_> {
        self.start_beside("only", image)
    }

    /// One of several; `place` tells them apart.
    #[track_caller]
    pub(crate) fn start_beside(&self, place: &str, image: &str) -> Running<'_> {
        self.run(place, &["--network", "none"], image)
    }

    /// A container whose TCP port is published on one of this machine's.
    #[track_caller]
    pub(crate) fn start_published(&self, image: &str, port: u16) -> Running<'_> {
        let port = format!("127.0.0.1::{port}");
        self.run("only", &["--publish", &port], image)
    }

    #[track_caller]
    fn run(&self, place: &str, options: &[&str], image: &str) -> Running<'_> {
        let name = format!("{}-{place}", self.name);
        docker(["run", "--detach", "--name", &name])
            .args(options)
            .args(["--volume", &self.users(), "--volume", &self.homes()])
            .args([image])
            .ok();
        let container = Running {
            container: Container::named(name),
            _on: self,
        };
        container.is_restored();
        container
    }
}

impl Running<'_> {
    /// Starts it once more after a crash, and waits until all accounts are restored.
    #[track_caller]
    pub(crate) fn start_again(&self) {
        docker(["start", &self.name]).ok();
        self.is_restored();
    }

    #[track_caller]
    fn is_restored(&self) {
        until("all accounts are restored", || {
            let health = self.exec(["/usr/local/bin/occ-init", "health", "--ready"]);
            (health.run().code == Some(0)).then_some(())
        });
    }
}

impl std::ops::Deref for Running<'_> {
    type Target = Container;

    fn deref(&self) -> &Container {
        &self.container
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        docker(["rm", "--force", &self.container.name]).run();
    }
}

impl Drop for Volumes {
    fn drop(&mut self) {
        let volumes = ["users", "home"].map(|end| format!("{}-{end}", self.name));
        docker(["volume", "rm", "--force"]).args(volumes).run();
    }
}
