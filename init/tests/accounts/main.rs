//! The account half of `occ-init` as a process, on trees of its own (`--root`):
//! what every command says and answers, what bad input and a hostile volume can
//! and can't do, and what a kill at any system call leaves behind.
//!
//! Run as root: the trees hold files of other people's uids.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed expectation is what these tests are for"
)]
#![allow(
    clippy::too_many_lines,
    reason = "tables of cases, one line or two each"
)]

mod adding;
mod adopt;
mod attacks;
mod backup;
mod capture;
mod commands;
mod crash;
mod etc;
mod failures;
mod findings;
mod golden;
mod hints;
mod homes;
mod hostages;
mod import;
mod import_records;
mod input;
mod input_secrets;
mod legacy;
mod live;
mod locks;
mod many;
mod next_steps;
mod no_locks;
mod passkeys;
mod secrets;
mod setting;
#[path = "../support/mod.rs"]
mod support;
mod terminal;
mod together;
mod tombstones;
mod unreadable;

// A short path for the cases.
use support::tree;
