//! The command line. Only types: what is done with them is elsewhere.

mod container;
mod user;

use std::path::PathBuf;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use crate::config::parse_container;
use crate::text;
pub(crate) use container::*;
pub(crate) use user::*;

/// Clap has no groups of commands; a test says that none is missing.
const HELP: &str = "\
{about-with-newline}
{usage-heading} {usage}

People:
  user         Add, list, change and remove the accounts in the container
  backup       Write all accounts to a file, and restore them from it
  shell        Open a shell in the container, as somebody or as root

The container:
  start        Make what is missing, start the container and wait until it is healthy
  stop         Stop the container
  restart      Stop and start the container
  status       Show how the container is; exits 7 unless it runs
  logs         Show what the container logs
  doctor       Look for what is wrong, and say what mends it; exits 1 if anything is
  update       Move to a newer image; accounts and homes stay
  reset        Remove what occ has made

occ itself:
  config       Read and change occ's own configuration
  completions  Print a shell completion script [alias: completion]
  man          Write the man pages
  help         Print this message or the help of the given subcommand(s)

Options:
{options}{after-help}";

const EXAMPLES: &str = "\
Examples:
  occ start                        # build the image, start, print the address
  occ user add alice               # asks for a password
  occ user add bob --generate      # makes one and shows it once
  occ update container             # new image, same people
  occ backup create people.tar     # and: occ --container other backup restore people.tar

`occ COMMAND --help` tells more; `occ man DIR` writes the manual pages.";

/// Run opencode in a container, with accounts that survive its updates
#[derive(Debug, Parser)]
#[command(
    name = "occ",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    help_template = HELP,
    after_help = EXAMPLES
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
    #[arg(long, global = true, value_name = "NAME", value_parser = parse_container)]
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
    pub color: ColorChoice,
}

impl Global {
    /// The options that chose engine and container, as they can be typed again.
    pub(crate) fn options(&self) -> String {
        let given = [
            ("--host", &self.host),
            ("--context", &self.context),
            ("--container", &self.container),
        ];
        let words = given.into_iter().filter_map(|(flag, value)| {
            let value = text::word(value.as_ref()?);
            Some(format!("{flag} {value}"))
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

/// `-o`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    // No doc comments: they would be help, and turn each option into a paragraph.
    // Messages and tables.
    Table,
    // One document on one line.
    Json,
    // Names only.
    Name,
}

/// A shell with completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionShell {
    Bash,
    Zsh,
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
    Stop(Stop),
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
    /// Print a shell completion script
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

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the value of a key
    Get {
        /// The key
        key: String,
    },
    /// Set a key
    Set {
        /// The key
        key: String,
        /// The value
        value: String,
    },
    /// Go back to the default of a key
    Unset {
        /// The key
        key: String,
    },
    /// List all keys and values
    List,
    /// Print where the configuration is
    Path,
}

fn number(value: &str) -> Result<u32, String> {
    let parsed = value.parse();
    parsed.map_err(|_| "a number of 0 to 4294967295 is needed".to_owned())
}

fn seconds(value: &str) -> Result<u64, String> {
    let parsed = value.parse();
    parsed.map_err(|_| "a number of seconds is needed, such as 60".to_owned())
}

fn stop_seconds(value: &str) -> Result<i32, String> {
    let parsed = value.parse().ok().filter(|seconds| *seconds >= 0);
    parsed.ok_or_else(|| "a number of seconds is needed, such as 60".to_owned())
}

/// A moment, or how long ago it was.
fn moment(value: &str) -> Result<Timestamp, String> {
    let ago = value.parse::<SignedDuration>().ok();
    let ago = ago.and_then(|ago| Timestamp::now().checked_sub(ago).ok());
    ago.or_else(|| value.parse().ok())
        .ok_or_else(|| "a time is written 10m, 2h30m or 2027-01-31T08:00:00Z".to_owned())
}

#[cfg(test)]
mod tests;
