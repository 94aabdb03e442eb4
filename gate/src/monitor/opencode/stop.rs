//! How a person's opencode is to end.

/// The way in which a process is told to end; it only ever gets harder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    No,
    Gently,
    AtOnce,
}
