//! The web half's calls, and the reply to each. Only who is logged in gets
//! further than a login; everything else is theirs alone. A program with an access token
//! reaches its person's opencode, and nothing of the account.

use super::event_loop::Monitor;
use super::sessions::Session;
use crate::clock;
use crate::wire::ask::Revoke;
use crate::wire::{self, Call, Gone, Reply, Request, SessionEntry, Text, Token, TokenHash, User};

impl Monitor {
    pub(crate) fn answer(&mut self, Call { id, request }: Call) {
        let reply = match request {
            Request::Authenticate(credentials) => return self.authenticate(id, credentials),
            Request::ChangePassword(change) => return self.change_password(id, change),
            Request::Answer(answer) => return self.answer_prompt(id, answer),
            Request::RenewPassword(renewal) => return self.renew_password(id, renewal),
            Request::Forget(ask) => {
                self.forget(ask.call);
                Reply::Forget(())
            }
            Request::Ping(_) => Reply::Ping(()),
            Request::IsFirst(_) => Reply::IsFirst(self.is_first()),
            Request::MakeFirst(ask) => return self.make_first(id, ask),
            Request::Terminal(ask) => return self.open_terminal(id, &ask),
            Request::CloseTerminal(ask) => Reply::CloseTerminal(self.close_terminal(&ask)),
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
            Request::Revoke(ask) => Reply::Revoke(self.revoke(&ask)),
            Request::End(ask) => Reply::End(self.for_session(&ask.token, |monitor, token, _| {
                monitor.end(&[token.hash()]);
            })),
            Request::EndAll(ask) => Reply::EndAll(self.for_session(&ask.token, Self::end_all)),
            Request::Ensure(ask) => Reply::Ensure(self.ensure(&ask.token)),
            Request::Idle(ask) => Reply::Idle(self.idle(&ask.token)),
            Request::UseAccess(ask) => Reply::UseAccess(self.use_access(&ask)),
            Request::ListAccess(ask) => {
                Reply::ListAccess(self.for_session(&ask.token, Self::list_access))
            }
            Request::MakeAccess(ask) => Reply::MakeAccess(self.make_access(ask)),
            Request::RevokeAccess(ask) => Reply::RevokeAccess(self.revoke_access(&ask)),
            Request::BeginPasskeyLogin(ask) => {
                Reply::BeginPasskeyLogin(self.begin_passkey_login(&ask))
            }
            Request::PasskeyLogin(ask) => return self.passkey_login(id, ask),
            Request::BeginPasskey(ask) => return self.begin_passkey(id, ask),
            Request::AddPasskey(ask) => return self.add_passkey(id, ask),
            Request::ListPasskeys(ask) => {
                Reply::ListPasskeys(self.for_session(&ask.token, Self::list_passkeys))
            }
            Request::RemovePasskey(ask) => return self.remove_passkey(id, &ask),
            Request::Restart(ask) => Reply::Restart(self.for_person(&ask.token, Self::restart)),
            Request::GetSecond(ask) => Reply::GetSecond(self.for_session(&ask.token, Self::second)),
            Request::BeginSecond(ask) => return self.begin_second(id, ask),
            Request::EndSecond(ask) => return self.end_second(id, ask),
            Request::ConfirmSecond(ask) => Reply::ConfirmSecond(self.confirm_second(&ask)),
            Request::GetOpencode(ask) => {
                Reply::GetOpencode(self.for_session(&ask.token, Self::opencode))
            }
        };
        self.reply(id, reply);
    }

    pub(crate) fn for_session<T>(
        &mut self,
        token: &Token,
        answer: impl FnOnce(&mut Self, &Token, &Session) -> T,
    ) -> Result<T, Gone> {
        let session = self.sessions.find(token, clock::now()).cloned();
        session
            .map(|session| answer(self, token, &session))
            .ok_or(Gone)
    }

    /// The same for an answer that may find the account closed.
    fn for_person<T>(
        &mut self,
        token: &Token,
        answer: impl FnOnce(&mut Self, &Token, &Session) -> Result<T, Gone>,
    ) -> Result<T, Gone> {
        self.for_session(token, answer).and_then(|reply| reply)
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

    fn revoke(&mut self, ask: &Revoke) -> Result<(), Gone> {
        self.for_session(&ask.token, |monitor, _, session| {
            let ended = monitor.sessions.by_handle(&session.user, ask.handle);
            monitor.end(ended.as_slice());
        })
    }

    fn end_all(&mut self, _: &Token, session: &Session) {
        let ended = self.sessions.end_all(&session.user);
        self.ended(&ended);
        self.revoke_all_access(&session.user);
    }

    /// Ends sessions, on disk too, and their streams.
    fn end(&mut self, ended: &[TokenHash]) {
        for token in ended {
            self.sessions.end(*token);
        }
        self.ended(ended);
    }
}
