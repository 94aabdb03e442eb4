//! The command line. Only types: what is done with them is elsewhere.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::terminal::Colour;

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
    /// Move to a newer image; accounts and homes stay
    #[command(subcommand)]
    Update(Update),
    /// Read and change occ's own configuration
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// `occ user`.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add an account; asks for what is not given
    Add(Add),
    /// List the accounts
    #[command(visible_alias = "ls")]
    List,
    /// Show one account
    Show(Name),
    /// Set the password of an account
    Passwd(Passwd),
    /// Let accounts log in again
    Enable(Names),
    /// Shut accounts out and end their processes; nothing is deleted
    Disable(Names),
    /// Remove accounts; their homes stay
    #[command(visible_alias = "rm")]
    Remove(Remove),
    /// Add many accounts: newusers(8) lines, CSV with a header, or what export prints
    Import(Import),
    /// Print the records of all accounts, one JSON document a line
    Export(Export),
    /// Make an account that useradd made in the container survive updates
    Adopt(Name),
}

/// One account.
#[derive(Debug, Args)]
pub(crate) struct Name {
    /// Name of the account
    pub name: String,
}

/// Several accounts.
#[derive(Debug, Args)]
pub(crate) struct Names {
    /// Names of the accounts; all are checked before anything changes
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Where a new password comes from.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub(crate) struct Source {
    /// Make a password of 24 characters and show it once
    #[arg(short, long)]
    pub generate: bool,
    /// Read the password from standard input: one line
    #[arg(long)]
    pub password_stdin: bool,
    /// Read a crypt(5) hash from standard input: one line
    #[arg(long)]
    pub password_hash_stdin: bool,
}

/// `occ user add`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // Each is a flag of its own.
pub(crate) struct Add {
    /// Name of the account: 3 to 32 letters, digits and '_'
    pub name: Option<String>,
    #[command(flatten)]
    pub source: Source,
    /// Set no password: only ssh keys log in
    #[arg(long, conflicts_with = "Source")]
    pub no_password: bool,
    /// Uid of the account [default: the next that nobody ever had]
    #[arg(long, value_name = "UID")]
    pub uid: Option<u32>,
    /// The person's name
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Login shell
    #[arg(long, value_name = "PATH")]
    pub shell: Option<String>,
    /// Further groups, separated by commas, which the image has to allow
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub groups: Vec<String>,
    /// File with ssh keys, as in authorized_keys
    #[arg(long, value_name = "FILE")]
    pub ssh_key_file: Option<PathBuf>,
    /// Add the account shut out
    #[arg(long)]
    pub disabled: bool,
    /// Succeed without a change if the account exists
    #[arg(long)]
    pub if_missing: bool,
    /// Bring a removed account back: same uid, same home
    #[arg(long, conflicts_with_all = ["new_uid", "uid"])]
    pub restore: bool,
    /// Give the name of a removed account to somebody new
    #[arg(long)]
    pub new_uid: bool,
}

/// `occ user passwd`.
#[derive(Debug, Args)]
pub(crate) struct Passwd {
    /// Name of the account
    pub name: String,
    #[command(flatten)]
    pub source: Source,
}

/// `occ user remove`.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub names: Names,
    /// Ask no question
    #[arg(short, long)]
    pub yes: bool,
    /// Ask no question, and remove even the last account
    #[arg(short, long)]
    pub force: bool,
    /// Delete the home directory as well
    #[arg(long)]
    pub purge_home: bool,
}

/// `occ user import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// File with the accounts [default: standard input]
    pub file: Option<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// `occ user export`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Export {
    /// With the password hashes
    #[arg(long)]
    pub with_hashes: bool,
}

/// `occ start`.
#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Port on this machine [default: 3000, or as configured]
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Address to publish on [default: 127.0.0.1, or as configured]
    #[arg(long, value_name = "ADDRESS", value_parser = bind_address)]
    pub bind: Option<IpAddr>,
    /// Image to run [default: occ:local, or as configured]
    #[arg(long, value_name = "IMAGE", value_parser = image_name)]
    pub image: Option<String>,
    /// Build the image even if there is one
    #[arg(long)]
    pub build: bool,
    /// Make the container anew; accounts and homes stay
    #[arg(long)]
    pub recreate: bool,
    /// Allow another running container to use the same accounts
    #[arg(long)]
    pub shared: bool,
    /// Seconds to wait until it is healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait_timeout: u64,
}

/// `occ restart`.
#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// Seconds to wait until it is healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait_timeout: u64,
}

/// `occ logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Go on as more is logged
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(short = 'n', long, value_name = "NUMBER")]
    pub lines: Option<u32>,
}

/// `occ update`.
#[derive(Debug, Subcommand)]
pub(crate) enum Update {
    /// Move the container to a newer image; goes back by itself if that is not healthy
    Container(UpdateContainer),
}

/// `occ update container`.
#[derive(Debug, Args)]
pub(crate) struct UpdateContainer {
    /// Only say whether there is a newer image
    #[arg(long)]
    pub check: bool,
    /// Go back to the container that the last update kept
    #[arg(long, conflicts_with = "check")]
    pub rollback: bool,
    /// Allow another running container to use the same accounts
    #[arg(long)]
    pub shared: bool,
    /// Seconds to wait until it is healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait_timeout: u64,
}

/// `occ config`.
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
