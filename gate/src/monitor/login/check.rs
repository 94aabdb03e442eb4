//! Checks of a session's person by PAM, before something of their account changes that a
//! stolen session must not change. Each counts as a login does.

use super::pam::{PamCommand, PamResult, PamTask};
use super::{Action, Attempt, Context, Logins, Next, What};
use crate::monitor::audit::{Outcome, Topic};
use crate::monitor::sessions::Session;
use crate::wire::{
    ChallengeReply, ChangePasswordReply, Gone, LoginReply, Origin, PamText, Rejection, Reply,
    SecondReply, Secret, TokenHash, User,
};

/// The reason for a check.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// To turn the second step on.
    BeginSecond,
    /// To turn it off.
    EndSecond,
    /// To add a passkey, for this origin.
    BeginPasskey(Origin),
}

/// The reason for which nothing is changed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NotChecked {
    Wrong,
    SlowDown { seconds: u32 },
    Unavailable,
}

impl Purpose {
    pub(crate) fn refusal(&self, why: NotChecked) -> Reply {
        match self {
            Self::BeginSecond => Reply::BeginSecond(Ok(why.into())),
            Self::EndSecond => Reply::EndSecond(Ok(why.into())),
            Self::BeginPasskey(_) => Reply::BeginPasskey(Ok(why.into())),
        }
    }

    /// The session is over.
    pub(crate) fn gone(&self) -> Reply {
        match self {
            Self::BeginSecond => Reply::BeginSecond(Err(Gone)),
            Self::EndSecond => Reply::EndSecond(Err(Gone)),
            Self::BeginPasskey(_) => Reply::BeginPasskey(Err(Gone)),
        }
    }

    pub(super) fn topic(&self) -> Topic {
        match self {
            Self::BeginSecond | Self::EndSecond => Topic::SecondStep,
            Self::BeginPasskey(_) => Topic::Passkey,
        }
    }
}

impl From<NotChecked> for SecondReply {
    fn from(why: NotChecked) -> Self {
        match why {
            NotChecked::Wrong => Self::Wrong,
            NotChecked::SlowDown { seconds } => Self::SlowDown { seconds },
            NotChecked::Unavailable => Self::Unavailable,
        }
    }
}

impl From<NotChecked> for ChallengeReply {
    fn from(why: NotChecked) -> Self {
        match why {
            NotChecked::Wrong => Self::Wrong,
            NotChecked::SlowDown { seconds } => Self::SlowDown { seconds },
            NotChecked::Unavailable => Self::Unavailable,
        }
    }
}

impl From<NotChecked> for LoginReply {
    fn from(why: NotChecked) -> Self {
        match why {
            NotChecked::Wrong => Self::Refused,
            NotChecked::SlowDown { seconds } => Self::SlowDown { seconds },
            NotChecked::Unavailable => Self::Unavailable,
        }
    }
}

impl From<NotChecked> for ChangePasswordReply {
    fn from(why: NotChecked) -> Self {
        match why {
            NotChecked::Wrong => Self::Rejected {
                why: Rejection::Old,
                text: PamText::default(),
            },
            NotChecked::SlowDown { seconds } => Self::SlowDown { seconds },
            NotChecked::Unavailable => Self::Unavailable,
        }
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
        let what = What::Check {
            user: session.user.clone(),
            session: token,
            purpose,
        };
        let attempt = Attempt::of_session(context, id, session, what);
        self.enqueue(context, attempt, Next::Start(command))
    }
}

/// The end of a check.
pub(super) fn concluded(
    id: u64,
    session: TokenHash,
    purpose: Purpose,
    result: &PamResult,
) -> (Action, Outcome) {
    match result {
        PamResult::Accepted => (Action::Checked(id, session, purpose), Outcome::Ok),
        PamResult::Broken { .. } => {
            let reply = purpose.refusal(NotChecked::Unavailable);
            (Action::Reply(id, reply), Outcome::Unavailable)
        }
        _ => {
            let reply = purpose.refusal(NotChecked::Wrong);
            (Action::Reply(id, reply), Outcome::Refused)
        }
    }
}
