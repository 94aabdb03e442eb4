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

/// Runs the command.
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
    std::fs::create_dir_all(directory).map_err(Error::output(directory))?;
    clap_mangen::generate_to(Cli::command(), directory)
        .map_err(Error::file("write into", directory))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Command;

    use super::*;

    /// Flags of a command and of all below it, by the name of their page.
    fn flags(command: &Command, page: &str, found: &mut BTreeMap<String, Vec<String>>) {
        let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
        let long = shown.filter_map(|arg| arg.get_long().map(|long| format!("--{long}")));
        found.insert(page.to_owned(), long.collect());
        for below in command
            .get_subcommands()
            .filter(|below| !below.is_hide_set())
        {
            flags(below, &format!("{page}-{}", below.get_name()), found);
        }
    }

    #[test]
    fn every_flag_of_every_command_is_in_its_page() {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path()).unwrap();
        let mut command = Cli::command();
        command.build();
        let mut found = BTreeMap::new();
        flags(&command, "occ", &mut found);
        assert!(found.len() > 25, "{found:?}");
        for (page, flags) in found.iter().filter(|(page, _)| !page.contains("-help")) {
            let path = directory.path().join(format!("{page}.1"));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("no page {page}"));
            let text = text.replace("\\-", "-");
            for flag in flags {
                assert!(text.contains(flag.as_str()), "{flag} is not in {page}.1");
            }
        }
    }
}
