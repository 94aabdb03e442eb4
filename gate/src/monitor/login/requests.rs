//! The web half's calls about logins, and the actions that they lead to.

use super::check::Purpose;
use super::{Action, Context, Logins, ask};
use crate::clock;
use crate::monitor::event::Event;
use crate::monitor::event_loop::Monitor;
use crate::monitor::opencode::stop::Stop;
use crate::monitor::sessions::Session;
use crate::own_address::is_own_address;
use crate::wire::ask::{Answer, Authenticate, ChangePassword, RenewPassword};
use crate::wire::{Gone, Reply, Secret, TokenHash};

impl Monitor {
    pub(crate) fn authenticate(&mut self, id: u64, credentials: Authenticate) {
        // An account that was made or disabled a moment ago counts as that.
        self.read_accounts();
        let is_own = is_own_address(credentials.address);
        let actions =
            self.log_in(|logins, context| logins.authenticate(context, id, credentials, is_own));
        self.perform_login(actions);
    }

    pub(crate) fn change_password(&mut self, id: u64, change: ChangePassword) {
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

    pub(crate) fn answer_prompt(&mut self, id: u64, answer: Answer) {
        let actions = self.log_in(|logins, context| logins.answer(context, id, answer));
        self.perform_login(actions);
    }

    pub(crate) fn renew_password(&mut self, id: u64, renewal: RenewPassword) {
        // It is the new password of the account as it was at the login, and of a passkey
        // that nobody has removed since.
        self.read_accounts();
        if let Some((user, passkey)) = self.logins.waits_with_passkey(renewal.conversation)
            && !self.passkeys.is_of(&user, &passkey, &self.accounts)
        {
            self.logins.drop_conversation(renewal.conversation);
        }
        let actions = self.log_in(|logins, context| logins.renew(context, id, renewal));
        self.perform_login(actions);
    }

    /// Asks PAM whether it is the person of a session who asks, before something of their
    /// account changes.
    pub(crate) fn check_person(
        &mut self,
        id: u64,
        whose: (TokenHash, &Session),
        answers: (Secret, Option<Secret>),
        purpose: Purpose,
    ) {
        let actions =
            self.log_in(|logins, context| logins.check(context, id, whose, answers, purpose));
        self.perform_login(actions);
    }

    /// The person of a session has shown that it is they who ask.
    fn checked(&mut self, id: u64, token: TokenHash, purpose: &Purpose) {
        let session = self.sessions.find_hash(token, clock::now()).cloned();
        let Some(session) = session else {
            return self.reply(id, purpose.gone());
        };
        let reply = match purpose {
            Purpose::BeginSecond => Reply::BeginSecond(Ok(self.second_begun(&session.user, token))),
            Purpose::EndSecond => Reply::EndSecond(Ok(Self::second_ended(&session.user))),
            Purpose::BeginPasskey(origin) => {
                Reply::BeginPasskey(self.passkey_begun((token, &session), origin))
            }
        };
        self.reply(id, reply);
    }

    /// Nobody waits for that call any more.
    pub(crate) fn forget(&mut self, call: u64) {
        let action = self.logins.forget(call);
        self.perform_login(action.into_iter().collect());
    }

    /// Calls `decide` with what a login depends on.
    pub(crate) fn log_in(
        &mut self,
        decide: impl FnOnce(&mut Logins, &mut Context<'_>) -> Vec<Action>,
    ) -> Vec<Action> {
        let now = self.now();
        let mut context = Context {
            accounts: &self.accounts,
            sessions: &mut self.sessions,
            web: self.web_id,
            now,
        };
        decide(&mut self.logins, &mut context)
    }

    pub(crate) fn perform_login(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Ask(attempt, next) => {
                    let (events, patience) = (self.events.clone(), self.limits.pam_time);
                    tokio::task::spawn_local(async move {
                        let event = ask(attempt, next, patience).await;
                        let _ = events.send(Event::Pam(Box::new(event))).await;
                    });
                }
                Action::Reply(id, reply) => self.reply(id, reply),
                Action::ReplyAt(when, id, reply) => {
                    self.at(when, Event::Reply(self.web_id, id, Box::new(reply)));
                }
                Action::SessionsChanged(ended) => {
                    self.end_streams(&ended);
                    self.save();
                }
                Action::KeepAccess(user, account) => {
                    self.access.table.keep(&user, account);
                    self.access.save();
                }
                Action::Checked(id, session, purpose) => self.checked(id, session, &purpose),
                Action::StopOpencode(user) => self.opencodes.stop(&user, Stop::AtOnce),
            }
        }
    }
}
