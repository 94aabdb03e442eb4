//! The web half's calls, and the reply to each. Only who is logged in gets
//! further than a login; everything else is theirs alone. A program with an access token
//! reaches its person's opencode, and nothing of the account.

use super::event_loop::Monitor;
use super::first_account::Making;
use super::opencode::stop::Stop;
use super::sessions::Session;
use crate::clock;
use crate::own_address::is_own_address;
use crate::wire::ask::{
    Answer, Authenticate, ChangePassword, CloseTerminal, MakeAccess, MakeFirst, RenewPassword,
    Revoke, RevokeAccess, Terminal,
};
use crate::wire::{
    self, AccessEntry, Call, EnsureReply, Gone, OpencodeView, Reply, Request, RestartReply,
    SessionEntry, Text, Token, TokenHash, User,
};

impl Monitor {
    pub(crate) fn answer(&mut self, Call { id, request }: Call) {
        let reply = match request {
            Request::Authenticate(credentials) => return self.authenticate(id, credentials),
            Request::ChangePassword(change) => return self.change_password(id, change),
            Request::Answer(answer) => return self.answer_prompt(id, answer),
            Request::RenewPassword(renewal) => return self.renew_password(id, renewal),
            Request::Forget(ask) => Reply::Forget(self.forget(ask.call)),
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
            Request::Ensure(ask) => {
                let user = self.person_of(&ask.token).ok_or(Gone);
                Reply::Ensure(user.and_then(|user| self.ensure(&user)))
            }
            Request::Idle(ask) => {
                let user = self.person_of(&ask.token).ok_or(Gone);
                Reply::Idle(user.map(|user| self.opencodes.stop(&user, Stop::Gently)))
            }
            Request::UseAccess(ask) => Reply::UseAccess(self.use_access(&ask)),
            Request::ListAccess(ask) => {
                Reply::ListAccess(self.for_session(&ask.token, Self::list_access))
            }
            Request::MakeAccess(ask) => return self.answer_make_access(id, ask),
            Request::RevokeAccess(ask) => Reply::RevokeAccess(self.answer_revoke_access(&ask)),
            Request::BeginLogin(ask) => Reply::BeginLogin(self.begin_login(&ask)),
            Request::PasskeyLogin(ask) => return self.passkey_login(id, ask),
            Request::BeginPasskey(ask) => Reply::BeginPasskey(self.begin_passkey(&ask)),
            Request::AddPasskey(ask) => return self.add_passkey(id, ask),
            Request::ListPasskeys(ask) => {
                Reply::ListPasskeys(self.for_session(&ask.token, Self::list_passkeys))
            }
            Request::RemovePasskey(ask) => return self.remove_passkey(id, &ask),
            Request::Restart(ask) => Reply::Restart(self.for_person(&ask.token, Self::restart)),
            Request::GetOpencode(ask) => {
                Reply::GetOpencode(self.for_session(&ask.token, Self::opencode))
            }
        };
        self.reply(id, reply);
    }

    fn is_first(&mut self) -> bool {
        self.read_accounts();
        self.first_account.is_open()
    }

    fn make_first(&mut self, id: u64, ask: MakeFirst) {
        self.read_accounts();
        let is_own = is_own_address(ask.address);
        let (web, now) = (self.web_id, self.now());
        match self.first_account.ask(ask, Making { web, id }, is_own, now) {
            Ok(order) => self.perform_first(order),
            Err(reply) => self.reply(id, Reply::MakeFirst(reply)),
        }
    }

    fn authenticate(&mut self, id: u64, credentials: Authenticate) {
        // An account that was made or disabled a moment ago counts as that.
        self.read_accounts();
        let is_own = is_own_address(credentials.address);
        let actions =
            self.log_in(|logins, context| logins.authenticate(context, id, credentials, is_own));
        self.perform_login(actions);
    }

    fn answer_prompt(&mut self, id: u64, answer: Answer) {
        let actions = self.log_in(|logins, context| logins.answer(context, id, answer));
        self.perform_login(actions);
    }

    fn renew_password(&mut self, id: u64, renewal: RenewPassword) {
        // It is the new password of the account as it was at the login.
        self.read_accounts();
        let actions = self.log_in(|logins, context| logins.renew(context, id, renewal));
        self.perform_login(actions);
    }

    fn forget(&mut self, call: u64) {
        let action = self.logins.forget(call);
        self.perform_login(action.into_iter().collect());
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

    fn close_terminal(&mut self, ask: &CloseTerminal) -> Result<(), Gone> {
        self.for_session(&ask.token, |monitor, token, _| {
            monitor.terminals.close(token.hash(), ask.terminal);
        })
    }

    fn list_access(&mut self, _: &Token, session: &Session) -> Vec<AccessEntry> {
        self.access.table.entries(&session.user)
    }

    fn answer_revoke_access(&mut self, ask: &RevokeAccess) -> Result<bool, Gone> {
        self.for_session(&ask.token, |monitor, _, session| {
            monitor.revoke_access(&session.user, ask.handle)
        })
    }

    fn answer_make_access(&mut self, id: u64, ask: MakeAccess) {
        // It rests on the account as it is, not as it was a moment ago.
        self.read_accounts();
        let session = self.sessions.find(&ask.token, clock::now()).cloned();
        let made = session.map(|session| self.make_access(&session, ask));
        self.reply(id, Reply::MakeAccess(made.ok_or(Gone)));
    }

    fn ensure(&mut self, user: &str) -> Result<EnsureReply, Gone> {
        let now = self.now();
        match self.accounts.get(user) {
            // It would be ended as well: it is asked for again soon.
            Some(person) if self.terminals.is_swept(person.uid) => Ok(EnsureReply::Starting),
            Some(person) if !self.is_stopping => {
                let (reply, actions) = self.opencodes.ensure(person, now);
                self.perform_opencode(actions);
                Ok(reply)
            }
            _ => Err(Gone),
        }
    }

    fn restart(&mut self, _: &Token, session: &Session) -> Result<RestartReply, Gone> {
        let now = self.now();
        match self.accounts.get(&session.user) {
            Some(person) if !self.is_stopping => {
                let (reply, actions) = self.opencodes.restart(person, now);
                self.perform_opencode(actions);
                Ok(reply)
            }
            _ => Err(Gone),
        }
    }

    fn opencode(&mut self, _: &Token, session: &Session) -> OpencodeView {
        self.opencodes.view(&session.user)
    }

    fn open_terminal(&mut self, id: u64, ask: &Terminal) {
        // An account that was disabled a moment ago counts as that.
        self.read_accounts();
        let opened = self.for_session(&ask.token, |monitor, token, session| {
            let person = monitor.accounts.get(&session.user);
            let person = person.filter(|_| !monitor.is_stopping).ok_or(Gone)?;
            Ok(monitor.terminals.open(person, token.hash(), ask.size))
        });
        match opened.and_then(|opened| opened) {
            Ok(Ok(opened)) => {
                let reply = Reply::Terminal(Ok(opened.reply));
                self.reply_with(id, reply, opened.master);
                self.run_terminal(opened.action);
            }
            Ok(Err(refused)) => self.reply(id, Reply::Terminal(Ok(refused))),
            Err(Gone) => self.reply(id, Reply::Terminal(Err(Gone))),
        }
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
