//! Login shells that shut an account. Pure.

use accounts::account::Shell;

/// Returns whether a shell is one of those that shut an account.
pub(crate) fn is_nologin(shell: &Shell) -> bool {
    let last = shell.as_str().rsplit('/').next().unwrap_or_default();
    matches!(last, "nologin" | "false")
}
