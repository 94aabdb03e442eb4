//! Public keys that a command was given.

use crate::error::{Error, std_io};
use crate::log::say;
use accounts::account::{SshKey, check_room};
use std::path::Path;

/// Reads a file of public keys.
pub(super) fn read_keys(path: &Path) -> Result<Vec<SshKey>, Error> {
    let text = std::fs::read(path).map_err(std_io("read", path))?;
    let keys = SshKey::parse_file(&text).map_err(Error::SshKeys)?;
    if keys.is_empty() {
        say(&format!("warning: '{}' holds no ssh key", path.display()));
    }
    Ok(keys)
}

/// The keys of a request.
pub(super) fn parse_keys(lines: &[String]) -> Result<Vec<SshKey>, Error> {
    SshKey::parse_lines(lines.iter().map(String::as_bytes)).map_err(Error::SshKeys)
}

/// Fails if a record has no room for them.
pub(super) fn check_keys(keys: &[SshKey]) -> Result<(), Error> {
    check_room(keys.iter().map(SshKey::as_str)).map_err(Error::SshKeys)
}

/// The keys as they stand in a record.
pub(super) fn key_lines(keys: &[SshKey]) -> Vec<String> {
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}
