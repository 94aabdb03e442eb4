//! Checks of a session's person by PAM, before something of their account changes that a
//! stolen session must not change. Each counts as a login does.

use tokio::time::Instant;

use super::pam::{PamCommand, PamResult, PamTask};
use super::rate_limit::{Account, Source};
use super::{Action, Attempt, Context, Logins, Next, What};
use crate::monitor::sessions::Session;
use crate::wire::{ChangeReply, Reply, SecondReply, Secret, TokenHash, User};

/// The reason for a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To turn the second step on.
    Begin,
    /// To turn it off.
    End,
}

impl Purpose {
    pub(crate) fn reply(self, reply: SecondReply) -> Reply {
        match self {
            Self::Begin => Reply::BeginSecond(Ok(reply)),
            Self::End => Reply::EndSecond(Ok(reply)),
        }
    }
}

/// What keeps a change of a password from its turn keeps a check from it.
pub(super) fn in_place_of(reply: &ChangeReply) -> SecondReply {
    match reply {
        ChangeReply::SlowDown { seconds } => SecondReply::SlowDown { seconds: *seconds },
        _ => SecondReply::Unavailable,
    }
}

impl Logins {
    /// Begins a check of the password of a session's person, and of a code if they have to
    /// show one at the login.
    pub(crate) fn check(
        &mut self,
        context: &Context<'_>,
        id: u64,
        (token, session): (TokenHash, &Session),
        (password, code): (Secret, Option<Secret>),
        purpose: Purpose,
    ) -> Vec<Action> {
        let command = PamCommand {
            user: User::cut(&session.user),
            address: session.address,
            task: PamTask::Check { password, code },
        };
        let attempt = Attempt {
            id,
            web: context.web,
            arrived: Instant::now(),
            source: Source::Session(session.handle),
            account: Account::named(&session.user),
            address: session.address,
            passkey: None,
            what: What::Check {
                user: session.user.clone(),
                session: token,
                purpose,
            },
        };
        self.enqueue(context, Box::new(attempt), Next::Start(command))
    }
}

/// The end of a check, and its word for the log.
pub(super) fn concluded(
    id: u64,
    session: TokenHash,
    purpose: Purpose,
    result: &PamResult,
) -> (Action, bool, &'static str) {
    match result {
        PamResult::Accepted => (Action::Checked(id, session, purpose), true, "checked"),
        PamResult::Broken { .. } => {
            let reply = purpose.reply(SecondReply::Unavailable);
            (Action::Reply(id, reply), false, "not checked")
        }
        _ => {
            let reply = purpose.reply(SecondReply::Wrong);
            (Action::Reply(id, reply), false, "refused")
        }
    }
}
