//! The names of directories and files in the store, and listings of them. Decides nothing
//! about their content.

use crate::error::{Error, io};
use crate::fs::dir::Directory;
use accounts::account::Username;
use std::ffi::OsString;

pub(super) const REMOVED: &str = "removed";
pub(super) const UIDS: &str = "uids";
pub(crate) const LEGACY: &str = "legacy";
pub(super) const SUFFIX: &str = ".json";

pub(super) fn record_file(name: &Username) -> String {
    file_of(name.as_str())
}

/// The file of a record or a tombstone.
pub(super) fn file_of(stem: &str) -> String {
    [stem, SUFFIX].concat()
}

/// Returns true for the name of a record: not for a temporary, a lock or a directory.
pub(crate) fn is_record(file: &[u8]) -> bool {
    file.ends_with(SUFFIX.as_bytes()) && !file.starts_with(b".")
}

/// The stem of the name of such a file.
pub(super) fn stem(file: &str) -> Option<&str> {
    file.strip_suffix(SUFFIX)
        .filter(|stem| !stem.is_empty() && !stem.starts_with('.'))
}

/// A file name for a message: control characters would forge log lines.
pub(super) fn printable(file: &str) -> String {
    file.escape_debug().to_string()
}

/// The names in a directory; one that is not UTF-8 gets U+FFFD, so that opening
/// it fails and it is reported.
pub(super) fn list(directory: &Directory) -> Result<Vec<String>, Error> {
    list_if(directory, |_| true)
}

pub(super) fn list_if(
    directory: &Directory,
    is_wanted: impl Fn(&[u8]) -> bool,
) -> Result<Vec<String>, Error> {
    let names = directory.names_if(is_wanted);
    Ok(texts(names.map_err(io("read", &directory.path))?))
}

pub(super) fn texts(names: Vec<OsString>) -> Vec<String> {
    let text = |name: OsString| {
        name.into_string()
            .unwrap_or_else(|name| name.to_string_lossy().into_owned())
    };
    names.into_iter().map(text).collect()
}
