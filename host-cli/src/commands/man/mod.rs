//! `occ man DIR`: one page for each command.

use std::io::{self, Write};
use std::path::Path;

use accounts::wire::SCHEMA;
use clap::{Command, CommandFactory};
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
    let mut command = without_help(Cli::command());
    command.build();
    let written = clap_mangen::generate_to(command.clone(), directory);
    written
        .and_then(|()| complete(&command, "occ", directory))
        .map_err(Error::file("write into", directory))
}

/// Each `help` repeats the commands beside it, which have pages of their own.
fn without_help(command: Command) -> Command {
    command
        .disable_help_subcommand(true)
        .mut_subcommands(without_help)
}

/// Adds what holds for every command to its page, and to those of the commands below.
fn complete(command: &Command, page: &str, directory: &Path) -> io::Result<()> {
    let path = directory.join(format!("{page}.1"));
    if path.exists() {
        let mut file = std::fs::File::options().append(true).open(path)?;
        file.write_all(SECTIONS.as_bytes())?;
    }
    command
        .get_subcommands()
        .try_for_each(|below| complete(below, &format!("{page}-{}", below.get_name()), directory))
}

/// In the language of man(7).
const SECTIONS: &str = r#".SH "EXIT STATUS"
.TP
.B 0
done, or nothing to do
.TP
.B 1
failed, or the answer could not be written
.TP
.B 2
usage, or input needed
.TP
.B 3
no such account
.TP
.B 4
exists, or in conflict
.TP
.B 5
refused by a safety rule
.TP
.B 6
container engine unreachable
.TP
.B 7
container not running or not healthy
.TP
.B 8
busy or timed out: try again
.TP
.B 9
invalid value (name, password, hash, uid)
.TP
.B 128+n
ended by signal n
.SH FILES
.TP
.I $XDG_CONFIG_HOME/occ/config.json
the configuration, in ~/.config where the variable is not set; see
.BR occ\-config (1)
.TP
.I $XDG_CACHE_HOME/occ
downloads of opencode, in ~/.cache where the variable is not set
.SH ENVIRONMENT
.TP
.BR DOCKER_HOST ", " DOCKER_CONTEXT ", " DOCKER_CONFIG ", " DOCKER_TLS_VERIFY ", " DOCKER_CERT_PATH ", " DOCKER_API_VERSION
choose the engine, as with docker(1)
.TP
.BR OCC_INIT_BIN ", " OCC_GATE_BIN
the programs that go into an image which is built
.TP
.BR NO_COLOR ", " CLICOLOR ", " CLICOLOR_FORCE
whether answers are coloured
"#;

#[cfg(test)]
mod tests;
