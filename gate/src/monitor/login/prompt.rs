//! The questions beyond the password, and the people who are answering one: what a module
//! of PAM asks for, and a new password in place of one that has expired.
//!
//! A module for one-time codes asks only those whom it knows. Only the right password brings
//! a question (the helper sees to that, whatever the service's lines say), or the question
//! would tell who has an account.

use std::time::Duration;

use tokio::time::Instant;

use super::pam::Helper;
use super::{Action, Attempt, Context, Logins, Next, What};
use crate::monitor::random;
use crate::wire::ask::{Answer, RenewPassword};
use crate::wire::{Conversation, LoginReply, PamText, Reply, Secret};

/// How long a person may take to answer a prompt, and to choose a password.
const TYPING: Duration = Duration::from_secs(120);
const CHOOSING: Duration = Duration::from_secs(300);
/// People who are typing answers; one more, and the first is refused.
const CONVERSATIONS: usize = 64;

/// A login for which PAM asked something that nobody has answered yet.
pub(crate) struct Paused {
    pub(super) attempt: Box<Attempt>,
    /// Waits for the answer; without one there is nothing to answer.
    helper: Option<Box<Helper>>,
    since: Instant,
    wants: Wanted,
}

/// What a login waits for; nothing else goes on with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Answer,
    NewPassword,
}

impl Wanted {
    fn patience(self) -> Duration {
        match self {
            Self::Answer => TYPING,
            Self::NewPassword => CHOOSING,
        }
    }
}

/// A question to a person.
pub(super) enum Question {
    /// A module's.
    Pams { text: PamText, echo: bool },
    /// A new password, and why the one before was not taken.
    NewPassword { text: PamText },
}

impl Logins {
    /// Goes on with a login whose person answered a prompt.
    pub(crate) fn answer(
        &mut self,
        context: &Context<'_>,
        id: u64,
        Answer { conversation, text }: Answer,
    ) -> Vec<Action> {
        match self.resume(context, conversation, Wanted::Answer) {
            Some(paused) => self.go_on(context, id, Reply::Answer, paused, text),
            None => vec![Action::Reply(id, Reply::Answer(LoginReply::Refused))],
        }
    }

    /// Goes on with a login whose person chose a new password.
    pub(crate) fn renew(
        &mut self,
        context: &Context<'_>,
        id: u64,
        RenewPassword { conversation, new }: RenewPassword,
    ) -> Vec<Action> {
        match self.resume(context, conversation, Wanted::NewPassword) {
            Some(paused) => self.go_on(context, id, Reply::RenewPassword, paused, new),
            None => vec![Action::Reply(id, Reply::RenewPassword(LoginReply::Refused))],
        }
    }

    /// Takes a login that waits for this; whatever it waits for, that was its only try. Its
    /// account must still be as it was: an administrator's reset ends it.
    fn resume(
        &mut self,
        context: &Context<'_>,
        conversation: Conversation,
        wanted: Wanted,
    ) -> Option<Paused> {
        let paused = self.conversations.remove(&conversation)?;
        let What::Login {
            user, fingerprint, ..
        } = &paused.attempt.what
        else {
            return None;
        };
        let is_as_before = context.accounts.fingerprint(user.as_str()) == *fingerprint;
        let is_fine = paused.wants == wanted
            && paused.since.elapsed() < wanted.patience()
            && (is_as_before || wanted == Wanted::Answer);
        is_fine.then_some(paused)
    }

    fn go_on(
        &mut self,
        context: &Context<'_>,
        id: u64,
        to_reply: fn(LoginReply) -> Reply,
        paused: Paused,
        text: Secret,
    ) -> Vec<Action> {
        let mut attempt = paused.attempt;
        attempt.id = id;
        if let What::Login { reply, .. } = &mut attempt.what {
            *reply = to_reply;
        }
        attempt.arrived = Instant::now();
        match paused.helper {
            Some(helper) => self.enqueue(context, attempt, Next::Tell(helper, text)),
            None => vec![Action::Reply(id, to_reply(LoginReply::Refused))],
        }
    }

