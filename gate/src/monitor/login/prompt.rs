//! What PAM asks beyond the password, and who is answering it right now.
//!
//! A module for one-time codes asks only those whom it knows, so who has no account
//! is asked the same, or the question would tell who has one.

use std::time::Duration;

use tokio::time::Instant;

use crate::monitor::event_loop::Core;
use crate::monitor::login::pam::{Helper, Says};
use crate::monitor::login::{Attempt, Heard, Next, What};
use crate::monitor::random;
use crate::wire::{Conversation, PamText, Reply, Secret};

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
pub(crate) struct Asked {
    before: String,
    /// What follows the name; None: the name is not in it.
    after: Option<String>,
    echo: bool,
}

impl Asked {
    pub(crate) fn of(user: &str, text: &str, echo: bool) -> Self {
        let (before, after) = match text.rfind(user).filter(|_| !user.is_empty()) {
            Some(at) => (&text[..at], Some(text[at + user.len()..].to_owned())),
            None => (text, None),
        };
        Self {
            before: before.to_owned(),
            after,
            echo,
        }
    }

    /// The same question to somebody else, and whether the answer may be seen.
    pub(crate) fn to(&self, user: &str) -> (PamText, bool) {
        let Self {
            before,
            after,
            echo,
        } = self;
        let text = match after {
            Some(after) => format!("{before}{user}{after}"),
            None => before.clone(),
        };
        (PamText::cut(&text), *echo)
    }
}

impl Core {
    /// A person answered a prompt.
    pub(crate) fn resume(&mut self, id: u64, conversation: Conversation, text: Secret) {
        let Some(paused) = self.logins.conversations.remove(&conversation) else {
            return self.reply(id, Reply::Refused);
        };
        let mut attempt = paused.attempt;
        attempt.id = id;
        attempt.arrived = Instant::now();
        attempt.next = Some(match paused.helper {
            Some(helper) => Next::Tell(helper, text),
            None => Next::Refuse,
        });
        self.queue(attempt);
    }

    /// Remembers what people are asked; who is none of them is asked that, too.
    pub(crate) fn with_the_same_question(&mut self, mut heard: Heard) -> Heard {
        let What::Login { user, stamp, .. } = &heard.attempt.what else {
            return heard;
        };
        let asked = &mut self.logins.asked;
        match (&heard.says, stamp) {
            (Says::Prompt { text, echo }, Some(_)) if !heard.attempt.was_asked => {
                *asked = Some(Asked::of(user.as_str(), text.as_str(), *echo));
            }
            (Says::Accepted, Some(_)) if !heard.attempt.was_asked => *asked = None,
            (Says::Refused, None) if !heard.attempt.was_asked => {
                if let Some(asked) = asked {
                    let (text, echo) = asked.to(user.as_str());
                    heard.says = Says::Prompt { text, echo };
                    heard.helper = None;
                }
            }
            _ => (),
        }
        heard
    }

    pub(crate) fn pause(
        &mut self,
        mut attempt: Box<Attempt>,
        helper: Option<Box<Helper>>,
        text: PamText,
        echo: bool,
    ) {
        if attempt.web != self.web_now() {
            return;
        }
        attempt.was_asked = true;
        self.make_room_to_type();
        let conversation = Conversation(random::number());
        let id = attempt.id;
        let paused = Paused {
            attempt,
            helper,
            since: Instant::now(),
        };
        self.logins.conversations.insert(conversation, paused);
        self.reply(
            id,
            Reply::Prompt {
                conversation,
                text,
                echo,
            },
        );
    }

    fn make_room_to_type(&mut self) {
        let conversations = &mut self.logins.conversations;
        while conversations.len() >= CONVERSATIONS {
            // Those of nobody go first: they must not push people out.
            let oldest = conversations
                .iter()
                .min_by_key(|(_, paused)| (paused.helper.is_some(), paused.since));
            let Some(oldest) = oldest.map(|(conversation, _)| *conversation) else {
                return;
            };
            conversations.remove(&oldest);
        }
    }

    pub(crate) fn drop_old_conversations(&mut self) {
        self.logins
            .conversations
            .retain(|_, paused| paused.since.elapsed() < TYPING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_question_names_who_is_asked() {
        let oath = Asked::of("for", "One-time password for `for': ", false);
        let (text, echo) = oath.to("mallory");
        assert_eq!(
            (text.as_str(), echo),
            ("One-time password for `mallory': ", false)
        );
        let plain = Asked::of("alice", "Verification code: ", true);
        assert_eq!(plain.to("bob").0.as_str(), "Verification code: ");
    }
}
