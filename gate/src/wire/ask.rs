//! The web half's requests, each with the type of its reply.
//!
//! Only [`Authenticate`] names a user; all else goes by the token from the cookie, so
//! the web half can do nothing for somebody who is not logged in.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    Agent, ChangeReply, Conversation, EnsureReply, Handle, LoginReply, Secret, Session,
    SessionEntry, Token, User,
};

/// No session has this token, any more or ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone;

/// A request.
pub trait Ask {
    /// The type of its reply.
    type Reply;

    /// The request for a frame.
    fn into_request(self) -> Request;

    /// The reply from a frame. Returns `None` if it belongs to another request.
    fn from_reply(reply: Reply) -> Option<Self::Reply>;
}

macro_rules! requests {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty),* } -> $reply:ty;)*) => {
        $(
            $(#[$about])*
            #[derive(Debug, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[allow(missing_docs, reason = "most fields are told by their types")]
            pub struct $name { $($(#[$field_about])* pub $field: $type),* }

            impl Ask for $name {
                type Reply = $reply;

                fn into_request(self) -> Request {
                    Request::$name(self)
                }

                fn from_reply(reply: Reply) -> Option<$reply> {
                    match reply {
                        Reply::$name(reply) => Some(reply),
                        _ => None,
                    }
                }
            }
        )*

        /// Any request, as it is in a frame.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum Request { $($(#[$about])* $name($name)),* }

        /// Any reply, as it is in a frame.
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case", deny_unknown_fields)]
        pub enum Reply { $($(#[$about])* $name($reply)),* }
    };
}

requests! {
    /// Starts a login. A refusal comes at a fixed time after the call, whatever its
    /// reason.
    Authenticate {
        user: User,
        password: Secret,
        /// The browser's address, by the socket or a trusted proxy.
        address: IpAddr,
        /// For the list of sessions.
        agent: Agent,
        /// The device cookie, if the browser has one: see [`super::Login::device`].
        device: Option<Secret>
    } -> LoginReply;

    /// The browser that waited for a login is gone: what has not begun does not begin.
    Forget {
        /// The number of the login's call, which gets its reply all the same.
        call: u64
    } -> ();

    /// Answers a prompt.
    Answer { conversation: Conversation, text: Secret } -> LoginReply;

    /// Reads a session; moves no limit.
    GetSession { token: Token } -> Result<Session, Gone>;

    /// Moves the idle limit of a session that is used. Once a minute is enough.
    Touch { token: Token } -> Result<(), Gone>;

    /// Lists all sessions of the same person, at most
    /// [`super::SESSIONS_LIMIT`], the latest first.
    ListSessions { token: Token } -> Result<Vec<SessionEntry>, Gone>;

    /// Ends another session of the same person, if there is such a one.
    Revoke { token: Token, handle: Handle } -> Result<(), Gone>;

    /// Logs out.
    End { token: Token } -> Result<(), Gone>;

    /// Logs the person out everywhere, here too.
    EndAll { token: Token } -> Result<(), Gone>;

    /// Finds the person's opencode; starts it if need be.
    Ensure { token: Token } -> Result<EnsureReply, Gone>;

    /// Stops the person's opencode: for the idle time the web half saw no
    /// connection, no busy session and no terminal of theirs.
    Idle { token: Token } -> Result<(), Gone>;

    /// Keeps an opencode running although its person has no session any more:
    /// nobody is connected to it, but something works in it.
    Works {
        /// From [`EnsureReply::Ready`].
        secret: Secret
    } -> Result<(), Gone>;

    /// Changes the password through PAM. Other sessions of the person end, this one
    /// goes on.
    ChangePassword { token: Token, old: Secret, new: Secret } -> Result<ChangeReply, Gone>;

    /// Asks whether the monitor answers, for the health page.
    Ping {} -> ();

    /// Sets the new password that [`LoginReply::NewPasswordNeeded`] asks for, and goes on
    /// with the login. The conversation is over then, whatever the reply.
    RenewPassword { conversation: Conversation, new: Secret } -> LoginReply;
}
