//! The model of occ: what an account is, how a record is read, and what the
//! four files should say.
//!
//! Everything here is pure: values in, values out. No files, no clock, no
//! environment, no processes, so it builds on any system and every rule is
//! testable as text.
#![forbid(unsafe_code)]

pub mod wire;
