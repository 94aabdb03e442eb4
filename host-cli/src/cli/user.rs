//! The command line of `occ user`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The formats of `occ user import`.
const IMPORT: &str = "\
CSV has a header. Columns, in any order, of which only name is needed: name (or username),
password, password_hash, uid, comment, home, shell, groups (separated by blanks or commas, in
quotes), locked (true or false). Cells are divided by comma, semicolon or tab.

newusers(8) lines: NAME:PASSWORD:UID:GID:COMMENT:HOME:SHELL, plain passwords.";

#[derive(Debug, Subcommand)]
pub(crate) enum User {
    /// Add an account; asks for what is not given
    Add(Add),
    /// List the accounts
    #[command(visible_alias = "ls")]
    List,
    /// Show one account
    Show(AccountName),
    /// Set the password of an account
    Passwd(Passwd),
    /// Change an account: what is named, and nothing else
    Set(Box<Set>),
    /// Let accounts log in again
    Enable(AccountNames),
    /// Shut accounts out and end their processes; nothing is deleted
    Disable(AccountNames),
    /// Remove accounts; their homes stay
    #[command(visible_alias = "rm")]
    Remove(Remove),
    /// Add many accounts: newusers(8) lines, CSV with a header, or what export prints
    #[command(after_help = IMPORT)]
    Import(Import),
    /// Print the records of all accounts, one JSON document a line
    Export(Export),
    /// Make an account that useradd made in the container survive updates
    Adopt(Adopt),
    /// List and revoke the tokens with which programs get past the login
    #[command(subcommand)]
    Token(Token),
    /// List and remove the passkeys with which people log in
    #[command(subcommand)]
    Passkey(Passkey),
}

/// Commands on passkeys; people add theirs on the account page.
#[derive(Debug, Subcommand)]
pub(crate) enum Passkey {
    /// List a person's passkeys
    #[command(visible_alias = "ls")]
    List(AccountName),
    /// Remove a passkey of a person, who can't log in with it any more
    #[command(visible_alias = "rm")]
    Remove {
        /// Name of the account
        name: String,
        /// Id of the passkey, from `occ user passkey list`
        id: String,
    },
}

/// Commands on tokens; people make theirs on the account page.
#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// List a person's tokens
    #[command(visible_alias = "ls")]
    List(AccountName),
    /// Revoke tokens of a person; what uses them is cut off
    Revoke(RevokeToken),
}

#[derive(Debug, Args)]
#[command(override_usage = "occ user token revoke [OPTIONS] <NAME> <ID|--all>")]
pub(crate) struct RevokeToken {
    /// Name of the account
    pub name: String,
    /// Id of the token, from `occ user token list`
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub id: Option<String>,
    /// All of the person's tokens
    #[arg(long)]
    pub all: bool,
}

/// One account.
#[derive(Debug, Args)]
pub(crate) struct AccountName {
    /// Name of the account
    pub name: String,
}

/// Several accounts.
#[derive(Debug, Args)]
pub(crate) struct AccountNames {
    /// Names of the accounts; all are checked before anything changes
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// The source of a new password.
#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub(crate) struct PasswordSource {
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

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools)] // Each is a flag of its own.
pub(crate) struct Add {
    /// Name of the account: 3 to 32 letters, digits and '_'
    pub name: Option<String>,
    #[command(flatten)]
    pub source: PasswordSource,
    /// Set no password: only ssh keys log in
    #[arg(long, conflicts_with = "PasswordSource")]
    pub no_password: bool,
    /// Uid of the account [default: the next that nobody ever had]
    #[arg(long, value_name = "UID", value_parser = super::number)]
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
    /// Add it although its home is there and belongs to another uid
    #[arg(short, long)]
    pub force: bool,
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

#[derive(Debug, Args)]
pub(crate) struct Passwd {
    /// Name of the account
    pub name: String,
    #[command(flatten)]
    pub source: PasswordSource,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Name of the account
    pub name: String,
    /// The person's name
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// Login shell
    #[arg(long, value_name = "PATH")]
    pub shell: Option<String>,
    /// These groups and no others, which the image has to allow; '' for none
    #[arg(long, value_name = "GROUP", value_delimiter = ',', conflicts_with_all = ["add_groups", "remove_groups"])]
    pub groups: Option<Vec<String>>,
    /// These groups too
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub add_groups: Vec<String>,
    /// Not these groups any more
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    pub remove_groups: Vec<String>,
    /// The ssh public keys of this file and no others
    #[arg(long, value_name = "FILE", conflicts_with_all = ["add_key", "remove_key"])]
    pub ssh_key_file: Option<PathBuf>,
    /// The ssh public keys of this file too
    #[arg(long, value_name = "FILE")]
    pub add_key: Option<PathBuf>,
    /// Not the ssh key with this fingerprint any more
    #[arg(long, value_name = "SHA256:…")]
    pub remove_key: Option<String>,
    /// The day on which the account closes, like 2027-01-31, or 'never'
    #[arg(long, value_name = "DATE")]
    pub expires: Option<String>,
    /// A new password must be set at the next login
    #[arg(long)]
    pub must_change_password: bool,
    /// The login asks for no one-time code any more, because the phone is lost
    #[arg(long)]
    pub no_second_factor: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Adopt {
    /// Name of the account
    pub name: String,
    /// Only say what would be kept and what not
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub names: AccountNames,
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

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// File with the accounts [default: standard input]
    pub file: Option<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Change accounts that are there to what their lines say; what is empty stays
    #[arg(long)]
    pub update: bool,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Export {
    /// With the password hashes
    #[arg(long)]
    pub with_hashes: bool,
}
