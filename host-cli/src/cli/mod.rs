//! The command line. Only types: what is done with them is elsewhere.

mod container;
mod user;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use crate::terminal::Colour;
pub(crate) use container::*;
pub(crate) use user::*;

/// Run opencode in a container, with accounts that survive its updates
#[derive(Debug, Parser)]
#[command(
    name = "occ",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes, in any place.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
#[allow(clippy::struct_excessive_bools)] // Each is a flag of its own.
pub(crate) struct Global {
    /// Container engine to use: unix:///path, tcp://host:port or ssh://user@host:port
    #[arg(
        short = 'H',
        long,
        global = true,
        value_name = "URL",
        conflicts_with = "context"
    )]
    pub host: Option<String>,
    /// Docker context to use
    #[arg(short = 'c', long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Container to work on [default: opencode, or as configured]
    #[arg(long, global = true, value_name = "NAME", value_parser = container_name)]
    pub container: Option<String>,
    /// How to print answers
    #[arg(
        short = 'o',
        long = "output",
        global = true,
        value_name = "FORMAT",
        default_value = "table"
    )]
    pub output: Output,
    /// Print one JSON document on one line; same as -o json
    #[arg(long, global = true)]
    pub json: bool,
    /// Print names only, and no messages (a generated password is still printed)
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Say more about what is done
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Never ask anything
    #[arg(long, global = true)]
    pub no_input: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
}

/// `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Messages and tables.
    Table,
    /// One document on one line.
    Json,
    /// Names only.
    Name,
}

impl Global {
    /// With what somebody has typed so far, and nothing printed.
    pub(crate) fn for_completion(
        host: Option<String>,
        context: Option<String>,
        container: Option<String>,
    ) -> Self {
        Self {
            host,
            context,
            container,
            output: Output::Name,
            json: false,
            quiet: true,
            verbose: false,
            no_input: true,
            color: Colour::Never,
        }
    }
}

/// A shell with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add, list, change and remove the accounts in the container
    #[command(subcommand)]
    User(User),
    /// Make what is missing, start the container and wait until it is healthy
    Start(Start),
    /// Stop the container
    Stop,
    /// Stop and start the container
    Restart(Restart),
    /// Show how the container is; exits 7 unless it runs
    Status,
    /// Show what the container logs
    Logs(Logs),
    /// Open a shell in the container, as somebody or as root
    Shell(Shell),
    /// Look for what is wrong, and say what mends it; exits 1 if anything is
    Doctor,
    /// Move to a newer image; accounts and homes stay
    #[command(subcommand)]
    Update(Update),
    /// Write all accounts to a file, and restore them from it
    #[command(subcommand)]
    Backup(Backup),
    /// Remove what occ has made
    #[command(subcommand)]
    Reset(Reset),
    /// Read and change occ's own configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print what completes occ's commands in a shell
    #[command(visible_alias = "completion")]
    Completions {
        /// The shell; for bash: `source <(occ completions bash)` in ~/.bashrc
        shell: CompletionShell,
    },
    /// Write the man pages
    Man {
        /// Directory to write them into, such as /usr/local/share/man/man1
        directory: PathBuf,
    },
}

/// `occ config`.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the value of a key
    Get {
        /// The key
        #[arg(add = ArgValueCandidates::new(crate::completions::keys))]
        key: String,
    },
    /// Set a key
    Set {
        /// The key
        #[arg(add = ArgValueCandidates::new(crate::completions::keys))]
        key: String,
        /// The value
        value: String,
    },
    /// Go back to the default of a key
    Unset {
        /// The key
        #[arg(add = ArgValueCandidates::new(crate::completions::keys))]
        key: String,
    },
    /// List all keys and values
    List,
    /// Print where the configuration is
    Path,
}

fn container_name(name: &str) -> Result<String, String> {
    crate::config::check_container(name).map(|()| name.to_owned())
}

fn image_name(name: &str) -> Result<String, String> {
    crate::config::check_image(name).map(|()| name.to_owned())
}

fn bind_address(value: &str) -> Result<IpAddr, String> {
    crate::config::parse_bind(value)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn passwords_come_from_one_place_and_never_from_the_command_line() {
        for line in [
            "occ user add a --generate --password-stdin",
            "occ user add a --generate --no-password",
            "occ user passwd a --password-stdin --password-hash-stdin",
            "occ user add a --password x",
            "occ user passwd a --no-password",
            "occ user remove",
            "occ --host unix:///x --context y user list",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
