//! Errors of the command line of `run`.

use std::fmt;

/// A command line that cannot be understood: the wrong part, and why.
#[derive(Debug, PartialEq)]
pub(crate) struct UsageError(pub(super) String);

impl fmt::Display for UsageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

pub(super) fn wrong<T>(what: impl Into<String>) -> Result<T, UsageError> {
    Err(UsageError(what.into()))
}

/// Puts the name of an option in front of what is wrong with its value.
pub(super) fn named<T>(option: &str, value: Result<T, UsageError>) -> Result<T, UsageError> {
    value.map_err(|UsageError(why)| UsageError(format!("{option}: {why}")))
}
