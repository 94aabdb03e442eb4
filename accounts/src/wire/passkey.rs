//! Passkeys of people, as `user passkey` shows them.

use serde::{Deserialize, Serialize};

/// A passkey. Nothing of it is a way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyView {
    /// Names it in `passkey remove`: eight hexadecimal digits.
    pub id: String,
    /// The person's name for it.
    pub name: String,
    /// When it was made, in microseconds since 1970.
    #[serde(rename = "madeUSec")]
    pub made_usec: u64,
}

/// The answer of `passkey list`, `passkey add` and `passkey remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PasskeysReply {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// The account that they open.
    pub user_name: String,
    /// False for a list.
    pub changed: bool,
    /// The passkeys of the person by now, in the order in which they were added.
    pub passkeys: Vec<PasskeyView>,
}
