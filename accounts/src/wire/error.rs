//! The answer of a command that failed.

use serde::{Deserialize, Serialize};

/// The answer of a command that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// [`SCHEMA`](super::SCHEMA).
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
    fn the_page_lists_every_exit_code() {
        let page = include_str!("../../../docs/accounts.md");
        let (_, table) = page
            .split_once("\n| exit | meaning |\n|---|---|\n")
            .unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|'));
        let codes = rows.map(|row| row.split('|').nth(1).unwrap().trim());
        let codes: Vec<u8> = codes.map(|code| code.parse().unwrap()).collect();
        assert_eq!(
            codes,
            (0..=ErrorKind::Invalid.exit_code()).collect::<Vec<u8>>()
        );
    }

    #[test]
    fn a_kind_from_a_newer_program_reads_as_failed() {
        let kind: ErrorKind = serde_json::from_str("\"eaten_by_a_grue\"").unwrap();
        assert_eq!(kind, ErrorKind::Failed);
    }
}
