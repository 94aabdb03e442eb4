//! The documents that `occ-init` and `occ` exchange, and that `--json` prints.
//!
//! One document is one line on stdout. Readers ignore unknown fields, so
//! fields may be added but never renamed or removed; the samples under
//! `tests/wire` are frozen. A hash never appears here, except in what
//! `export --with-hashes` prints. Secrets go the other way, in a [`Request`].

mod account;
mod error;
mod passkey;
mod request;
mod status;
mod token;
mod transfer;

pub use account::{AccountReply, AccountView, ListReply, Status, without_way_in};
pub use error::{ErrorBody, ErrorCode, ErrorKind, ErrorReply};
pub use passkey::{PasskeyView, PasskeysReply};
pub use request::{REQUEST_LIMIT, Request};
pub use status::{GateView, OpencodeView, StatusReply};
pub use token::{TokenView, TokensReply};
pub use transfer::{ExportReply, ImportAction, ImportReply, ImportResult, LoadReply, counted};

/// The version of these documents. A reader refuses a higher one.
pub const SCHEMA: u32 = 1;
