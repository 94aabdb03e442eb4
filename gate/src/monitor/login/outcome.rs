//! What comes of an attempt, once PAM has spoken: a session, a refusal in its
//! time, another password.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

use crate::log::say;
use crate::monitor::accounts::Stamp;
use crate::monitor::event_loop::{Core, clock};
use crate::monitor::login::pam::Says;
use crate::monitor::login::{Attempt, What};
use crate::monitor::random;
use crate::monitor::sessions::Origin;
use crate::wire::{Agent, Handle, Login, Reply, Token, TokenHash, User};

const PACE: Duration = Duration::from_secs(3);

impl Core {
    /// PAM is done: the reply.
    pub(crate) fn conclude(&mut self, attempt: Attempt, says: Says) {
        let (id, arrived, is_current) =
            (attempt.id, attempt.arrived, attempt.web == self.web_now());
        let (address, title) = (attempt.address, attempt.title());
        let reply = match attempt.what {
            What::Login {
                user,
                stamp,
                agent,
                device,
            } => {
                let reply = match says {
                    Says::Accepted if is_current => {
                        self.log_in(&user, stamp, agent, address, device)
                    }
                    Says::Broken { why } => {
                        say(&format!("cannot ask PAM: {why}"));
                        Reply::Unavailable
                    }
                    _ => Reply::Refused,
                };
                let outcome = match &reply {
                    Reply::Token(_) => "logged in",
                    Reply::Unavailable => "not checked",
                    _ => "refused",
                };
                say(&format!("{title}: {outcome}"));
                reply
            }
            What::Change { user, session } => {
                let reply = self.changed(&user, session, says);
                let is_done = matches!(reply, Reply::Changed);
                say(&format!(
                    "{title}: {}",
                    if is_done { "done" } else { "not done" }
                ));
                reply
            }
        };
        match reply {
            Reply::Token(_) | Reply::Changed => self.reply(id, reply),
            failure if is_current => self.reply_at(next_beat(arrived, Instant::now()), id, failure),
            _ => (),
        }
    }

    /// The account must still be what it was when PAM was asked.
    fn log_in(
        &mut self,
        user: &User,
        stamp: Option<Stamp>,
        agent: Agent,
        address: IpAddr,
        device: Option<[u8; 16]>,
    ) -> Reply {
        self.refresh_people();
        let person = self
            .people
            .get(user.as_str())
            .filter(|person| Some(person.stamp) == stamp);
        let Some(person) = person.cloned() else {
            return Reply::Refused;
        };
        let number = device.unwrap_or_else(|| *random::bytes());
        let Some(device) = self.device_key.cookie(user.as_str(), number) else {
            return Reply::Unavailable;
        };
        let token = Token::new(*random::bytes());
        let from = Origin { agent, address };
        let ended = self
            .tokens
            .begin(&token, Handle(random::number()), &person, from, clock());
        self.ended(&ended);
        self.save();
        let expires = self
            .tokens
            .find(&token, clock())
            .map(|session| self.tokens.expires(session));
        Reply::Token(Login {
            token,
            user: user.clone(),
            expires: expires.unwrap_or_default(),
            device,
        })
    }

    /// Other sessions of whoever changed their password end; the one in which
    /// it was changed goes on, and so does their opencode.
    fn changed(&mut self, user: &str, session: TokenHash, says: Says) -> Reply {
        if matches!(says, Says::Changed) {
            // While `changing` still holds, so that the new hash is no stranger's.
            self.refresh_people();
            if let Some(stamp) = self.people.stamp(user) {
                self.tokens.restamp(session, stamp);
            }
        }
        self.logins.changing.remove(user);
        self.refresh_people();
        match says {
            Says::Changed => Reply::Changed,
            Says::Rejected { why, text } => Reply::Rejected { why, text },
            Says::Broken { why } => {
                say(&format!("cannot ask PAM: {why}"));
                Reply::Unavailable
            }
            _ => Reply::Unavailable,
        }
    }
}

/// The first whole multiple of the pace after a call that is not over yet.
fn next_beat(arrived: Instant, now: Instant) -> Instant {
    let mut beat = arrived + PACE;
    while beat < now {
        beat += PACE;
    }
    beat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_answered_on_the_beat() {
        let arrived = Instant::now();
        for (after, at) in [
            (0, 3),
            (200, 3),
            (2999, 3),
            (3000, 3),
            (3001, 6),
            (10_000, 12),
        ] {
            let now = arrived + Duration::from_millis(after);
            assert_eq!(
                next_beat(arrived, now),
                arrived + Duration::from_secs(at),
                "{after} ms"
            );
        }
    }
}
