//! The one road to /etc: lock, load, read, plan, homes, commit.
//!
//! Boot and every user command take it. A command edits records in a
//! [`Session`] and then calls the same [`Session::restore`] as boot, so what is
//! live and what comes back after an update can't differ.

mod applied_file;
mod begin;
mod capture;
mod homes;
mod locks;
mod lost_access;
mod marks;
mod migrate;
mod read_only;
mod run;
mod session;
pub(crate) mod summary;

pub(crate) use crate::cli::globals::Paths;
pub(crate) use locks::deadline;
pub(crate) use read_only::ReadOnlySession;
pub(crate) use session::{Caller, Session, must_be_root};
