//! The command line of what is done with the container itself.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{number, seconds};
use crate::config::{parse_bind, parse_image, parse_port};

#[derive(Debug, Args)]
pub(crate) struct Start {
    /// Port on this machine [default: 3000, or as configured]
    #[arg(short, long, value_parser = parse_port)]
    pub port: Option<u16>,
    /// Address to publish on [default: 127.0.0.1, or as configured]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_bind)]
    pub bind: Option<IpAddr>,
    /// Image to run [default: occ:local, or as configured]
    #[arg(long, value_name = "IMAGE", value_parser = parse_image)]
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
