//! The answers of `occ-gate pam` to PAM. Decides nothing about a login: only which question
//! may be asked of the person.

use std::cell::{Cell, RefCell};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::rc::Rc;

use nonstick::{ConversationAdapter, ErrorCode};

use crate::helpers::password;
use crate::helpers::pipe::{Incoming, tell};
use crate::monitor::login::pam::PamResult;
use crate::monitor::second_step;
use crate::wire::{PamText, Secret, User};

/// Most words of PAM's that are kept for the page.
const SAID: usize = 512;

/// PAM's conversation: the first hidden prompt gets the password, any other the new one
/// in a change. Everything else is asked only after the right password, whatever the order
/// of the service's lines: a question after a wrong one would tell who has an account.
pub(super) struct PamConversation {
    user: User,
    password: Secret,
    /// In a change of the password.
    new: Option<OsString>,
    is_given: Cell<bool>,
    answers: Answers,
    /// A question beyond the password was asked.
    pub(super) was_asked: Rc<Cell<bool>>,
    /// PAM's words about an error.
    pub(super) said: Rc<RefCell<String>>,
}

/// The answers to questions beyond the password.
pub(super) enum Answers {
    None,
    Person(RefCell<Incoming>),
    Given(Secret),
}

impl PamConversation {
    pub(super) fn new(user: &User, password: &Secret, answers: Answers) -> Self {
        Self {
            user: user.clone(),
            password: password.clone(),
            new: None,
            is_given: Cell::new(false),
            answers,
            was_asked: Rc::default(),
            said: Rc::default(),
        }
    }

    /// The same for a change of the password: the second hidden prompt gets the new one.
    pub(super) fn for_change(user: &User, old: &Secret, new: &Secret) -> Self {
        Self {
            new: Some(OsString::from_vec(new.expose().to_vec())),
            ..Self::new(user, old, Answers::None)
        }
    }

    fn ask(&self, text: &OsStr, echo: bool) -> nonstick::Result<OsString> {
        if matches!(self.answers, Answers::None) || !self.is_right() {
            return Err(ErrorCode::ConversationError);
        }
        self.was_asked.set(true);
        let text = text.to_string_lossy();
        let answer = match &self.answers {
            Answers::Person(person) => {
                let prompt = PamResult::Prompt {
                    text: PamText::cut(&text),
                    echo,
                };
                tell(&prompt).and_then(|()| person.borrow_mut().read())
            }
            Answers::Given(code) => Ok(code.clone()),
            Answers::None => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        let answer: Secret = answer.map_err(|_| ErrorCode::ConversationError)?;
        Ok(OsString::from_vec(second_step::typed(
            &text,
            answer.expose(),
        )))
    }

    /// Checked once a login: a second question comes after the first.
    fn is_right(&self) -> bool {
        self.was_asked.get() || password::stored(&self.user, &self.password).is_some()
    }
}

impl ConversationAdapter for PamConversation {
    fn prompt(&self, request: impl AsRef<OsStr>) -> nonstick::Result<OsString> {
        self.ask(request.as_ref(), true)
    }

    fn masked_prompt(&self, request: impl AsRef<OsStr>) -> nonstick::Result<OsString> {
        if !self.is_given.replace(true) {
            return Ok(OsString::from_vec(self.password.expose().to_vec()));
        }
        match &self.new {
            Some(new) => Ok(new.clone()),
            None => self.ask(request.as_ref(), false),
        }
    }

    fn error_msg(&self, message: impl AsRef<OsStr>) {
        let mut said = self.said.borrow_mut();
        if said.len() < SAID {
            said.push_str(&String::from_utf8_lossy(message.as_ref().as_bytes()));
            said.push(' ');
        }
    }

    fn info_msg(&self, _message: impl AsRef<OsStr>) {}
}
