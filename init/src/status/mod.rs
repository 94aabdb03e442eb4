//! `/run/occ-init/status.json`: PID 1 writes it (`file`), `status` and `health` read it
//! (`show`), the login adds its own (`gate`). Names and counts, never a hash.

pub(crate) mod claim;
pub(crate) mod file;
mod gate;
pub(crate) mod show;
