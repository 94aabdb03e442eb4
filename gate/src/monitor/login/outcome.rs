//! The end of an attempt, once PAM has answered: a session, a refusal in its
//! time, or another password.

use std::time::Duration;

use tokio::time::Instant;

use super::pam::PamResult;
use super::{Action, Attempt, Context, Logins, What, check};
use crate::clock;
use crate::helpers::password::HashDigest;
use crate::log;
use crate::monitor::accounts::AccountFingerprint;
use crate::monitor::audit::Outcome;
use crate::monitor::random;
use crate::monitor::sessions::Origin;
use crate::wire::{
    ChangePasswordReply, Gone, Handle, Login, LoginReply, Rejection, Reply, Token, TokenHash, User,
};

impl Logins {
    /// Logs the outcome, and returns the reply after what has to go before it.
    pub(super) fn conclude(
        &mut self,
        context: &mut Context<'_>,
        attempt: Attempt,
        result: PamResult,
    ) -> Vec<Action> {
        let (id, arrived, is_current) = (attempt.id, attempt.arrived, attempt.web == context.web);
        let (address, audit) = (attempt.address, attempt.audit);
        if let PamResult::Broken { why } = &result {
            log::line(&format!("cannot ask PAM: {why}"));
        }
        let mut actions = Vec::new();
        let (reply, outcome) = match attempt.what {
            What::Check {
                session, purpose, ..
            } => check::concluded(id, session, purpose, &result),
            What::Login {
                user,
                fingerprint,
                agent,
                device,
                reply,
            } => {
                let fingerprint = match &result {
                    PamResult::Changed { hash } => renewed(context, &user, *hash),
                    _ => fingerprint,
                };
                let is_right = matches!(result, PamResult::Accepted | PamResult::Changed { .. });
                let decided = if is_right && is_current {
                    let from = Origin { agent, address };
                    self.log_in(context, &user, fingerprint, from, device, &mut actions)
                } else if matches!(result, PamResult::Broken { .. }) {
                    LoginReply::Unavailable
                } else {
                    LoginReply::Refused
                };
                let outcome = match decided {
                    LoginReply::Token(_) => Outcome::Ok,
                    LoginReply::Unavailable => Outcome::Unavailable,
                    // Nobody is left to be logged in.
                    _ if is_right && !is_current => Outcome::Unanswered,
                    _ => Outcome::Refused,
                };
                (Action::Reply(id, reply(decided)), outcome)
            }
            What::Change { user, session } => {
                let decided = self.changed(context, &user, session, result, &mut actions);
                let outcome = change_outcome(&decided);
                (Action::Reply(id, Reply::ChangePassword(decided)), outcome)
            }
        };
        audit.end(outcome);
        if is_current {
            let is_done = matches!(outcome, Outcome::Ok | Outcome::AccountChanged);
            actions.push(if is_done {
                reply
            } else {
                self.delayed(arrived, reply)
            });
        }
        actions
    }

    /// The reply, at the time at which all failures are answered.
    pub(super) fn delayed(&self, arrived: Instant, reply: Action) -> Action {
        match reply {
            Action::Reply(id, reply) => {
                Action::ReplyAt(next_beat(arrived, Instant::now(), self.pace), id, reply)
            }
            other => other,
        }
    }

    /// Begins a session, if the account is still what it was when PAM was asked.
    fn log_in(
        &self,
        context: &mut Context<'_>,
        user: &User,
        fingerprint: Option<AccountFingerprint>,
        from: Origin,
        device: Option<[u8; 16]>,
        actions: &mut Vec<Action>,
    ) -> LoginReply {
        let person = context
            .accounts
            .get(user.as_str())
            .filter(|person| Some(person.fingerprint) == fingerprint);
        let Some(person) = person else {
            return LoginReply::Refused;
        };
        let number = device.unwrap_or_else(|| *random::bytes());
        let Some(device) = self.device_key.cookie(user.as_str(), number) else {
            return LoginReply::Unavailable;
        };
        let token = Token::new(*random::bytes());
        let (handle, now) = (Handle(random::number()), clock::now());
        let ended = context.sessions.begin(&token, handle, person, from, now);
        log::debug(|| format!("session {} of {user} begins", token.hash().name()));
        actions.push(Action::SessionsChanged(ended));
        let session = context.sessions.find(&token, now);
        let expires = session.map(|session| context.sessions.expires(session));
        LoginReply::Token(Login {
            token,
            user: user.clone(),
            expires: expires.unwrap_or_default(),
            device,
        })
    }

    /// Ends a change of a password. Other sessions of the person end, because the
    /// account is not what it was; the one in which it was changed goes on, and so
    /// does their opencode. If the account is neither what it was nor what PAM made of
    /// it, somebody else changed it meanwhile, and everything ends.
    fn changed(
        &mut self,
        context: &mut Context<'_>,
        user: &str,
        session: TokenHash,
        result: PamResult,
        actions: &mut Vec<Action>,
    ) -> Result<ChangePasswordReply, Gone> {
        let before = self.changing.remove(user).flatten();
        let person = context.accounts.get(user);
        let fingerprint = person.map(|person| person.fingerprint);
        let written = match result {
            PamResult::Changed { hash } => hash,
            _ => None,
        };
        let is_written = written.is_some() && written == person.map(|person| person.hash);
        if is_written && let Some(person) = person {
            let fingerprint = person.fingerprint;
            context.sessions.set_fingerprint(session, fingerprint);
            actions.push(Action::KeepAccess(user.to_owned(), person.password()));
        }
        let accounts = context.accounts;
        let ended = context.sessions.keep_only(|name, fingerprint| {
            name != user || accounts.fingerprint(name) == Some(fingerprint)
        });
        actions.push(Action::SessionsChanged(ended));
        if !is_written && fingerprint != before {
            actions.push(Action::StopOpencode(user.to_owned()));
            return Err(Gone);
        }
        Ok(match result {
            PamResult::Changed { .. } => ChangePasswordReply::Changed,
            PamResult::Rejected { why, text } => ChangePasswordReply::Rejected { why, text },
            _ => ChangePasswordReply::Unavailable,
        })
    }
}

/// The account after a login with a new password: it rests on the hash that PAM has just
/// written, and on no other.
fn renewed(
    context: &Context<'_>,
    user: &User,
    written: Option<HashDigest>,
) -> Option<AccountFingerprint> {
    let person = context.accounts.get(user.as_str());
    let person = person.filter(|person| Some(person.hash) == written);
    person.map(|person| person.fingerprint)
}

fn change_outcome(decided: &Result<ChangePasswordReply, Gone>) -> Outcome {
    match decided {
        Ok(ChangePasswordReply::Changed) => Outcome::Ok,
        Ok(ChangePasswordReply::Rejected { why, .. }) if *why == Rejection::New => {
            Outcome::NotTaken
        }
        Ok(ChangePasswordReply::Unavailable) => Outcome::Unavailable,
        Ok(_) => Outcome::Refused,
        Err(Gone) => Outcome::AccountChanged,
    }
}

/// The first whole multiple of the pace after a call that is not over yet.
fn next_beat(arrived: Instant, now: Instant, pace: Duration) -> Instant {
    let mut beat = arrived + pace;
    while beat < now {
        beat += pace;
    }
    beat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_answered_delayed() {
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
            let beat = next_beat(arrived, now, Duration::from_secs(3)) - arrived;
            assert_eq!(beat.as_secs(), at, "{after} ms");
        }
    }
}
