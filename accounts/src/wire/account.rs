//! Accounts, as commands that change or show them answer.

use serde::{Deserialize, Serialize};

/// The state of an account: can its person log in?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Logs in with a password or key.
    Enabled,
    /// Shut out: `!` before the hash, expired, no login shell.
    Disabled,
    /// Not disabled, but closed since the day of [`AccountView::expires_usec`].
    Expired,
}

/// One account as programs see it. Field names are systemd's (USER_RECORD).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// The login name.
    pub user_name: String,
    /// The uid, which this name keeps for ever.
    pub uid: u32,
    /// The gid of the user private group; always the uid.
    pub gid: u32,
    /// The first gecos field: the person's name. May be empty.
    #[serde(default)]
    pub real_name: String,
    /// Absolute path of the home directory.
    pub home_directory: String,
    /// Absolute path of the login shell.
    pub shell: String,
    /// Supplementary groups that the record asks for, sorted.
    #[serde(default)]
    pub member_of: Vec<String>,
    /// Whether its person can log in.
    pub status: Status,
    /// The day on which it closes or closed, in microseconds since 1970 (UTC).
    #[serde(
        rename = "expiresUSec",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_usec: Option<u64>,
    /// A new password must be set at the next login.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub password_change_now: bool,
    /// Whether a password is set that may be used; `None` from an older program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_password: Option<bool>,
    /// The number of ssh keys in the record; `None` from an older program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_keys: Option<usize>,
    /// The number of passkeys in the record, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passkeys: Option<usize>,
    /// When the password was last set, in microseconds since 1970 (UTC).
    #[serde(
        rename = "lastPasswordChangeUSec",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub last_password_change_usec: Option<u64>,
}

impl AccountView {
    /// Returns true if the account is enabled and nobody can log in: it has neither a password
    /// nor an ssh key.
    pub fn has_no_way_in(&self) -> bool {
        self.status == Status::Enabled
            && self.has_password == Some(false)
            && self.ssh_keys == Some(0)
    }
}

/// A sentence with the first few enabled accounts that have neither a password nor an ssh key,
/// and the name of the first; `None` if there is none.
pub fn without_way_in(accounts: &[AccountView]) -> Option<(String, &str)> {
    const TOLD: usize = 5;
    let closed = accounts.iter().filter(|account| account.has_no_way_in());
    let names: Vec<&str> = closed.map(|account| account.user_name.as_str()).collect();
    let (told, more) = names.split_at(names.len().min(TOLD));
    let more = match more.len() {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let sentence = format!(
        "nobody can log in as {}{more}, without a password or key",
        told.join(", ")
    );
    told.first().map(|first| (sentence, *first))
}

/// The answer of a command that changes or shows one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountReply {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// False when everything was already as asked.
    pub changed: bool,
    /// The account after the change (before it, for `remove`).
    pub account: AccountView,
    /// The password that `--generate` made, shown this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generated_password: Option<String>,
}

/// The answer of `user list`, and of commands given several names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListReply {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// Present after `enable`, `disable` and `remove` of several names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// Sorted by name.
    pub accounts: Vec<AccountView>,
}
