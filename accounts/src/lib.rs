//! The model of occ: what an account is, how a record is read, and what the
//! four files should say.
//!
//! Everything here is pure: values in, values out. No files, no clock, no
//! environment, no processes, so it builds on any system and every rule is
//! testable as text.
//!
//! ```text
//! name id password text ← record ← records ─┐
//! table ← passwd shadow group subid ────────┼→ reconcile::plan → what to write
//! image (who the image is, what it grants) ─┘
//! wire: what the two programs say to each other
//! ```
#![forbid(unsafe_code)]

pub mod adopt;
pub mod applied;
pub mod backup;
pub mod capture;
pub mod differences;
pub mod etc;
pub mod group;
pub mod id;
pub mod image;
pub mod import;
pub mod json;
pub mod merge;
pub mod name;
mod named;
mod packed;
pub mod passwd;
pub mod password;
mod read;
pub mod reconcile;
pub mod record;
pub mod records;
pub mod shadow;
pub mod subid;
pub mod sudoers;
pub mod table;
pub mod text;
pub mod wire;
