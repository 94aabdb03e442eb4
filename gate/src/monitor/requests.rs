//! The web half's calls, and the reply to each. Only who is logged in gets
//! further than a login; everything else is theirs alone.

use super::event_loop::Monitor;
use super::login::Credentials;
use super::opencode::stop::Stop;
use super::sessions::Session;
use crate::clock;
use crate::wire::{self, Call, Reply, Request, Secret, SessionEntry, Text, Token, TokenHash, User};

impl Monitor {
    pub(crate) fn answer(&mut self, Call { id, request }: Call) {
        let reply = match request {
            Request::Authenticate {
                user,
                password,
                address,
                agent,
                device,
            } => {
                let credentials = Credentials {
                    user,
                    password,
                    address,
                    agent,
                    device,
                };
                return self.authenticate(id, credentials);
            }
            Request::Answer { conversation, text } => {
                let actions =
                    self.log_in(|logins, context| logins.answer(context, id, conversation, text));
                return self.perform_login(actions);
            }
            Request::ChangePassword { token, old, new } => {
                return self.change_password(id, &token, old, new);
            }
            Request::Ping {} => Reply::Done,
            Request::Works { secret } if self.opencodes.works(&secret) => Reply::Done,
            Request::Works { .. } => Reply::Gone,
            Request::Session { token } => self.for_session(&token, Self::session),
            Request::Touch { token } => self.for_session(&token, Self::touch),
            Request::Sessions { token } => self.for_session(&token, Self::sessions),
            Request::Revoke { token, handle } => self.for_session(&token, |monitor, _, session| {
                let ended = monitor.sessions.by_handle(&session.user, handle);
                monitor.end(ended.as_slice())
            }),
            Request::End { token } => {
                self.for_session(&token, |monitor, token, _| monitor.end(&[token.hash()]))
            }
            Request::EndAll { token } => self.for_session(&token, |monitor, _, session| {
                let ended = monitor.sessions.end_all(&session.user);
                monitor.ended(&ended);
                Reply::Done
            }),
            Request::Ensure { token } => self.for_session(&token, Self::ensure),
            Request::Idle { token } => self.for_session(&token, |monitor, _, session| {
                monitor.opencodes.stop(&session.user, Stop::Gently);
                Reply::Done
            }),
        };
        self.reply(id, reply);
    }

    fn authenticate(&mut self, id: u64, credentials: Credentials) {
        // An account that was made or disabled a moment ago counts as that.
        self.read_accounts();
        let actions = self.log_in(|logins, context| logins.authenticate(context, id, credentials));
        self.perform_login(actions);
    }

    fn change_password(&mut self, id: u64, token: &Token, old: Secret, new: Secret) {
        let Some(session) = self.sessions.find(token, clock::now()).cloned() else {
            return self.reply(id, Reply::Gone);
        };
        let actions = self.log_in(|logins, context| {
            logins.change_password(context, id, (token.hash(), &session), old, new)
        });
        self.perform_login(actions);
    }

    fn for_session(
        &mut self,
        token: &Token,
        answer: impl FnOnce(&mut Self, &Token, &Session) -> Reply,
    ) -> Reply {
        match self.sessions.find(token, clock::now()).cloned() {
            Some(session) => answer(self, token, &session),
            None => Reply::Gone,
        }
    }

    fn session(&mut self, _: &Token, session: &Session) -> Reply {
        let display_name = self
            .accounts
            .get(&session.user)
            .map_or("", |person| &person.display_name);
        Reply::Session(wire::Session {
            user: User::cut(&session.user),
            display_name: Text::cut(display_name),
            created: session.created,
            expires: self.sessions.expires(session),
            idle_expires: self.sessions.idle_expires(session),
            last_seen: session.last_seen,
        })
    }

    fn touch(&mut self, token: &Token, _: &Session) -> Reply {
        self.sessions.touch(token, clock::now());
        self.is_touched = true;
        Reply::Done
    }

    fn sessions(&mut self, token: &Token, session: &Session) -> Reply {
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
        Reply::Sessions(all)
    }

    fn ensure(&mut self, _: &Token, session: &Session) -> Reply {
        let now = self.now();
        match self.accounts.get(&session.user) {
            Some(person) if !self.is_stopping => {
                let (reply, actions) = self.opencodes.ensure(person, now);
                self.perform_opencode(actions);
                reply
            }
            _ => Reply::Gone,
        }
    }

    /// Ends sessions, on disk too, and their streams.
    fn end(&mut self, ended: &[TokenHash]) -> Reply {
        for token in ended {
            self.sessions.end(*token);
        }
        self.ended(ended);
        Reply::Done
    }
}
