//! Starting another part of this program, as a process of its own.

use std::ffi::OsString;

use tokio::process::Command;

/// `occ-gate PART`, from the very file that runs here, whatever its path holds
/// by now. It gets no environment and dies with its handle.
pub(crate) fn command(part: &str) -> Command {
    command_with([].into_iter(), part)
}

/// `occ-gate OPTION… PART`.
pub(crate) fn command_with(options: impl Iterator<Item = OsString>, part: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("occ-gate").args(options).arg(part);
    command.env_clear().current_dir("/").kill_on_drop(true);
    command
}
