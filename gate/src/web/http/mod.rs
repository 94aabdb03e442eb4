//! HTTP for the rest of the web half: heads and bodies read strictly, answers
//! written with their guards. Knows no session and no opencode.

pub(crate) mod authorization;
pub(crate) mod body;
pub(crate) mod cookies;
pub(crate) mod csrf;
pub(crate) mod flash;
pub(crate) mod form;
pub(crate) mod form_body;
pub(crate) mod forwarded;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod percent;
pub(crate) mod redirect;
pub(crate) mod reply;

/// Returns the value that came exactly once. Of two values with one name, a program that
/// takes the first sees another request than a program that takes the last.
pub(super) fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[cfg(test)]
pub(crate) mod tests;
