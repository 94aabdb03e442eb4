//! Input and output of administrators' commands: accounts of useradd(8), lists of
//! accounts, backups.

pub mod adopt;
pub mod backup;
pub mod import;
pub mod merge;
