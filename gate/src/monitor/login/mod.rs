//! Logins and changes of passwords, from the call to the reply: who may try,
//! what PAM says, and what comes of it.
//!
//! Whatever fails is answered at the same time: a whole multiple of [`PACE`]
//! after the call. Who has no account makes the same work as who has one.

mod outcome;
mod prompt;
mod queue;
mod rate_limit;

pub(crate) mod device_cookie;
pub(crate) mod pam;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::log::say;
use crate::monitor::accounts::Stamp;
use crate::monitor::event_loop::{Core, Event, Web, clock};
use crate::monitor::files;
use crate::monitor::login::pam::{Helper, Order, Says};
use crate::monitor::login::prompt::{Asked, Paused};
use crate::monitor::login::queue::Lanes;
use crate::monitor::login::rate_limit::{Account, Budget, Network, Source};
use crate::wire::{Agent, Conversation, PamText, Rejection, Reply, Secret, Token, TokenHash, User};

/// Everything about logins that lasts longer than a call.
#[derive(Default)]
pub(crate) struct Logins {
    budget: Budget,
    lanes: Lanes<Box<Attempt>>,
    conversations: HashMap<Conversation, Paused>,
    /// Who changes their password right now, and in which session.
    changing: HashMap<String, TokenHash>,
    asked: Option<Asked>,
}

/// One login or change of a password.
pub(crate) struct Attempt {
    id: u64,
    web: Web,
    arrived: Instant,
    source: Source,
    account: Account,
    address: IpAddr,
    /// Whether the person was asked for more than the password.
    was_asked: bool,
    what: What,
    /// None while a helper is at it.
    next: Option<Next>,
}

enum What {
    /// The person as they were when it began; none: there is no such person.
    Login {
        user: User,
        stamp: Option<Stamp>,
        agent: Agent,
        device: Option<[u8; 16]>,
    },
    Change {
        user: String,
        session: TokenHash,
    },
}

/// What to do when it is its turn.
enum Next {
    Start(Order),
    Tell(Box<Helper>, Secret),
    /// Somebody without an account answered what only looked like PAM's question.
    Refuse,
}

/// What a helper said in an attempt.
pub(crate) struct Heard {
    attempt: Box<Attempt>,
    says: Says,
    helper: Option<Box<Helper>>,
}

impl Attempt {
    /// The beginning of its line in the log. What is typed as a name may be a
    /// password, so only names that there are stand there.
    fn title(&self) -> String {
        let address = self.address;
        match &self.what {
            What::Login { user, stamp, .. } => {
                let is_there = stamp.is_some() || files::is_account(user.as_str());
                let shown = if is_there {
                    user.as_str()
                } else {
                    "an unknown name"
                };
                format!("login: {shown} from {address}")
            }
            What::Change { user, .. } => format!("change of password: {user} from {address}"),
        }
    }
}

impl Logins {
    pub(crate) fn is_changing(&self, user: &str) -> bool {
        self.changing.contains_key(user)
    }

    /// Nobody is left to reply to.
    pub(crate) fn forget_web(&mut self) {
        self.lanes.clear_waiting();
        self.conversations.clear();
        // Changes that wait for their turn went with the lanes.
    }
}

impl Core {
    pub(crate) fn authenticate(
        &mut self,
        id: u64,
        user: User,
        password: Secret,
        address: IpAddr,
        agent: Agent,
        device: Option<&Secret>,
    ) {
        // Whoever was added or shut out a moment ago is known as that.
        self.refresh_people();
        let stamp = self.people.stamp(user.as_str());
        let device = device.and_then(|cookie| self.device_key.check(user.as_str(), cookie));
        let source = device.map_or(Source::Address(Network::of(address)), Source::Device);
        let order = match stamp {
            Some(_) => Order::Login {
                user: user.clone(),
                password,
                address,
            },
            None => Order::Pretend {
                user: user.clone(),
                password,
                address,
            },
        };
        self.queue(Box::new(Attempt {
            id,
            web: self.web_now(),
            arrived: Instant::now(),
            source,
            account: Account::named(user.as_str()),
            address,
            was_asked: false,
            what: What::Login {
                user,
                stamp,
                agent,
                device,
            },
            next: Some(Next::Start(order)),
        }));
    }

