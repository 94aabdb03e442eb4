//! Calls of the web half that are answered at once.

use crate::monitor::event_loop::{Core, clock};
use crate::monitor::opencode::process::Stop;
use crate::monitor::sessions::Session;
use crate::wire::{self, Call, Reply, Request, SessionEntry, Text, Token, TokenHash, User};

impl Core {
    pub(crate) fn answer(&mut self, Call { id, request }: Call) {
        let reply = match request {
            Request::Authenticate {
                user,
                password,
                address,
                agent,
                device,
            } => return self.authenticate(id, user, password, address, agent, device.as_ref()),
            Request::Answer { conversation, text } => return self.resume(id, conversation, text),
            Request::ChangePassword { token, old, new } => {
                return self.change_password(id, &token, old, new);
            }
            Request::Ping {} => Reply::Done,
            Request::Session { token } => self.for_session(&token, Self::session),
            Request::Touch { token } => {
                let now = clock();
                self.is_touched = true;
                self.for_session(&token, |core, token, _| {
                    core.tokens.touch(token, now);
                    Reply::Done
                })
            }
            Request::Sessions { token } => self.for_session(&token, Self::sessions),
            Request::Revoke { token, handle } => self.for_session(&token, |core, _, session| {
                let ended = core.tokens.by_handle(&session.user, handle);
                core.end(ended.as_slice())
            }),
            Request::End { token } => {
                self.for_session(&token, |core, token, _| core.end(&[token.hash()]))
            }
            Request::EndAll { token } => self.for_session(&token, |core, _, session| {
                let ended = core.tokens.end_all(&session.user);
                core.ended(&ended);
                Reply::Done
            }),
            Request::Ensure { token } => {
                self.for_session(&token, |core, _, session| core.ensure(&session.user))
            }
            Request::Works { secret } => self.works(&secret),
            Request::Idle { token } => self.for_session(&token, |core, _, session| {
                core.stop_instance(&session.user, Stop::Gently);
                Reply::Done
            }),
        };
        self.reply(id, reply);
    }

    /// Only who is logged in gets further; everything else is theirs alone.
    fn for_session(
        &mut self,
        token: &Token,
        answer: impl FnOnce(&mut Self, &Token, &Session) -> Reply,
    ) -> Reply {
        match self.tokens.find(token, clock()).cloned() {
            Some(session) => answer(self, token, &session),
            None => Reply::Gone,
        }
    }

    fn session(&mut self, _: &Token, session: &Session) -> Reply {
        let display_name = self
            .people
            .get(&session.user)
            .map_or("", |person| &person.display_name);
        Reply::Session(wire::Session {
            user: User::cut(&session.user),
            display_name: Text::cut(display_name),
            created: session.created,
            expires: self.tokens.expires(session),
            idle_expires: self.tokens.idle_expires(session),
            last_seen: session.last_seen,
        })
    }

    fn sessions(&mut self, token: &Token, session: &Session) -> Reply {
        let current = token.hash();
        let mut all: Vec<SessionEntry> = self
            .tokens
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

    /// Ends sessions, on disk too, and their streams.
    fn end(&mut self, ended: &[TokenHash]) -> Reply {
        for token in ended {
            self.tokens.end(*token);
        }
        self.ended(ended);
        Reply::Done
    }
}
