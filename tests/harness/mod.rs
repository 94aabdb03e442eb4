//! The ground of all tests: an instance of their own, calls with deadlines, and
//! a check of the account files after every change.

mod accounts;
mod call;
pub(crate) mod chromium;
mod container;
mod detached;
mod engine;
pub(crate) mod images;
mod instance;
mod programs;
mod readers;
mod slots;
mod terminal;
mod volumes;
mod wait;
mod wiretap;

pub(crate) use accounts::Accounts;
pub(crate) use call::{Call, Finished};
pub(crate) use container::Container;
pub(crate) use detached::{DAEMON, FORK_RACER, STUBBORN};
pub(crate) use engine::{docker, pause, run};
pub(crate) use instance::{Instance, free_port};
pub(crate) use programs::{occ, occ_gate, occ_init, occ_init_for_arm64, source};
pub(crate) use terminal::Terminal;
pub(crate) use volumes::Volumes;
pub(crate) use wait::{BUILD, PATIENCE, bar, soon, until};
pub(crate) use wiretap::{Moment, Wiretap, engine_socket};
