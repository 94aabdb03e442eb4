//! Files of public keys: read here, so that no private key ever leaves this machine.

use std::path::Path;

use accounts::account::SshKey;

use crate::error::{Error, Result};
use crate::ui::show::warn;

/// The keys of a file, as they stand in a request.
pub(super) fn read(path: &Path) -> Result<Vec<String>> {
    let bytes = std::fs::read(path).map_err(Error::unusable("read", path))?;
    let keys = SshKey::parse_file(&bytes)
        .map_err(|why| Error::Invalid(format!("'{}': {why}", path.display())))?;
    if keys.is_empty() {
        warn(&format!("'{}' holds no ssh key", path.display()));
    }
    Ok(keys.iter().map(|key| key.as_str().to_owned()).collect())
}