    /// Lets an attempt wait until its person has answered.
    pub(super) fn pause(
        &mut self,
        context: &Context<'_>,
        attempt: Box<Attempt>,
        helper: Option<Box<Helper>>,
        question: Question,
    ) -> Vec<Action> {
        if attempt.web != context.web {
            return Vec::new();
        }
        self.make_room_to_type();
        let What::Login { reply, .. } = attempt.what else {
            return Vec::new();
        };
        let conversation = Conversation(random::number());
        let id = attempt.id;
        let (wants, asked) = match question {
            Question::Pams { text, echo } => {
                let prompt = LoginReply::Prompt {
                    conversation,
                    text,
                    echo,
                };
                (Wanted::Answer, prompt)
            }
            Question::NewPassword { text } => {
                let needed = LoginReply::NewPasswordNeeded { conversation, text };
                (Wanted::NewPassword, needed)
            }
        };
        let paused = Paused {
            attempt,
            helper,
            since: Instant::now(),
            wants,
        };
        self.conversations.insert(conversation, paused);
        vec![Action::Reply(id, reply(asked))]
    }

    fn make_room_to_type(&mut self) {
        if self.conversations.len() < CONVERSATIONS {
            return;
        }
        let all = self.conversations.iter();
        let oldest = all.min_by_key(|(_, paused)| paused.since);
        if let Some(oldest) = oldest.map(|(conversation, _)| *conversation) {
            self.conversations.remove(&oldest);
        }
    }

    pub(crate) fn drop_old_conversations(&mut self) {
        self.conversations
            .retain(|_, paused| paused.since.elapsed() < paused.wants.patience());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::monitor::accounts::Accounts;
    use crate::monitor::audit::{AuditLine, By, Topic};
    use crate::monitor::login::device_cookie::DeviceKey;
    use crate::monitor::login::rate_limit::{Account, AddressBlock, Source};
    use crate::monitor::sessions::{SessionLimits, Sessions};
    use crate::monitor::web_process::WebId;
    use crate::settings::Settings;
    use crate::wire::{Agent, User};

    /// A login of nobody's, whose question was asked so long ago.
    fn paused(wants: Wanted, ago: Duration) -> Option<Paused> {
        let since = Instant::now().checked_sub(ago)?;
        let attempt = Attempt {
            id: 1,
            web: WebId::default(),
            arrived: since,
            source: Source::Address(AddressBlock::of([192, 0, 2, 1].into(), false)),
            account: Account::named("alice"),
            address: [192, 0, 2, 1].into(),
            audit: AuditLine::new(Topic::Login, [192, 0, 2, 1].into(), None, By::Password),
            passkey: None,
            copied: None,
            what: What::Login {
                user: User::cut("alice"),
                fingerprint: None,
                agent: Agent::cut(""),
                device: None,
                reply: Reply::Authenticate,
            },
        };
        Some(Paused {
            attempt: Box::new(attempt),
            helper: None,
            since,
            wants,
        })
    }

    #[test]
    fn login_that_waits_too_long_is_over() {
        let settings = Settings::from_options(&[]).unwrap();
        let limits = Limits::of(&settings);
        let idle = Duration::from_secs(60);
        let mut sessions = Sessions::new(SessionLimits {
            idle,
            absolute: idle,
        });
        let context = Context {
            accounts: &Accounts::default(),
            sessions: &mut sessions,
            web: WebId::default(),
            now: Duration::ZERO,
        };
        let key = DeviceKey::new(zeroize::Zeroizing::new([1; 32]));
        let mut logins = Logins::new(key, &limits);
        let conversation = Conversation(7);
        for (wants, seconds, expected) in [
            (Wanted::Answer, 60, true),
            (Wanted::Answer, 121, false),
            (Wanted::NewPassword, 240, true),
            (Wanted::NewPassword, 301, false),
        ] {
            let Some(paused) = paused(wants, Duration::from_secs(seconds)) else {
                panic!("this machine started {seconds} s ago or less");
            };
            logins.conversations.insert(conversation, paused);
            let resumed = logins.resume(&context, conversation, wants);
            assert_eq!(resumed.is_some(), expected, "{wants:?} {seconds}");
            let again = logins.resume(&context, conversation, wants);
            assert!(again.is_none(), "once");
        }
    }
}
