//! A pseudoterminal that no other test's program holds open.

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::OpenptyResult;

/// Both ends, closed on exec: else whatever another test starts meanwhile holds the terminal
/// open, and its end is never seen.
pub(crate) fn pseudoterminal() -> OpenptyResult {
    let ends = nix::pty::openpty(None, None).unwrap();
    for end in [&ends.master, &ends.slave] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    }
    ends
}
