//! Starting another part of this program, as a process of its own.

use tokio::process::Command;

/// `occ-gate PART`, from the very file that runs here, whatever its path holds
/// by now. It gets no environment and dies with its handle.
pub(crate) fn command(part: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("occ-gate").arg(part);
    command.env_clear().current_dir("/").kill_on_drop(true);
    command
}
