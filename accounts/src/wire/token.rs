//! Tokens of people's programs, as `occ-gate token` and `occ user token` show them.

use serde::{Deserialize, Serialize};

use super::SCHEMA;

/// A token. Nothing of it is a way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// Names it in `token revoke`: eight hexadecimal digits.
    pub id: String,
    /// The person's name for it.
    pub name: String,
    /// When it was made, in microseconds since 1970.
    #[serde(rename = "madeUSec")]
    pub made_usec: u64,
    /// When it ends.
    #[serde(rename = "endsUSec")]
    pub ends_usec: u64,
    /// Its last use, if there was one.
    #[serde(rename = "lastUseUSec", skip_serializing_if = "Option::is_none")]
    pub last_use_usec: Option<u64>,
    /// The address from which it was used then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_use_address: Option<String>,
}

/// The answer of `token list` and `token revoke`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokensReply {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Whose tokens they are.
    pub user_name: String,
    /// Whether anything was revoked; absent from a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// The tokens, or those that were revoked; the latest first.
    pub tokens: Vec<TokenView>,
}

impl TokensReply {
    /// A person's tokens.
    pub fn list(user_name: &str, tokens: Vec<TokenView>) -> Self {
        Self {
            schema: SCHEMA,
            user_name: user_name.to_owned(),
            changed: None,
            tokens,
        }
    }

    /// Tokens that are revoked.
    pub fn revoked(user_name: &str, tokens: Vec<TokenView>) -> Self {
        Self {
            changed: Some(!tokens.is_empty()),
            ..Self::list(user_name, tokens)
        }
    }
}
