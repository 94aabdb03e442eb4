//! The model of occ: accounts, their records, and what the account files say.
//!
//! Everything here is pure: values in, values out. No files, no clock, no
//! environment, no processes, so it builds on any system and every rule is
//! testable as text.
//!
//! ```text
//! account    Account and its parts: Username, Uid, Home, PasswordHash, Aging
//! record     a JSON User Record, and all records of a store
//! files      passwd(5), shadow(5), group(5), subuid(5) as bytes
//! image      which accounts the image has, and what it grants
//! reconcile  records + files + image = what to write
//! admin      adopt, import, backup, merge
//! wire       the documents that the programs exchange
//! ```
#![forbid(unsafe_code)]

pub mod account;
pub mod admin;
pub mod files;
pub mod image;
pub mod reconcile;
pub mod record;
pub mod wire;
