//! The questions of PAM beyond the password, and the people who are answering one.
//!
//! A module for one-time codes asks only those whom it knows. A name without an
//! account is asked the same question, or the question would tell who has one.

use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

use super::pam::{Helper, PamResult};
use super::{Action, Attempt, Context, Logins, Next, PamEvent, What};
use crate::monitor::random;
use crate::wire::ask::Answer;
use crate::wire::{Conversation, LoginReply, PamText, Reply};

/// How long a person may take to answer a prompt.
const TYPING: Duration = Duration::from_secs(120);
/// People who are typing answers; one more, and the first is refused.
const CONVERSATIONS: usize = 64;

/// A login for which PAM asked something that nobody has answered yet.
pub(crate) struct Paused {
    attempt: Box<Attempt>,
    /// None: there is no such account.
    helper: Option<Box<Helper>>,
    since: Instant,
}

/// A question as it was asked of somebody who may log in.
pub(crate) struct PamPrompt {
    text: String,
    /// Where the person's name stands in it, if it does.
    name: Option<Range<usize>>,
    echo: bool,
}

impl PamPrompt {
    pub(crate) fn of(user: &str, text: &str, echo: bool) -> Self {
        let at = text.rfind(user).filter(|_| !user.is_empty());
        Self {
            text: text.to_owned(),
            name: at.map(|at| at..at + user.len()),
            echo,
        }
    }

    /// The same question to somebody else, and whether the answer may be seen.
    pub(crate) fn to(&self, user: &str) -> (PamText, bool) {
        let mut text = self.text.clone();
        if let Some(name) = &self.name {
            text.replace_range(name.clone(), user);
        }
        (PamText::cut(&text), self.echo)
    }
}

impl Logins {
    /// Goes on with a login whose person answered a prompt.
    pub(crate) fn answer(
        &mut self,
        context: &Context<'_>,
        id: u64,
        Answer { conversation, text }: Answer,
    ) -> Vec<Action> {
        let Some(paused) = self.conversations.remove(&conversation) else {
            return vec![Action::Reply(id, Reply::Answer(LoginReply::Refused))];
        };
        let mut attempt = paused.attempt;
        attempt.id = id;
        if let What::Login { reply, .. } = &mut attempt.what {
            *reply = Reply::Answer;
        }
        attempt.arrived = Instant::now();
        let next = match paused.helper {
            Some(helper) => Next::Tell(helper, text),
            None => Next::Refuse,
        };
        self.enqueue(context, attempt, next)
    }

    /// Keeps the question that people are asked, and asks it of a name without an
    /// account as well.
    pub(super) fn with_the_same_question(&mut self, mut event: PamEvent) -> PamEvent {
        let What::Login {
            user, fingerprint, ..
        } = &event.attempt.what
        else {
            return event;
        };
        let prompt = &mut self.prompt;
        match (&event.result, fingerprint) {
            _ if event.attempt.was_asked => (),
            (PamResult::Prompt { text, echo }, Some(_)) => {
                *prompt = Some(PamPrompt::of(user.as_str(), text.as_str(), *echo));
            }
            (PamResult::Accepted, Some(_)) => *prompt = None,
            (PamResult::Refused, None) => {
                if let Some(prompt) = prompt {
                    let (text, echo) = prompt.to(user.as_str());
                    event.result = PamResult::Prompt { text, echo };
                    event.helper = None;
                }
            }
            _ => (),
        }
        event
    }

    /// Lets an attempt wait until its person has answered.
    pub(super) fn pause(
        &mut self,
        context: &Context<'_>,
        mut attempt: Box<Attempt>,
        helper: Option<Box<Helper>>,
        text: PamText,
        echo: bool,
    ) -> Vec<Action> {
        if attempt.web != context.web {
            return Vec::new();
        }
        attempt.was_asked = true;
        self.make_room_to_type();
        let What::Login { reply, .. } = attempt.what else {
            return Vec::new();
        };
        let conversation = Conversation(random::number());
        let id = attempt.id;
        let paused = Paused {
            attempt,
            helper,
            since: Instant::now(),
        };
        self.conversations.insert(conversation, paused);
        let prompt = LoginReply::Prompt {
            conversation,
            text,
            echo,
        };
        vec![Action::Reply(id, reply(prompt))]
    }

    fn make_room_to_type(&mut self) {
        if self.conversations.len() < CONVERSATIONS {
            return;
        }
        // Those without an account go first: they must not push people out.
        let all = self.conversations.iter();
        let oldest = all.min_by_key(|(_, paused)| (paused.helper.is_some(), paused.since));
        if let Some(oldest) = oldest.map(|(conversation, _)| *conversation) {
            self.conversations.remove(&oldest);
        }
    }

    pub(crate) fn drop_old_conversations(&mut self) {
        self.conversations
            .retain(|_, paused| paused.since.elapsed() < TYPING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_names_who_is_asked() {
        let oath = PamPrompt::of("for", "One-time password for `for': ", false);
        let (text, echo) = oath.to("mallory");
        assert_eq!(
            (text.as_str(), echo),
            ("One-time password for `mallory': ", false)
        );
        let plain = PamPrompt::of("alice", "Verification code: ", true);
        assert_eq!(plain.to("bob").0.as_str(), "Verification code: ");
    }
}
