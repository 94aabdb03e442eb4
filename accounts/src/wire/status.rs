//! The answer of `occ-init status`, as far as the host reads it.

use serde::{Deserialize, Serialize};

/// The answer of `status`, as far as the host reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReply {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Present where the login runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateView>,
}

/// The login and who has an opencode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateView {
    /// Browsers that are logged in.
    pub sessions: u64,
    /// One for each person who has one, by uid.
    pub instances: Vec<OpencodeView>,
}

/// A person's opencode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpencodeView {
    /// The login name of the person.
    pub user_name: String,
    /// `starting` or `ready`.
    pub state: String,
    /// Microseconds since 1970.
    #[serde(rename = "sinceUSec")]
    pub since_usec: u64,
    /// Resident memory of all their processes.
    pub memory_bytes: u64,
}
