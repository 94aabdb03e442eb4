//! One file a command: what it does, in order, from the rooms below.

pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
mod desired;
pub(crate) mod doctor;
mod env_file;
pub(crate) mod man;
mod probe;
mod ready;
pub(crate) mod reset;
mod rollback;
pub(crate) mod shell;
pub(crate) mod start;
pub(crate) mod status;
pub(crate) mod stop_restart_logs;
pub(crate) mod update;
pub(crate) mod user;
