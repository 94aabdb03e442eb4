//! Shared by the suites accounts, pid1 and watch: waiting, running, looking at
//! processes, and a small tree to work on. Each suite has it as a module by a link.
#![allow(
    dead_code,
    unused_imports,
    reason = "each suite is a crate of its own and uses a part"
)]

pub(crate) mod process;
pub(crate) mod pty;
pub(crate) mod run;
pub(crate) mod signals;
pub(crate) mod tree;
pub(crate) mod wait;

pub(crate) use process::{children, field, kill, state};
pub(crate) use pty::pseudoterminal;
pub(crate) use wait::{BUSY, PATIENCE, SOON, stays, until, within};
