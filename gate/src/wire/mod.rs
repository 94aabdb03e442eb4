//! The messages between the two halves: bounded frames of JSON.
//!
//! A frame is a length (u32, little endian, at most [`FRAME_LIMIT`]) and that many
//! bytes of JSON. Anything else is [`Malformed`]: the monitor then ends the web
//! half. Every text has a bound of its own, so that no list of them passes the
//! frame's.
//!
//! The monitor's reply that opens a terminal brings a file descriptor; nothing that the web
//! half sends does: the kernel closes what it adds, because the monitor has no room for it.
//!
//! Passwords cross in base64: JSON without escapes is read in place, and the
//! buffers that hold it are wiped.

pub mod ask;
pub(crate) mod handover;
pub(crate) mod stream;

mod access;
mod frame;
mod passkey;
mod second;
mod secret;
mod terminal;
mod text;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use access::{
    ACCESS_LIMIT, ACCESS_NAME_LIMIT, ACCESS_PREFIX, AccessEntry, AccessHash, AccessName,
    AccessToken, LastUse, Lifetime, MakeAccessReply, UseAccessReply,
};
pub use ask::{Ask, Gone, Reply, Request};
pub use frame::{FRAME_LIMIT, Frames, Malformed, encode};
pub use passkey::{
    AddPasskeyReply, CHALLENGE_SECONDS, ChallengeReply, CredentialId, Options, Origin,
    PASSKEY_NAME_LIMIT, PASSKEYS_LIMIT, PasskeyEntry, PasskeyName, Proof,
};
pub use second::{ConfirmSecondReply, SCRATCH_CODES, SecondReply, SecondView};
pub use secret::{Secret, Token, TokenHash};
pub use terminal::{TERMINALS_LIMIT, TerminalId, TerminalReply, TerminalSize};
pub use text::Text;

/// Longest user name, in bytes.
pub const USER_LIMIT: usize = 64;
/// Longest password or answer, in bytes.
pub const SECRET_LIMIT: usize = 255;
/// Longest text of PAM's: a prompt or a refusal, in bytes.
pub const PAM_TEXT_LIMIT: usize = 512;
/// Longest name of a browser, in bytes.
pub const AGENT_LIMIT: usize = 160;
/// Most sessions of one person; the oldest ends when there is one more.
pub const SESSIONS_LIMIT: usize = 20;
/// Longest line of a program's output that is shown, in bytes.
pub const LINE_LIMIT: usize = 240;
/// Most lines of a program's output that are shown.
pub const LINES_LIMIT: usize = 20;

/// A login name, as typed.
pub type User = Text<USER_LIMIT>;
/// A browser's own name for itself, cut.
pub type Agent = Text<AGENT_LIMIT>;
/// A text of PAM's, cut.
pub type PamText = Text<PAM_TEXT_LIMIT>;
/// Seconds since 1970.
pub type Time = u64;
/// A line of a program's output, without what a terminal obeys.
pub type Line = Text<LINE_LIMIT>;

/// A frame from the web half.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The web half's own number; the reply carries it. A number may come
    /// again once it has been answered.
    pub id: u64,
    /// The request.
    pub request: Request,
}

/// A frame from the monitor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// The answer to a call; each gets exactly one, in any order.
    Reply {
        /// The call's number.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// Something that nobody asked for.
    Event(Event),
}

/// The reply to a login, or to an answer in one.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum LoginReply {
    /// Logged in.
    Token(Login),
    /// PAM asks for more, for example a one-time password. Unanswered for two
    /// minutes, the login ends as refused.
    Prompt {
        /// For the answer.
        conversation: Conversation,
        /// The question.
        text: PamText,
        /// True if the answer may be shown as it is typed.
        echo: bool,
    },
    /// Not logged in; the reason stays with the monitor.
    Refused,
    /// The password is right and has to be another one: see [`ask::RenewPassword`].
    /// Unanswered for five minutes, the login ends as refused.
    NewPasswordNeeded {
        /// For the new password, once.
        conversation: Conversation,
        /// Why the one before was not taken; empty at first.
        text: PamText,
    },
    /// Too many failures: nothing was checked; try again after that time.
    SlowDown {
        /// At least 1.
        seconds: u32,
    },
    /// PAM can't be asked now (too many wait, or it hangs): try again soon.
    Unavailable,
}

