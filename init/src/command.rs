//! Placeholder of the admin commands.

/// Answers restore, check and user; `args` is the whole argv.
pub(crate) fn main(_args: Vec<std::ffi::OsString>) -> u8 {
    2
}
