//! The input of a command with `--request-stdin`.

use serde::{Deserialize, Serialize};

/// Most bytes a [`Request`] may have on `--request-stdin`.
pub const REQUEST_LIMIT: usize = 64 * 1024;

/// The input of `--request-stdin`: one document, to the end of the input.
///
/// It has no `Debug`, because it holds secrets; both programs wipe its strings. A
/// client that dies half-way sends no closing brace, so half a password is never
/// taken for a whole one.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// The password, 1 to 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// A crypt(5) hash instead of a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Lines of an authorized_keys file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_authorized_keys: Option<Vec<String>>,
    /// The same, to be added to those that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added_ssh_authorized_keys: Option<Vec<String>>,
    /// An entry of `occ.passkeys`, to be added: see [`crate::record::Passkey`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkey: Option<serde_json::Value>,
}