/// The state of a person's opencode.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum EnsureReply {
    /// It answers at 127.0.0.1.
    Ready {
        /// TCP port on 127.0.0.1.
        port: u16,
        /// The owner of the listening socket: the web half sends the secret to no
        /// other.
        uid: u32,
        /// The password for HTTP Basic; the user name is `opencode`.
        secret: Secret,
    },
    /// It is coming up: [`Event::InstanceReady`] or [`Event::InstanceGone`] follows.
    Starting,
    /// It will come up when so many others, who wait as well, have begun to: the same
    /// events follow.
    Waiting {
        /// How many are to begin before it.
        ahead: u32,
    },
    /// It can't be started.
    Failed {
        /// Why; the log says more.
        reason: Failure,
        /// Not tried again before that time, unless by [`ask::Restart`].
        retry_seconds: u32,
        /// The last lines that it wrote, at most [`LINES_LIMIT`].
        output: Vec<Line>,
    },
}

/// The reply to [`ask::Restart`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RestartReply {
    /// It comes up again.
    Restarting,
    /// It was asked for a moment ago: nothing was done.
    TooSoon,
}

/// A person's opencode, for their account page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpencodeView {
    /// The last lines of a login shell that did not start opencode, at most
    /// [`LINES_LIMIT`]: it was started without the shell.
    pub without_login_shell: Option<Vec<Line>>,
}

/// The reply to a change of a password.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ChangePasswordReply {
    /// The password is another one now.
    Changed,
    /// The password was not changed.
    Rejected {
        /// The old one was wrong, or PAM does not take the new one.
        why: Rejection,
        /// PAM's words about it; may be empty.
        text: PamText,
    },
    /// Too many failures: nothing was checked; try again after that time.
    SlowDown {
        /// At least 1.
        seconds: u32,
    },
    /// PAM can't be asked now: try again soon.
    Unavailable,
}

/// The reply to the request for the first account. The code is in the container's log,
/// another one at each start, and good for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MakeFirstReply {
    /// It is there, and the code is used up.
    Made,
    /// The code is another.
    WrongCode,
    /// The account was not made, and why; the code is still good.
    Rejected {
        /// occ-init's words.
        text: PamText,
    },
    /// Too many wrong codes: nothing was checked; try again after that time.
    SlowDown {
        /// At least 1.
        seconds: u32,
    },
    /// There is an account, or one is being made.
    Closed,
}

/// A new session.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// For the session cookie; the monitor keeps only its digest.
    pub token: Token,
    /// The account's own spelling.
    pub user: User,
    /// When the session ends at the latest.
    pub expires: Time,
    /// For the device cookie, which outlives the session: a browser that logged
    /// in before has a budget of failures of its own, that nobody else can use
    /// up. Shown again at the person's next login.
    pub device: Secret,
}

/// A session and its person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// The account's own spelling.
    pub user: User,
    /// Gecos without its commas, or empty.
    pub display_name: Text<256>,
    /// When the session ends at the latest.
    pub expires: Time,
}

/// One line of a person's list of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionEntry {
    /// For [`ask::Revoke`].
    pub handle: Handle,
    /// When they logged in.
    pub created: Time,
    /// The last touch.
    pub last_seen: Time,
    /// The browser's name for itself at the login.
    pub agent: Agent,
    /// Its address at the login.
    pub address: IpAddr,
    /// True for the session that asks.
    pub current: bool,
}

/// Names a login that PAM still asks something for. Random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Conversation(pub u64);

/// Names a session in a list. Random, and no way to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Handle(pub u64);

/// Why an opencode can't be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The home is missing or not the person's.
    Home,
    /// The program can't be run.
    Program,
    /// It ended before it was ready.
    Ended,
    /// It was not ready in time.
    TimedOut,
    /// The port that it named is not its own.
    Port,
    /// The machine refuses: processes, memory, disk.
    Resources,
    /// It ended, and no file can be written in the home, for want of room.
    HomeFull,
    /// It ended, and the home is mounted read-only.
    HomeReadOnly,
    /// PAM opens no session.
    Session,
}

/// Why a password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// The old password is wrong.
    Old,
    /// PAM does not take the new one.
    New,
}

/// An event that the monitor sends unasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// A session is over: its streams end now.
    Gone {
        /// The digest of its token.
        token_hash: TokenHash,
    },
    /// A person's opencode is ready: ask again.
    InstanceReady {
        /// The account's own spelling.
        user: User,
    },
    /// A person's opencode has ended, or did not come up.
    InstanceGone {
        /// The account's own spelling.
        user: User,
    },
}

#[cfg(test)]
mod tests;
