//! The documents that `occ-init` and `occ` exchange, and that `--json` prints.
//!
//! One document is one line on stdout. Readers ignore unknown fields, so
//! fields may be added but never renamed or removed; the samples under
//! `tests/wire` are frozen. A hash never appears here, except in what
//! `export --with-hashes` prints. Secrets go the other way, in a [`Request`].

use serde::{Deserialize, Serialize};

/// The version of these documents. A reader refuses a higher one.
pub const SCHEMA: u32 = 1;

/// Most bytes a [`Request`] may have on `--request-stdin`.
pub const REQUEST_LIMIT: usize = 64 * 1024;

/// The answer to whether a person can log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Logs in with a password or key.
    Enabled,
    /// Shut out: `!` before the hash, expired, no login shell.
    Disabled,
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
    /// Enabled or disabled.
    pub status: Status,
    /// When the password was last set, in microseconds since 1970 (UTC).
    #[serde(
        rename = "lastPasswordChangeUSec",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub last_password_change_usec: Option<u64>,
}

/// The answer of a command that changes or shows one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountReply {
    /// [`SCHEMA`].
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
    /// [`SCHEMA`].
    pub schema: u32,
    /// Present after `enable`, `disable` and `remove` of several names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// Sorted by name.
    pub accounts: Vec<AccountView>,
}

/// The answer of `status`, as far as the host reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusReply {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Present where the login runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateView>,
}

/// The login and who has an opencode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GateView {
    /// Browsers that are logged in.
    pub sessions: u64,
    /// One for each person who has one, by uid.
    pub instances: Vec<OpencodeView>,
}

/// A person's opencode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpencodeView {
    /// The login name of the person.
    pub user_name: String,
    /// `starting` or `ready`.
    pub state: String,
    /// Microseconds since 1970.
    #[serde(rename = "sinceUSec")]
    pub since_usec: u64,
    /// Resident memory of all their processes.
    pub memory_bytes: u64,
}

/// The answer of `user export`.
///
/// No `Debug`: with `--with-hashes` the records hold password hashes.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportReply {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The records (USER_RECORD), sorted by name.
    pub records: Vec<serde_json::Value>,
    /// Why others are not among them, a sentence each; then the exit code is 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<String>,
}

/// The answer of `user import`. Exit 0 if no line failed, else 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReply {
    /// [`SCHEMA`].
    pub schema: u32,
    /// True if an account was made; never with `--dry-run`.
    pub changed: bool,
    /// One for each line with an account, in their order.
    pub results: Vec<ImportResult>,
}

/// The outcome of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportResult {
    /// The line's number, from 1.
    pub line: u64,
    /// The login name; empty if the line has none that could be one.
    #[serde(default)]
    pub user_name: String,
    /// The action taken, or with `--dry-run` would be.
    pub action: ImportAction,
    /// The account's uid, unless the line failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Why the line failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

impl ImportReply {
    /// How many lines ended with this.
    pub fn count(&self, action: ImportAction) -> usize {
        let actions = self.results.iter().map(|result| result.action);
        actions.filter(|other| *other == action).count()
    }

    /// For people: a line for each line, and how many there were of each kind;
    /// with `quiet` only those that failed.
    pub fn sentences(&self, dry_run: bool, quiet: bool) -> Vec<String> {
        let said = self
            .results
            .iter()
            .filter(|result| !quiet || result.action == ImportAction::Failed);
        let mut text: Vec<String> = said.map(|result| result.sentence(dry_run)).collect();
        if !quiet {
            text.push(format!(
                "{} {}, {} exist already, {} failed",
                self.count(ImportAction::Created),
                if dry_run {
                    "would be created"
                } else {
                    "created"
                },
                self.count(ImportAction::Exists),
                self.count(ImportAction::Failed),
            ));
        }
        text
    }
}

impl ImportResult {
    fn sentence(&self, dry_run: bool) -> String {
        let Self {
            line, user_name, ..
        } = self;
        let uid = self.uid.unwrap_or_default();
        match (self.action, &self.error) {
            (ImportAction::Created, _) if dry_run => {
                format!("line {line}: User '{user_name}' would be created (uid {uid}).")
            }
            (ImportAction::Created, _) => {
                format!("line {line}: User '{user_name}' created (uid {uid}).")
            }
            (ImportAction::Exists, _) => format!("line {line}: User '{user_name}' already exists."),
            (ImportAction::Failed, error) => {
                let message = error.as_ref().map_or("", |error| &error.message);
                let whose = match user_name.as_str() {
                    "" => String::new(),
                    name => format!("'{name}': "),
                };
                format!("line {line}: failed: {whose}{message}")
            }
        }
    }
}

/// The answer of `user load`. Exit 0 if every account is restored, else 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadReply {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Names of accounts that were not here.
    pub added: Vec<String>,
    /// Names of accounts that were here and are now as in the backup.
    pub replaced: Vec<String>,
    /// Homes that were made from the backup.
    #[serde(default)]
    pub homes: Vec<String>,
    /// Homes that were here, and so were left as they are.
    #[serde(default)]
    pub kept_homes: Vec<String>,
    /// Parts that are left out, and why; one sentence each.
    #[serde(default)]
    pub problems: Vec<String>,
}

