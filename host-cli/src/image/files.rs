//! The files of the image that occ carries in itself: the one list of them.

/// A file of the build context.
pub(crate) struct Carried {
    /// Its name in the context.
    pub name: &'static str,
    pub bytes: &'static [u8],
}

macro_rules! carried {
    ($($name:literal),* $(,)?) => {
        [$(Carried { name: $name, bytes: include_bytes!(concat!("../../../image/", $name)) }),*]
    };
}

/// Files that the Dockerfile copies besides our programs and the opencode tarball.
pub(crate) static CONTEXT: [Carried; 6] = carried![
    "Dockerfile",
    "groups.allow",
    "occ-opencode",
    "opencode.json",
    "opencode.version",
    "pam.occ",
];

/// Gets the opencode tarball; reads `opencode.version` beside itself.
pub(crate) static FETCH: [Carried; 2] = carried!["fetch", "opencode.version"];
