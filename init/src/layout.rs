//! All well-known paths, once; relative to the root that `--root` names. Paths only: reads
//! and decides nothing.

/// The records: the volume that `--store` names.
pub(crate) const STORE: &str = "var/lib/opencode-users";

/// State of this container, not of the store; root's alone.
pub(crate) const STATE: &str = "var/lib/occ-init";
/// In [`STATE`]: the accounts that the last restore wrote.
pub(crate) const APPLIED: &str = "applied.json";
/// In [`STATE`]: the snapshot that stands in for [`IMAGE_ACCOUNTS`].
pub(crate) const SNAPSHOT: &str = "image-accounts";

/// The accounts of the image; written by the image build.
pub(crate) const IMAGE_ACCOUNTS: &str = "usr/share/occ/image-accounts";
/// The groups that people may be in, by the image's word.
pub(crate) const GROUPS_ALLOW: &str = "etc/occ/groups.allow";
/// Directories besides /home that may hold homes, by the image's word.
pub(crate) const HOMES_ALLOW: &str = "etc/occ/homes.allow";

/// Files of `etc` whose `X.lock` shadow's tools respect.
pub(crate) const LOCKED_FILES: [&str; 6] =
    ["passwd", "group", "gshadow", "shadow", "subuid", "subgid"];

/// The status of PID 1: names and counts, for everybody.
pub(crate) const STATUS: &str = "run/occ-init/status.json";
/// The last restore that a command made, where PID 1 has a status.
pub(crate) const LAST_RESTORE: &str = "run/occ-init/restore.json";
/// The keys of the login's second step, by name: occ-gate makes them.
pub(crate) const SECOND_STEP: &str = "var/lib/occ-gate/second";
/// The status of the login.
pub(crate) const GATE_STATUS: &str = "run/occ/gate.json";

/// This program, wherever it lies.
pub(crate) const OWN_PROGRAM: &str = "/proc/self/exe";
