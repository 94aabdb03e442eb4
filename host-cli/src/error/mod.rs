//! Everything that can go wrong, as data: its kind, its text and what to do.
//!
//! Texts are lower case and name the thing; the sentences of the owner
//! ("Container not running. …") stand as they are. No secret is ever held here.

use std::io;
use std::path::PathBuf;

use accounts::wire::{ErrorBody, ErrorCode, ErrorKind, ErrorReply, SCHEMA};
use bollard::errors::Error as Api;

/// A command that failed. `Display` is one sentence, causes included.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The texts say it.
pub(crate) enum Error {
    #[error("{message}")]
    Usage { message: String, hint: String },
    #[error("{what} is needed, and there is no terminal to ask on")]
    NeedsInput {
        what: &'static str,
        give: &'static str,
    },
    #[error("the input ended before an answer was given; nothing was changed")]
    NoAnswer,
    #[error("{0}; nothing was changed")]
    Declined(String),

    #[error("no container engine answers at {endpoint} ({from}): {cause}")]
    Unreachable {
        endpoint: String,
        from: String,
        cause: String,
        hint: String,
    },
    #[error("no permission to use the container engine at {endpoint} ({from})")]
    Forbidden { endpoint: String, from: String },
    #[error("cannot use {what}: {why}")]
    EngineName { what: String, why: String },
    #[error("there is no image '{name}' here, and it could not be pulled: {cause}")]
    NoImage { name: String, cause: String },
    #[error("cannot speak version '{asked}' of the engine's API (DOCKER_API_VERSION): {why}")]
    ApiVersion { asked: String, why: String },
    #[error("the container engine could not {doing}: {cause}")]
    Engine { doing: String, cause: String },
    #[error("the container engine could not start the container '{name}': {cause}")]
    NotStarted { name: String, cause: String },

    #[error("Container not running. Start with `occ start` first.")]
    NotRunning,
    #[error("container '{0}' is paused")]
    Paused(String),
    #[error("container '{0}' is restarting: it ends as soon as it is started")]
    Restarting(String),
    #[error("{0} before occ-init had answered")]
    Cut(String),
    #[error("several containers have the label dev.occ.instance={name}: {found}")]
    Several { name: String, found: String },
    #[error("container '{container}' has no usable occ-init: {detail}")]
    NoInit { container: String, detail: String },
    #[error("container '{0}' has no login that knows tokens")]
    NoGate(String),
    #[error("occ-init answered in a way this occ does not understand: {0}")]
    BadReply(String),
    #[error("occ-init answers with schema {0}, this occ reads {SCHEMA}")]
    NewerReply(u32),
    #[error("{}", .0.message)]
    Remote(ErrorBody),
    #[error("no answer from occ-init within {seconds} s; the change may have been applied")]
    TimedOut { seconds: u64, look: String },

    #[error("no such account '{name}'")]
    NoSuchAccount { name: String, close: Option<String> },
    #[error("user '{0}' already exists")]
    Exists(String),
    #[error("Cannot remove last user. Add another user first or use --force.")]
    LastAccount,
    #[error("{0}")]
    Invalid(String),

