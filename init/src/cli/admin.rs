//! The command line of the admin commands. What `run` takes is parsed in
//! `cli::run`, without clap, because PID 1 must start fast.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

use super::globals::Globals;

/// Restores accounts and changes them.
#[derive(Debug, Parser)]
#[command(name = "occ-init", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring /etc in line with the records, as boot does
    Restore {
        /// Print what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Called by PID 1: waits less for locks, reports progress
        #[arg(long, hide = true)]
        boot: bool,
        /// Called by PID 1 when something changed: says nothing if nothing did
        #[arg(long, hide = true, conflicts_with_all = ["boot", "dry_run"])]
        capture: bool,
    },
    /// List what is wrong with records, and where /etc differs from them
    Check,
    /// Add, change and list accounts
    #[command(subcommand)]
    User(User),
}

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Make an account
    Add(Add),
    /// Set a new password
    Passwd {
        name: String,
        #[command(flatten)]
        source: Source,
    },
    /// Change an account: what is named, and nothing else
    Set(Box<Set>),
    /// List all accounts
    List,
    /// Show one account
    Show { name: String },
    /// Let accounts log in again
    Enable(Names),
    /// Shut accounts out and end their processes
    Disable(Names),
    /// Remove accounts; their homes and uids are kept
    Remove(Remove),
    /// Make many accounts: lines of newusers(8), CSV with a header, or what export prints
    Import(Import),
    /// Print all records, one a line, sorted by name
    Export {
        /// With the password hashes
        #[arg(long)]
        with_hashes: bool,
    },
    /// Write a backup of all accounts to standard output
    Save {
        /// With the homes and all that is in them
        #[arg(long)]
        homes: bool,
    },
    /// Restore a backup from standard input; checked whole before anything changes
    Load(Load),
    /// Make an account that useradd made inside survive updates
    Adopt {
        name: String,
        /// Say what would be kept and what not, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the ssh keys of an account, for sshd's AuthorizedKeysCommand
    Keys { name: String },
    /// List and remove the passkeys of an account
    #[command(subcommand)]
    Passkey(PasskeyCommand),
    /// Kills all processes of a uid; started by `disable` and `remove`
    #[command(hide = true)]
    Sweep { uid: u32 },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PasskeyCommand {
    /// List them
    List { name: String },
    /// Remove one, by its id from the list
    Remove { name: String, id: String },
    /// Adds one; for the account page
    #[command(hide = true)]
    Add {
        name: String,
        #[arg(long)]
        request_stdin: bool,
    },
}

/// Where a password comes from; without any, it is asked for at the terminal.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag")]
pub(crate) struct Source {
    /// Make a password of 24 letters and digits and show it once
    #[arg(long)]
    pub(crate) generate: bool,
    /// Read the password from one line of standard input
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Read a crypt(5) hash from one line of standard input
    #[arg(long)]
    pub(crate) password_hash_stdin: bool,
    /// Read one JSON document with the secrets from standard input
    #[arg(long, hide = true)]
    pub(crate) request_stdin: bool,
}

#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one per flag")]
pub(crate) struct Add {
    /// Login name; asked for if missing
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) source: Source,
    /// Log in with ssh keys alone
    #[arg(long, conflicts_with_all = ["generate", "password_stdin", "password_hash_stdin"])]
    pub(crate) no_password: bool,
    /// Give this uid instead of the next one
    #[arg(long, allow_hyphen_values = true)]
    pub(crate) uid: Option<String>,
    /// Full name
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Login shell
    #[arg(long, value_name = "PATH")]
    pub(crate) shell: Option<String>,
    /// Groups of the image, if /etc/occ/groups.allow lets the person in
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',')]
    pub(crate) groups: Vec<String>,
    /// A file of ssh public keys
    #[arg(long, value_name = "FILE")]
    pub(crate) ssh_key_file: Option<PathBuf>,
    /// Make it disabled
    #[arg(long)]
    pub(crate) disabled: bool,
    /// Make it although its home is there and belongs to another uid
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Do nothing if the account is there
    #[arg(long)]
    pub(crate) if_missing: bool,
    /// Give a removed account its uid and home back
    #[arg(long, conflicts_with_all = ["new_uid", "uid"])]
    pub(crate) restore: bool,
    /// Make a new account with the name of a removed one
    #[arg(long)]
    pub(crate) new_uid: bool,
}

#[derive(Debug, Default, Args)]
pub(crate) struct Set {
    pub(crate) name: String,
    /// Full name
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// Login shell
    #[arg(long, value_name = "PATH")]
    pub(crate) shell: Option<String>,
    /// These groups of the image and no others; '' for none
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',', conflicts_with_all = ["add_groups", "remove_groups"])]
    pub(crate) groups: Option<Vec<String>>,
    /// These groups too
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',')]
    pub(crate) add_groups: Vec<String>,
    /// Not these groups any more
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',')]
    pub(crate) remove_groups: Vec<String>,
    /// The ssh public keys of this file and no others
    #[arg(long, value_name = "FILE", conflicts_with_all = ["add_key", "remove_key"])]
    pub(crate) ssh_key_file: Option<PathBuf>,
    /// The ssh public keys of this file too
    #[arg(long, value_name = "FILE")]
    pub(crate) add_key: Option<PathBuf>,
    /// Not the ssh key with this fingerprint any more
    #[arg(long, value_name = "SHA256:…")]
    pub(crate) remove_key: Option<String>,
    /// The day on which the account closes, like 2027-01-31, or 'never'
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: Option<String>,
    /// A new password must be set at the next login
    #[arg(long)]
    pub(crate) must_change_password: bool,
    /// The login asks for no one-time code any more, because the phone is lost
    #[arg(long)]
    pub(crate) no_second_factor: bool,
    /// Read one JSON document with the ssh keys from standard input
    #[arg(long, hide = true)]
    pub(crate) request_stdin: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Where they are; standard input if missing
    pub(crate) file: Option<PathBuf>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Change accounts that are there to what their lines say; what is empty stays
    #[arg(long)]
    pub(crate) update: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Load {
    /// With the homes in it; those that are here stay as they are
    #[arg(long)]
    pub(crate) homes: bool,
    /// Even where accounts are: those of the backup replace theirs, others stay
    #[arg(short, long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Names {
    #[arg(required = true)]
    pub(crate) names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) who: Names,
    /// Don't ask
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Don't ask, and remove the last account too
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Delete the home directory
    #[arg(long)]
    pub(crate) purge_home: bool,
}
