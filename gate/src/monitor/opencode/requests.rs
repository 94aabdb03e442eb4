//! The web half's calls about opencodes, and the actions that they lead to.

use super::Action;
use super::stop::Stop;
use crate::monitor::event::Event;
use crate::monitor::event_loop::Monitor;
use crate::monitor::sessions::Session;
use crate::wire::{EnsureReply, Gone, Message, OpencodeView, RestartReply, Token};

impl Monitor {
    pub(crate) fn ensure(&mut self, token: &Token) -> Result<EnsureReply, Gone> {
        let (user, now) = (self.person_of(token).ok_or(Gone)?, self.now());
        match self.accounts.get(&user) {
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

    pub(crate) fn idle(&mut self, token: &Token) -> Result<(), Gone> {
        let user = self.person_of(token).ok_or(Gone)?;
        self.opencodes.stop(&user, Stop::Gently);
        Ok(())
    }

    pub(crate) fn restart(&mut self, _: &Token, session: &Session) -> Result<RestartReply, Gone> {
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

    pub(crate) fn opencode(&mut self, _: &Token, session: &Session) -> OpencodeView {
        self.opencodes.view(&session.user)
    }

    pub(crate) fn perform_opencode(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Run(process, generation) => {
                    let events = self.events.clone();
                    let user = process.person.name.as_str().to_owned();
                    tokio::task::spawn_local(process.run(async move |event| {
                        let event = Event::Opencode(user.clone(), generation, event);
                        let _ = events.send(event).await;
                    }));
                    self.write_status();
                }
                Action::Tell(event) => self.tell(&Message::Event(event)),
            }
        }
    }
}