impl LoadReply {
    /// For people: one sentence.
    pub fn sentence(&self) -> String {
        let (added, replaced) = (self.added.len(), self.replaced.len());
        let mut text = format!(
            "{} restored: {added} new here, {replaced} replaced",
            counted(added + replaced, "account")
        );
        for (homes, word) in [(&self.homes, "made"), (&self.kept_homes, "left as it was")] {
            if !homes.is_empty() {
                let word = if homes.len() > 1 {
                    word.replace("it was", "they were")
                } else {
                    word.to_owned()
                };
                text = format!("{text}; {} {word}", counted(homes.len(), "home"));
            }
        }
        text + "."
    }
}

/// `1 account`, `2 accounts`.
pub fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// The action taken for one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportAction {
    /// A new account.
    Created,
    /// There is one of that name; it was left as it is.
    Exists,
    /// Nothing was done. Unknown actions of a newer program read as this.
    #[serde(other)]
    Failed,
}

/// The answer of a command that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The error.
    pub error: ErrorBody,
}

/// An error, for programs and people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Decides the exit code.
    pub kind: ErrorKind,
    /// Which error it is, where a program acts on that; absent from older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<ErrorCode>,
    /// The account, container or argument that the error is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One lower-case sentence with its causes, without a full stop.
    pub message: String,
    /// The next step for a person; may be empty.
    #[serde(default)]
    pub hint: String,
    /// True if the same call may succeed later.
    #[serde(default)]
    pub retryable: bool,
}

impl ErrorBody {
    /// An error that no program needs to tell from others of its kind.
    pub fn new(kind: ErrorKind, message: String, hint: String) -> Self {
        Self {
            kind,
            code: None,
            name: None,
            message,
            hint,
            retryable: kind.retryable(),
        }
    }
}

/// Errors that a program reacts to, so that it need not read `message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// No account is called [`ErrorBody::name`].
    NoSuchAccount,
    /// The program does not know the command or option [`ErrorBody::name`]: it is
    /// older than its caller.
    UnknownArgument,
    /// A code of a newer program.
    #[serde(other)]
    Other,
}

/// The kinds of failure; each has one exit code in both programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The command line is wrong, or input is needed and there is no terminal.
    Usage,
    /// There is no such account.
    NotFound,
    /// It exists already, or two things claim the same name or uid.
    Conflict,
    /// A safety rule forbids it.
    Refused,
    /// No container engine answers.
    EngineUnreachable,
    /// The container is not running or not healthy.
    NotRunning,
    /// Another process holds a lock, or time ran out.
    Busy,
    /// A name, password, hash or uid that can't be accepted.
    Invalid,
    /// Any other failure. Unknown kinds of a newer program read as this.
    #[serde(other)]
    Failed,
}

impl ErrorKind {
    /// The exit code of both programs for this kind.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Conflict => 4,
            Self::Refused => 5,
            Self::EngineUnreachable => 6,
            Self::NotRunning => 7,
            Self::Busy => 8,
            Self::Invalid => 9,
        }
    }

    /// Returns whether trying the same call again may help.
    pub const fn retryable(self) -> bool {
        matches!(
            self,
            Self::Busy | Self::EngineUnreachable | Self::NotRunning
        )
    }
}

/// The input of `--request-stdin`: one document, to the end of the input.
///
/// It has no `Debug`, because it holds secrets; both programs wipe its strings. A
/// client that dies half-way sends no closing brace, so half a password is never
/// taken for a whole one.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The password, 1 to 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// A crypt(5) hash instead of a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// Lines of an authorized_keys file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh_authorized_keys: Option<Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_exit_code() {
        let table = [
            (ErrorKind::Failed, 1, "failed"),
            (ErrorKind::Usage, 2, "usage"),
            (ErrorKind::NotFound, 3, "not_found"),
            (ErrorKind::Conflict, 4, "conflict"),
            (ErrorKind::Refused, 5, "refused"),
            (ErrorKind::EngineUnreachable, 6, "engine_unreachable"),
            (ErrorKind::NotRunning, 7, "not_running"),
            (ErrorKind::Busy, 8, "busy"),
            (ErrorKind::Invalid, 9, "invalid"),
        ];
        for (kind, code, word) in table {
            assert_eq!(kind.exit_code(), code);
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
        }
    }

    #[test]
    fn a_load_says_what_became_of_accounts_and_homes() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let mut reply = LoadReply {
            schema: SCHEMA,
            added: names(&["alice"]),
            replaced: names(&[]),
            homes: names(&[]),
            kept_homes: names(&[]),
            problems: names(&[]),
        };
        assert_eq!(
            reply.sentence(),
            "1 account restored: 1 new here, 0 replaced."
        );
        reply.replaced = names(&["bob"]);
        reply.homes = names(&["/home/alice"]);
        reply.kept_homes = names(&["/home/bob", "/home/carol"]);
        assert_eq!(
            reply.sentence(),
            "2 accounts restored: 1 new here, 1 replaced; 1 home made; 2 homes left as they were."
        );
    }

    #[test]
    fn a_kind_from_a_newer_program_reads_as_failed() {
        let kind: ErrorKind = serde_json::from_str("\"eaten_by_a_grue\"").unwrap();
        assert_eq!(kind, ErrorKind::Failed);
    }
}
