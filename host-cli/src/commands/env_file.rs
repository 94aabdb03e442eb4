//! `--env-file`: variables from files, as docker reads them.

use std::path::PathBuf;

use crate::config::parse_variable;
use crate::engine::environment;
use crate::error::{Error, Result};

/// The variables of files: a line each, comments and empty lines left out.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<String>> {
    let mut env = Vec::new();
    for path in files {
        let bytes = std::fs::read(path).map_err(Error::unusable("read", path))?;
        let wrong = |line: usize, why: &str| {
            Error::Invalid(format!("'{}', line {line}: {why}", path.display()))
        };
        let content = std::str::from_utf8(&bytes).map_err(|_| wrong(1, "it is not UTF-8"))?;
        let content = content.trim_start_matches('\u{feff}');
        for (number, line) in content.lines().enumerate() {
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let variable = parse_variable(line).map_err(|why| wrong(number + 1, &why))?;
            environment::set(&mut env, &variable);
        }
    }
    Ok(env)
}
