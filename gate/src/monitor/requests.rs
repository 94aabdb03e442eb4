//! The web half's calls, and the reply to each. Only who is logged in gets
//! further than a login; everything else is theirs alone.

use super::event_loop::Monitor;
use super::opencode::stop::Stop;
use super::sessions::Session;
use crate::clock;
use crate::own_address::is_own_address;
use crate::wire::ask::{Authenticate, ChangePassword};
use crate::wire::{
    self, Call, EnsureReply, Gone, Reply, Request, SessionEntry, Text, Token, TokenHash, User,
};

impl Monitor {
    pub(crate) fn answer(&mut self, Call { id, request }: Call) {
        let reply = match request {
            Request::Authenticate(credentials) => return self.authenticate(id, credentials),
            Request::ChangePassword(change) => return self.change_password(id, change),
            Request::Answer(answer) => {
                let actions = self.log_in(|logins, context| logins.answer(context, id, answer));
                return self.perform_login(actions);
            }
            Request::RenewPassword(renewal) => {
                // It is the new password of the account as it was at the login.
                self.read_accounts();
                let actions = self.log_in(|logins, context| logins.renew(context, id, renewal));
                return self.perform_login(actions);
            }
            Request::Forget(ask) => {
                let action = self.logins.forget(ask.call);
                self.perform_login(action.into_iter().collect());
                Reply::Forget(())
            }
            Request::Ping(_) => Reply::Ping(()),
            Request::Works(ask) => {
                Reply::Works(self.opencodes.works(&ask.secret).then_some(()).ok_or(Gone))
            }
            Request::GetSession(ask) => {
                Reply::GetSession(self.for_session(&ask.token, Self::session))
            }
            Request::Touch(ask) => Reply::Touch(self.for_session(&ask.token, Self::touch)),
            Request::ListSessions(ask) => {
                Reply::ListSessions(self.for_session(&ask.token, Self::list))
            }
            Request::Revoke(ask) => {
                Reply::Revoke(self.for_session(&ask.token, |monitor, _, session| {
                    let ended = monitor.sessions.by_handle(&session.user, ask.handle);
                    monitor.end(ended.as_slice());
                }))
            }
            Request::End(ask) => Reply::End(self.for_session(&ask.token, |monitor, token, _| {
                monitor.end(&[token.hash()]);
            })),
            Request::EndAll(ask) => {
                Reply::EndAll(self.for_session(&ask.token, |monitor, _, session| {
                    let ended = monitor.sessions.end_all(&session.user);
                    monitor.ended(&ended);
                }))
            }
            Request::Ensure(ask) => Reply::Ensure(
                self.for_session(&ask.token, Self::ensure)
                    .and_then(|reply| reply),
            ),
            Request::Idle(ask) => {
                Reply::Idle(self.for_session(&ask.token, |monitor, _, session| {
                    monitor.opencodes.stop(&session.user, Stop::Gently);
                }))
            }
        };
        self.reply(id, reply);
    }

    fn authenticate(&mut self, id: u64, credentials: Authenticate) {
        // An account that was made or disabled a moment ago counts as that.
        self.read_accounts();
        let is_own = is_own_address(credentials.address);
        let actions =
            self.log_in(|logins, context| logins.authenticate(context, id, credentials, is_own));
        self.perform_login(actions);
    }

    fn change_password(&mut self, id: u64, change: ChangePassword) {
        // A session of an account that an administrator changed a moment ago is over.
        self.read_accounts();
        let session = self.sessions.find(&change.token, clock::now()).cloned();
        let Some(session) = session else {
            return self.reply(id, Reply::ChangePassword(Err(Gone)));
        };
        let actions =
            self.log_in(|logins, context| logins.change_password(context, id, &session, change));
        self.perform_login(actions);
    }

    fn for_session<T>(
        &mut self,
        token: &Token,
        answer: impl FnOnce(&mut Self, &Token, &Session) -> T,
    ) -> Result<T, Gone> {
        let session = self.sessions.find(token, clock::now()).cloned();
        session
            .map(|session| answer(self, token, &session))
            .ok_or(Gone)
    }

    fn session(&mut self, _: &Token, session: &Session) -> wire::Session {
        let person = self.accounts.get(&session.user);
        let display_name = person.map_or("", |person| &person.display_name);
        wire::Session {
            user: User::cut(&session.user),
            display_name: Text::cut(display_name),
            expires: self.sessions.expires(session),
        }
    }

    fn touch(&mut self, token: &Token, _: &Session) {
        self.sessions.touch(token, clock::now());
        self.is_touched = true;
    }

    fn list(&mut self, token: &Token, session: &Session) -> Vec<SessionEntry> {
        let current = token.hash();
        let mut all: Vec<SessionEntry> = self
            .sessions
            .of(&session.user)
            .map(|(token, session)| SessionEntry {
                handle: session.handle,
                created: session.created,
                last_seen: session.last_seen,
                agent: session.agent.clone(),
                address: session.address,
                current: token == current,
            })
            .collect();
        all.sort_by_key(|entry| std::cmp::Reverse(entry.last_seen));
        all
    }

    fn ensure(&mut self, _: &Token, session: &Session) -> Result<EnsureReply, Gone> {
        let now = self.now();
        match self.accounts.get(&session.user) {
            Some(person) if !self.is_stopping => {
                let (reply, actions) = self.opencodes.ensure(person, now);
                self.perform_opencode(actions);
                Ok(reply)
            }
            _ => Err(Gone),
        }
    }

    /// Ends sessions, on disk too, and their streams.
    fn end(&mut self, ended: &[TokenHash]) {
        for token in ended {
            self.sessions.end(*token);
        }
        self.ended(ended);
    }
}