    pub(crate) fn change_password(&mut self, id: u64, token: &Token, old: Secret, new: Secret) {
        let Some(session) = self.tokens.find(token, clock()).cloned() else {
            return self.reply(id, Reply::Gone);
        };
        if let Some(text) = unusable(&new) {
            let (why, text) = (Rejection::New, PamText::cut(text));
            return self.reply(id, Reply::Rejected { why, text });
        }
        if self.logins.is_changing(&session.user) {
            return self.reply(id, Reply::SlowDown { seconds: 1 });
        }
        let order = Order::Change {
            user: User::cut(&session.user),
            old,
            new,
            address: session.address,
        };
        self.queue(Box::new(Attempt {
            id,
            web: self.web_now(),
            arrived: Instant::now(),
            source: Source::Session(session.handle),
            account: Account::named(&session.user),
            address: session.address,
            was_asked: false,
            what: What::Change {
                user: session.user,
                session: token.hash(),
            },
            next: Some(Next::Start(order)),
        }));
    }

    /// It waits for its turn, unless there were too many failures.
    fn queue(&mut self, attempt: Box<Attempt>) {
        let (id, source, account) = (attempt.id, attempt.source, attempt.account);
        if let Some(seconds) = self.logins.budget.refusal(source, account, self.now()) {
            say(&format!("{}: too many failures", attempt.title()));
            return self.reply(id, Reply::SlowDown { seconds });
        }
        if let Err(attempt) = self.logins.lanes.push(source, account, attempt) {
            say(&format!("{}: too many wait", attempt.title()));
            return self.reply(id, Reply::Unavailable);
        }
        self.start_attempts();
    }

    /// Starts what may start by now.
    pub(crate) fn start_attempts(&mut self) {
        let now = self.now();
        while let Some(attempt) = self.logins.lanes.start_next(now) {
            if let What::Change { user, session } = &attempt.what {
                self.logins.changing.insert(user.clone(), *session);
            }
            let events = self.events.clone();
            tokio::task::spawn_local(async move {
                let heard = ask(attempt).await;
                let _ = events.send(Event::Heard(Box::new(heard))).await;
            });
        }
        if let Some(release) = self.logins.lanes.next_release() {
            self.later(release.saturating_sub(now), Event::Released());
        }
    }

    /// A helper said something: its place is free for the next.
    pub(crate) fn heard(&mut self, heard: Heard) {
        let Heard {
            attempt,
            says,
            helper,
        } = self.with_the_same_question(heard);
        let (now, source, account) = (self.now(), attempt.source, attempt.account);
        let mut hold = Duration::ZERO;
        match says {
            Says::Refused
            | Says::Rejected {
                why: Rejection::Old,
                ..
            } => {
                self.logins.budget.failed(source, account, now);
                hold = self.logins.budget.hold(source, now);
            }
            Says::Accepted | Says::Changed => self.logins.budget.succeeded(source, account),
            Says::Prompt { .. } | Says::Rejected { .. } | Says::Broken { .. } => (),
        }
        self.logins.lanes.ended(source, account, now + hold);
        self.start_attempts();
        match says {
            Says::Prompt { text, echo } => self.pause(attempt, helper, text, echo),
            says => self.conclude(*attempt, says),
        }
    }
}

/// Asks PAM, or goes on asking.
async fn ask(mut attempt: Box<Attempt>) -> Heard {
    let started = match attempt.next.take() {
        Some(Next::Refuse) => {
            return Heard {
                attempt,
                says: Says::Refused,
                helper: None,
            };
        }
        Some(Next::Start(order)) => Helper::start(&order).await.map(Box::new),
        Some(Next::Tell(mut helper, text)) => helper.tell(&text).await.map(|()| helper),
        None => Err(std::io::Error::other("nothing to ask")),
    };
    let (says, helper) = match started {
        Ok(mut helper) => (helper.hear().await, Some(helper)),
        Err(error) => (crate::monitor::login::pam::broken(&error.to_string()), None),
    };
    Heard {
        attempt,
        says,
        helper,
    }
}

/// What no password may be: crypt(3) stops at a NUL, a record's line at a newline.
fn unusable(password: &Secret) -> Option<&'static str> {
    let bytes = password.expose();
    if bytes.is_empty() {
        return Some("The new password is empty.");
    }
    bytes
        .contains(&b'\n')
        .then_some("The new password holds a line break.")
}
