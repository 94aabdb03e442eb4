//! `occ-init` as PID 1 of a pid namespace and as a subreaper, from outside: the
//! real binary, real signals, real processes. Needs root, as the namespaces do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod anywhere;
mod at_once;
mod beside;
mod endings;
mod first_account;
mod harness;
mod inheritance;
mod invoking;
mod kernels;
mod orphans;
mod probe;
mod restoring;
mod shell;
mod signals;
mod status;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;
mod terminal;
mod tree;
