//! The command line: what was typed becomes values. Reads no file and does nothing.

pub(crate) mod admin;
pub(crate) mod globals;
pub(crate) mod run;
mod run_values;
mod usage;
