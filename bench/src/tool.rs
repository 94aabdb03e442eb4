//! Finds the programs of others that are measured beside ours.

use crate::Error;
use std::path::PathBuf;

/// Where Debian keeps programs that only root's PATH has.
const OF_ROOT: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The path of an installed program; else an error that names its package: a row
/// that is left out silently would look like one that was won.
pub fn tool(program: &'static str, package: &'static str) -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(OF_ROOT.map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
        .ok_or(Error::Missing { program, package })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        assert!(tool("sh", "dash").unwrap().is_absolute());
        assert_eq!(
            tool("no-such-program", "some-package")
                .unwrap_err()
                .to_string(),
            "'no-such-program' is not installed\nhint: apt-get install some-package"
        );
    }
}
