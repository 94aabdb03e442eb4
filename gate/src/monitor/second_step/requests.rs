//! What the web half asks about the second step of a session's person.

use super::pending::Verdict;
use super::{file, key};
use crate::clock;
use crate::log;
use crate::monitor::event_loop::Monitor;
use crate::monitor::login::check::{NotChecked, Purpose};
use crate::monitor::sessions::Session;
use crate::wire::ask::{BeginSecond, ConfirmSecond, EndSecond};
use crate::wire::{ConfirmSecondReply, Gone, SecondReply, SecondView, Secret, Token, TokenHash};

impl Monitor {
    pub(crate) fn second(&mut self, token: &Token, session: &Session) -> SecondView {
        if file::is_on(&session.user) {
            return SecondView::On;
        }
        let (user, now) = (&session.user, self.now());
        if !self.offers_second() {
            SecondView::Unavailable
        } else if self.enrolments.has(user, token.hash(), now) {
            SecondView::Begun
        } else {
            SecondView::Off
        }
    }

    pub(crate) fn begin_second(&mut self, id: u64, ask: BeginSecond) {
        let answers = (ask.password, None);
        self.check_for_second(id, &ask.token, answers, Purpose::BeginSecond);
    }

    pub(crate) fn end_second(&mut self, id: u64, ask: EndSecond) {
        let answers = (ask.password, Some(ask.code));
        self.check_for_second(id, &ask.token, answers, Purpose::EndSecond);
    }

    fn check_for_second(
        &mut self,
        id: u64,
        token: &Token,
        answers: (Secret, Option<Secret>),
        purpose: Purpose,
    ) {
        // A session of an account that an administrator changed a moment ago is over.
        self.read_accounts();
        let Some(session) = self.sessions.find(token, clock::now()).cloned() else {
            return self.reply(id, purpose.gone());
        };
        let is_begun = matches!(purpose, Purpose::BeginSecond);
        if file::is_on(&session.user) == is_begun || (is_begun && !self.offers_second()) {
            return self.reply(id, purpose.refusal(NotChecked::Unavailable));
        }
        self.check_person(id, (token.hash(), &session), answers, purpose);
    }

    /// The end of [`Self::begin_second`], for a person who was checked.
    pub(crate) fn second_begun(&mut self, user: &str, session: TokenHash) -> SecondReply {
        let now = self.now();
        // Another session of theirs may have come first.
        if file::is_on(user) {
            return SecondReply::Unavailable;
        }
        let made = key::Key::make();
        let Some(key) = Secret::from_text(&made.base32()) else {
            return SecondReply::Unavailable;
        };
        self.enrolments.begin(user, session, made, now);
        SecondReply::Begun { key }
    }

    /// The end of [`Self::end_second`], for a person who was checked.
    pub(crate) fn second_ended(user: &str) -> SecondReply {
        match file::remove(user) {
            Ok(()) => {
                log::line(&format!("second step: {user}: turned off"));
                SecondReply::Ended
            }
            Err(error) => {
                log::line(&format!(
                    "second step: {user}: cannot delete the key: {error}"
                ));
                SecondReply::Unavailable
            }
        }
    }

    pub(crate) fn confirm_second(
        &mut self,
        ask: &ConfirmSecond,
    ) -> Result<ConfirmSecondReply, Gone> {
        // The file names the uid of the account as it is.
        self.read_accounts();
        let session = self.sessions.find(&ask.token, clock::now()).cloned();
        let session = session.ok_or(Gone)?;
        let (user, now) = (&session.user, self.now());
        let uid = self.accounts.get(user).ok_or(Gone)?.uid;
        let code = super::typed("code", ask.code.expose());
        let token = ask.token.hash();
        let verdict = self
            .enrolments
            .confirm(user, token, &code, now, clock::now());
        let (made, step) = match verdict {
            Verdict::Right(made, step) => (made, step),
            Verdict::Wrong => return Ok(ConfirmSecondReply::Wrong),
            Verdict::Over => return Ok(ConfirmSecondReply::Over),
        };
        let scratch = key::scratch_codes();
        let bytes = key::file(&made, &scratch, step, uid);
        Ok(match file::write(user, &bytes) {
            Ok(()) => {
                log::line(&format!("second step: {user}: turned on"));
                ConfirmSecondReply::On { scratch }
            }
            Err(error) => {
                log::line(&format!(
                    "second step: {user}: cannot write the key: {error}"
                ));
                ConfirmSecondReply::Unavailable
            }
        })
    }

    fn offers_second(&self) -> bool {
        self.is_second_offered && file::is_available()
    }
}
