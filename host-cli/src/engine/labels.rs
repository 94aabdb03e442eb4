//! The labels and names by which the containers and volumes of an instance are told.

use std::collections::HashMap;

/// The label of everything that belongs to one instance.
pub(crate) const INSTANCE: &str = "dev.occ.instance";
/// Set on containers that are not the instance itself: kept or being tried.
pub(crate) const ROLE: &str = "dev.occ.role";
/// The name of the image of a container that was made from its id.
pub(crate) const IMAGE_NAME: &str = "dev.occ.image-name";
/// Docker Swarm sets them on the containers of a service: its id, and its name.
pub(crate) const SERVICE_ID: &str = "com.docker.swarm.service.id";
pub(crate) const SERVICE: &str = "com.docker.swarm.service.name";
/// The mount point of the store.
pub(crate) const STORE: &str = "/var/lib/opencode-users";

/// The volumes of an instance, by the end of their names, and where they go.
pub(crate) const VOLUMES: [(&str, &str); 3] = [
    ("users", STORE),
    ("home", "/home"),
    ("gate", "/var/lib/occ-gate"),
];

pub(crate) fn volume_name(instance: &str, end: &str) -> String {
    format!("{instance}-{end}")
}

/// The label that ties a thing to its instance.
pub(crate) fn labels(instance: &str) -> HashMap<String, String> {
    HashMap::from([(INSTANCE.to_owned(), instance.to_owned())])
}

/// A container that may stand beside an instance's own, called X-next, X-replaced, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Beside {
    /// Runs the new image's check.
    Check,
    /// Made by an update and not yet tried.
    Next,
    /// Replaced by an update, while the new one is unproven.
    Replaced,
    /// Replaced by a rollback, while the other is unproven.
    Undone,
    /// Kept for a rollback.
    Previous,
    /// Kept before that, while names change.
    Older,
}

impl Beside {
    pub(crate) const ALL: [Self; 6] = [
        Self::Check,
        Self::Next,
        Self::Replaced,
        Self::Undone,
        Self::Previous,
        Self::Older,
    ];

    const fn end(self) -> &'static str {
        match self {
            Self::Check => "-next-check",
            Self::Next => "-next",
            Self::Replaced => "-replaced",
            Self::Undone => "-undone",
            Self::Previous => "-previous",
            Self::Older => "-older",
        }
    }
}

/// The names around one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    pub own: String,
}

impl Names {
    pub(crate) fn of(own: impl Into<String>) -> Self {
        Self { own: own.into() }
    }

    /// The container that a name stands beside; `None` for any other name.
    pub(crate) fn around(name: &str) -> Option<Self> {
        let mut ends = Beside::ALL.iter().map(|one| one.end());
        let own = ends.find_map(|end| name.strip_suffix(end))?;
        (!own.is_empty()).then(|| Self::of(own))
    }

    /// The name of one beside it.
    pub(crate) fn with(&self, one: Beside) -> String {
        format!("{}{}", self.own, one.end())
    }
}