    #[error("{message}")]
    Unhealthy { message: String, hint: String },
    #[error("{what} within {seconds} s")]
    Late {
        what: String,
        seconds: u64,
        hint: String,
    },
    #[error("{message}")]
    Conflict { message: String, hint: String },
    #[error("{message}")]
    Refused { message: String, hint: String },
    #[error("{message}")]
    Failed { message: String, hint: String },
    #[error("cannot {doing} '{}': {}", path.display(), plain(source))]
    File {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// The engine refused or failed at `doing` ("list containers").
    pub(crate) fn engine(doing: impl Into<String>) -> impl FnOnce(Api) -> Self {
        let doing = doing.into();
        move |cause| Self::Engine {
            doing,
            cause: api_text(&cause),
        }
    }

    /// A file that can't be read or written.
    pub(crate) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            doing,
            path,
            source,
        }
    }

    /// A file or place that somebody named, and that can't be used: a value that is
    /// wrong.
    pub(crate) fn unusable(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let file = Self::file(doing, path);
        move |source| Self::Invalid(file(source).to_string())
    }

    pub(crate) fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// Decides the exit code.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Usage { .. } | Self::NeedsInput { .. } | Self::NoAnswer => ErrorKind::Usage,
            Self::Unreachable { .. } | Self::Forbidden { .. } => ErrorKind::EngineUnreachable,
            Self::NotRunning
            | Self::Paused(_)
            | Self::Restarting(_)
            | Self::Cut(_)
            | Self::Unhealthy { .. } => ErrorKind::NotRunning,
            Self::TimedOut { .. } | Self::Late { .. } => ErrorKind::Busy,
            Self::NoSuchAccount { .. } => ErrorKind::NotFound,
            Self::Exists(_) | Self::Several { .. } | Self::Conflict { .. } => ErrorKind::Conflict,
            Self::LastAccount | Self::Refused { .. } => ErrorKind::Refused,
            Self::Invalid(_)
            | Self::EngineName { .. }
            | Self::ApiVersion { .. }
            | Self::NoImage { .. } => ErrorKind::Invalid,
            Self::Remote(body) => body.kind,
            Self::Declined(_)
            | Self::Engine { .. }
            | Self::NotStarted { .. }
            | Self::NoInit { .. }
            | Self::NoGate(_)
            | Self::BadReply(_)
            | Self::NewerReply(_)
            | Self::Failed { .. }
            | Self::File { .. } => ErrorKind::Failed,
        }
    }

    /// The next step for the reader; may be empty.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::NeedsInput { give, .. } => format!("give {give}"),
            Self::Forbidden { .. } => {
                "put `sudo \"$(command -v occ)\"` in the place of `occ`, or join the docker group (`sudo usermod -aG docker $USER`) and log in again".into()
            }
            Self::EngineName { .. } => {
                "write unix:///path, tcp://host:port or ssh://user@host:port; `--host unix:///var/run/docker.sock` is the local engine".into()
            }
            Self::ApiVersion { .. } => {
                "without DOCKER_API_VERSION occ takes the highest that both know".into()
            }
            Self::NotStarted { cause, .. } if is_port_taken(cause) => {
                "choose another port, as in `occ start --port 3001`".into()
            }
            Self::Engine { cause, .. }
            | Self::NotStarted { cause, .. }
            | Self::NoImage { cause, .. }
                if is_disk_full(cause) =>
            {
                DISK_FULL.into()
            }
            Self::NoImage { .. } => "`docker images` lists those that are here".into(),
            Self::File { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space, then run this again".into()
            }
            Self::Paused(name) => format!("continue it with `docker unpause {name}`"),
            Self::Restarting(_) => "`occ logs` shows why".into(),
            Self::Cut(_) => {
                "a change may have been applied: `occ start`, then look with `occ user list`".into()
            }
            Self::Several { .. } => "name one with --container".into(),
            Self::NoInit { .. } => "the image is too old or not occ's: `occ update container`".into(),
            Self::NoGate(_) => "its image is too old, or has no occ-gate: `occ update container`".into(),
            Self::BadReply(_) => "the image may be too old: `occ update container`".into(),
            Self::NewerReply(_) => "install a newer occ".into(),
            Self::Remote(body) => body.hint.clone(),
            Self::TimedOut { look, .. } => format!("look with `{look}`, then try again"),
            Self::NoSuchAccount { close: Some(name), .. } => format!("did you mean '{name}'? `occ user list` shows all"),
            Self::NoSuchAccount { .. } => "`occ user list` shows all".into(),
            Self::Exists(name) => format!("set a new password with `occ user passwd {name}`, or use --if-missing"),
            Self::Usage { hint, .. }
            | Self::Unreachable { hint, .. }
            | Self::Unhealthy { hint, .. }
            | Self::Late { hint, .. }
            | Self::Conflict { hint, .. }
            | Self::Refused { hint, .. }
            | Self::Failed { hint, .. } => hint.clone(),
            Self::NoAnswer
            | Self::Declined(_)
            | Self::Engine { .. }
            | Self::NotStarted { .. }
            | Self::NotRunning
            | Self::LastAccount
            | Self::Invalid(_)
            | Self::File { .. } => String::new(),
        }
    }

    /// The document that `--json` prints.
    pub(crate) fn reply(&self) -> ErrorReply {
        let hint = match self {
            // Its sentence names the command already.
            Self::NotRunning => "`occ start`".to_owned(),
            _ => self.hint(),
        };
        let mut error = match self {
            Self::Remote(body) => body.clone(),
            _ => ErrorBody::new(self.kind(), self.to_string(), hint.clone()),
        };
        error.hint = hint;
        if let Self::NoSuchAccount { name, .. } = self {
            error.code = Some(ErrorCode::NoSuchAccount);
            error.name = Some(name.clone());
        }
        ErrorReply {
            schema: SCHEMA,
            error,
        }
    }

    /// The lines for people, message and hint. The owner's sentences (a capital letter)
    /// stand alone; everything else says who speaks.
    pub(crate) fn lines(&self) -> Vec<String> {
        let message = self.to_string();
        let speaker = if message.starts_with(char::is_uppercase) {
            ""
        } else {
            "occ: "
        };
        let hint = Some(self.hint()).filter(|hint| !hint.is_empty());
        let hint = hint.map(|hint| format!("hint: {hint}"));
        let message = format!("{speaker}{message}");
        std::iter::once(message).chain(hint).collect()
    }

    /// The same as one text.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        self.lines().join("\n") + "\n"
    }
}

/// The way on from a disk that is full; the engine may be on another machine.
pub(crate) const DISK_FULL: &str = "the engine's disk is full: free some space (`docker system df` shows what it takes), then run this again";

/// The engine's words for a disk that is full.
pub(crate) fn is_disk_full(cause: &str) -> bool {
    cause.contains("no space left on device") || cause.contains("disk quota exceeded")
}

/// The engine's words for a port that another program has.
fn is_port_taken(cause: &str) -> bool {
    cause.contains("already allocated") || cause.contains("address already in use")
}

/// The words of the system or of another program, to go on with after a colon and
/// without the system's number: `no such file or directory`.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let mut letters = text.split(" (os error ").next().unwrap_or_default().chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// The engine's own words, without bollard's wrapping.
pub(crate) fn api_text(error: &Api) -> String {
    match error {
        Api::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Api::DockerStreamError { error } => error.trim().to_owned(),
        Api::RequestTimeoutError => "it did not answer in time".to_owned(),
        other => chain(other),
    }
}

/// An error and its causes in one line; a cause already said is not repeated.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        next = cause.source();
    }
    text
}

/// The status of the engine's answer, if it is one that refuses.
pub(crate) fn status(error: &Api) -> Option<u16> {
    match error {
        Api::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// Returns true if the engine answers that the thing does not exist.
pub(crate) fn is_absent(error: &Api) -> bool {
    status(error) == Some(404)
}

#[cfg(test)]
mod tests;
