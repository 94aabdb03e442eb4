//! `occ man DIR`: one page for each command.

use std::path::Path;

use accounts::wire::SCHEMA;
use clap::CommandFactory;
use serde::Serialize;

use crate::cli::Cli;
use crate::error::{Error, Result};
use crate::ui::show::{self, Format, Screen};

#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    changed: bool,
    directory: &'a Path,
}

pub(crate) fn run(screen: Screen, directory: &Path) -> Result<()> {
    write(directory)?;
    if screen.format == Format::Json {
        show::json(&Written {
            schema: SCHEMA,
            changed: true,
            directory,
        });
    }
    Ok(())
}

/// Writes `occ.1`, `occ-user.1`, `occ-user-add.1`, … into a directory.
fn write(directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory).map_err(Error::unusable("write", directory))?;
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(Error::file("write into", directory))
}

#[cfg(test)]
mod tests;
