//! What PID 1 does when account files or records change while its container
//! runs. Each test has containers of its own: a pid and a mount namespace, with
//! /etc, /home, /var, /run and the store from a temporary directory.
//!
//! Run as root: the namespaces ask for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed expectation is what these tests are for"
)]

mod container;
mod names;
mod neighbours;
mod passwords;
mod rest;
mod stop;
#[path = "../support/mod.rs"]
mod support;
mod told;

// A short path for the cases.
use support::tree;
