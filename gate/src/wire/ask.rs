//! The web half's requests, each with the type of its reply.
//!
//! Only [`Authenticate`] names a user, and [`MakeFirst`] while there is nobody; all else goes
//! by the token from the cookie or an access token, so the web half can do nothing for
//! somebody who showed neither.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    AccessEntry, AccessName, AccessToken, AddPasskeyReply, Agent, ChallengeReply,
    ChangePasswordReply, ConfirmSecondReply, Conversation, CredentialId, EnsureReply, Handle,
    Lifetime, LoginReply, MakeAccessReply, MakeFirstReply, OpencodeView, Origin, PasskeyEntry,
    PasskeyName, Proof, RestartReply, SecondReply, SecondView, Secret, Session, SessionEntry,
    TerminalId, TerminalReply, TerminalSize, Token, UseAccessReply, User,
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

    /// Logs the person out everywhere, here too, and revokes their access tokens.
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
    ChangePassword { token: Token, old: Secret, new: Secret } -> Result<ChangePasswordReply, Gone>;

    /// Asks whether the monitor answers, for the health page.
    Ping {} -> ();

    /// Ends the person's opencode and all that runs under their uid, and starts it anew:
    /// with new groups, a new PAM session, a new login shell.
    Restart { token: Token } -> Result<RestartReply, Gone>;

    /// Reads how the person's opencode runs; starts nothing.
    GetOpencode { token: Token } -> Result<OpencodeView, Gone>;

    /// Asks whether the first account can be made here: there is none at all.
    IsFirst {} -> bool;

    /// Makes the first account. The only other request that names a user: there is nobody
    /// yet whose it could be, and the code proves who asks.
    MakeFirst {
        /// From the log: see [`super::MakeFirstReply`].
        code: Secret,
        user: User,
        password: Secret,
        /// As in [`Authenticate`].
        address: IpAddr
    } -> MakeFirstReply;

    /// Starts the person's login shell in a terminal of its own.
    Terminal { token: Token, size: TerminalSize } -> Result<TerminalReply, Gone>;

    /// Ends the shell of a terminal of this session: nobody looks at it any more.
    CloseTerminal { token: Token, terminal: TerminalId } -> Result<(), Gone>;

    /// Shows an access token. Also tells that it is used: once a minute is enough.
    UseAccess {
        access: AccessToken,
        /// The program's address, by the socket or a trusted proxy.
        address: IpAddr
    } -> UseAccessReply;

    /// Lists the person's access tokens, at most [`super::ACCESS_LIMIT`], the latest first.
    ListAccess { token: Token } -> Result<Vec<AccessEntry>, Gone>;

    /// Makes an access token.
    MakeAccess { token: Token, name: AccessName, lifetime: Lifetime } -> Result<MakeAccessReply, Gone>;

    /// Revokes an access token of the same person, if there is such a one. Returns false
    /// if it is revoked, but a restart may bring it back: the disk does not take it.
    RevokeAccess { token: Token, handle: Handle } -> Result<bool, Gone>;

    /// Sets the new password that [`LoginReply::NewPasswordNeeded`] asks for, and goes on
    /// with the login. The conversation is over then, whatever the reply.
    RenewPassword { conversation: Conversation, new: Secret } -> LoginReply;

    /// Reads how it stands with the person's second step.
    GetSecond { token: Token } -> Result<SecondView, Gone>;

    /// Begins to turn the second step on, if the password is right.
    BeginSecond { token: Token, password: Secret } -> Result<SecondReply, Gone>;

    /// Turns the second step on that this session began, if the code is right.
    ConfirmSecond { token: Token, code: Secret } -> Result<ConfirmSecondReply, Gone>;

    /// Turns the second step off, if the password and the code are right.
    EndSecond { token: Token, password: Secret, code: Secret } -> Result<SecondReply, Gone>;

    /// Asks for a challenge to log in with. Names nobody, as nobody has said anything yet.
    BeginPasskeyLogin {
        origin: Origin,
        /// As in [`Authenticate`].
        address: IpAddr
    } -> ChallengeReply;

    /// Logs in with a passkey. Names no user: the credential is in one person's record, and
    /// only its key signs the challenge.
    PasskeyLogin {
        challenge: Token,
        credential: CredentialId,
        proof: Proof,
        /// As in [`Authenticate`].
        address: IpAddr,
        agent: Agent,
        device: Option<Secret>
    } -> LoginReply;

    /// Asks for a challenge to add a passkey with, if the password is right, and the code if
    /// the person's second step is on.
    BeginPasskey {
        token: Token,
        origin: Origin,
        password: Secret,
        code: Option<Secret>
    } -> Result<ChallengeReply, Gone>;

    /// Adds a passkey to the person's record.
    AddPasskey {
        token: Token,
        challenge: Token,
        name: PasskeyName,
        credential: CredentialId,
        proof: Proof
    } -> Result<AddPasskeyReply, Gone>;

    /// Lists the person's passkeys, at most [`super::PASSKEYS_LIMIT`].
    ListPasskeys { token: Token } -> Result<Vec<PasskeyEntry>, Gone>;

    /// Removes a passkey of the same person. Returns false if the record can't be written.
    RemovePasskey { token: Token, handle: Handle } -> Result<bool, Gone>;
}
