//! The command line of what is done with the container itself.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;

use super::{moment, number, seconds, stop_seconds};
use crate::config::{
    parse_bind, parse_host, parse_image, parse_port, parse_variable, parse_volume,
};

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // Each is a flag of its own.
pub(crate) struct Start {
    /// Port on this machine [default: 3000, or as configured]
    #[arg(short, long, value_parser = parse_port)]
    pub port: Option<u16>,
    /// Address to publish on [default: 127.0.0.1, or as configured]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_bind)]
    pub bind: Option<IpAddr>,
    /// Name that browsers use for it, such as code.example.com; again for more
    #[arg(long, value_name = "NAME", value_parser = parse_host)]
    pub host_name: Vec<String>,
    /// Variable of its environment, such as OCC_GATE_IDLE=1h; again for more
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub env: Vec<String>,
    /// File with variables, a line each
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// Volume or directory to mount, SOURCE:TARGET; again for more
    #[arg(long, value_name = "VOLUME", value_parser = parse_volume)]
    pub volume: Vec<String>,
    /// Image to run [default: occ:local, or as configured]
    #[arg(long, value_name = "IMAGE", value_parser = parse_image)]
    pub image: Option<String>,
    /// Build the image even if there is one
    #[arg(long)]
    pub build: bool,
    /// Make the container anew; accounts and homes stay
    #[arg(long)]
    pub recreate: bool,
    /// Open its address in a browser
    #[arg(long)]
    pub open: bool,
    /// Allow another running container to use the same accounts
    #[arg(long)]
    pub shared: bool,
    /// Seconds to wait until it is healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds)]
    pub wait_timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Restart {
    /// Seconds to wait until it is healthy
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds)]
    pub wait_timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Go on as more is logged
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = number)]
    pub lines: Option<u32>,
    /// Only what was logged since then: 10m, 2h30m, or a date and time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// With the time of each line
    #[arg(short, long)]
    pub timestamps: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Stop {
    /// Seconds until what still runs is killed
    #[arg(short, long, value_name = "SECONDS", default_value_t = 30, value_parser = stop_seconds)]
    pub time: i32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Update {
    /// Move the container to a newer image; goes back by itself if that is not healthy
    Container(UpdateContainer),
}

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
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = seconds)]
    pub wait_timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Shell {
    /// Name of the account [default: root]
    pub name: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Reset {
    /// Remove the container, and what updates kept of it; accounts and homes stay
    Container(ResetContainer),
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct ResetContainer {
    /// Delete the volumes as well: all accounts and all homes
    #[arg(long)]
    pub volumes: bool,
    /// Ask no question
    #[arg(short, long)]
    pub force: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Backup {
    /// Write a backup: accounts with passwords, uids and those removed
    Create(BackupFile),
    /// Restore a backup, also into a container of another name (--container)
    Restore(BackupFile),
}

/// `occ backup create` and `occ backup restore`.
#[derive(Debug, Args)]
pub(crate) struct BackupFile {
    /// The backup, a tar archive that only you can read; - for a pipe
    pub file: PathBuf,
    /// With the homes and all that is in them; homes that are there stay as they are
    #[arg(long)]
    pub homes: bool,
    /// Replace the file; or accounts that are there, without asking
    #[arg(short, long)]
    pub force: bool,
}
