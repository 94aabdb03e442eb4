//! Errors of the command line of `run`.

/// A command line that cannot be understood: the wrong part, and why.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(super) String);

pub(super) fn wrong<T>(what: impl Into<String>) -> Result<T, UsageError> {
    Err(UsageError(what.into()))
}

/// Puts the name of an option in front of what is wrong with its value.
pub(super) fn named<T>(option: &str, value: Result<T, UsageError>) -> Result<T, UsageError> {
    value.map_err(|UsageError(why)| UsageError(format!("{option}: {why}")))
}
