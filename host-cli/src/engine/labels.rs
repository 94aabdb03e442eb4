//! The labels and names by which the containers and volumes of an instance are told.

use std::collections::HashMap;

/// The label of everything that belongs to one instance.
pub(crate) const INSTANCE: &str = "dev.occ.instance";
/// Set on containers that are not the instance itself: kept or being tried.
pub(crate) const ROLE: &str = "dev.occ.role";
/// The mount point of the store.
pub(crate) const STORE: &str = "/var/lib/opencode-users";

/// The volumes of an instance, by the end of their names, and where they go.
pub(crate) const VOLUMES: [(&str, &str); 3] = [
    ("users", STORE),
    ("home", "/home"),
    ("gate", "/var/lib/occ-gate"),
];

/// The name of a volume of an instance.
pub(crate) fn volume_name(instance: &str, end: &str) -> String {
    format!("{instance}-{end}")
}

/// The label that ties a thing to its instance.
pub(crate) fn labels(instance: &str) -> HashMap<String, String> {
    HashMap::from([(INSTANCE.to_owned(), instance.to_owned())])
}

/// Ends of the names that stand beside a container's own.
const NEXT: &str = "-next";
const REPLACED: &str = "-replaced";
const UNDONE: &str = "-undone";
const PREVIOUS: &str = "-previous";
const OLDER: &str = "-older";
const CHECK: &str = "-next-check";
/// The longest first: one is the end of another.
const ENDS: [&str; 6] = [CHECK, NEXT, REPLACED, UNDONE, PREVIOUS, OLDER];

/// The names around one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The container's own.
    pub own: String,
}

impl Names {
    /// The names around a container.
    pub(crate) fn of(own: impl Into<String>) -> Self {
        Self { own: own.into() }
    }

    /// The container that a name stands beside; `None` for any other name.
    pub(crate) fn around(name: &str) -> Option<Self> {
        let own = ENDS.iter().find_map(|end| name.strip_suffix(end))?;
        (!own.is_empty()).then(|| Self::of(own))
    }

    fn with(&self, end: &str) -> String {
        format!("{}{end}", self.own)
    }

    /// The name of the container that an update has made and not yet tried.
    pub(crate) fn next(&self) -> String {
        self.with(NEXT)
    }

    /// The name of the one an update replaced, while the new one is unproven.
    pub(crate) fn replaced(&self) -> String {
        self.with(REPLACED)
    }

    /// The name of the one a rollback replaced, while the other is unproven.
    pub(crate) fn undone(&self) -> String {
        self.with(UNDONE)
    }

    /// The name of the one kept for a rollback.
    pub(crate) fn previous(&self) -> String {
        self.with(PREVIOUS)
    }

    /// The name of the one kept before that, while names change.
    pub(crate) fn older(&self) -> String {
        self.with(OLDER)
    }

    /// The name of the one that runs the new image's check.
    pub(crate) fn check(&self) -> String {
        self.with(CHECK)
    }

    /// All names but the own.
    pub(crate) fn beside(&self) -> Vec<String> {
        ENDS.iter().map(|end| self.with(end)).collect()
    }
}
