//! The web half's calls about terminals, and the processes that are run for them.

use super::Action;
use crate::monitor::event::Event;
use crate::monitor::event_loop::Monitor;
use crate::monitor::opencode::cleanup::{self, PersonUids};
use crate::wire::ask::{CloseTerminal, Terminal};
use crate::wire::{Gone, Reply};

impl Monitor {
    pub(crate) fn open_terminal(&mut self, id: u64, ask: &Terminal) {
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

    pub(crate) fn close_terminal(&mut self, ask: &CloseTerminal) -> Result<(), Gone> {
        self.for_session(&ask.token, |monitor, token, _| {
            monitor.terminals.close(token.hash(), ask.terminal);
        })
    }

    fn run_terminal(&mut self, Action(process, id): Action) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            process.run().await;
            let _ = events.send(Event::Terminal(id)).await;
        });
    }

    /// Ends what is left of the terminals of those who have no session any more. An
    /// opencode of theirs that still works ends later, and all under their uid with it.
    pub(crate) fn sweep(&mut self) {
        let (sessions, opencodes) = (&self.sessions, &self.opencodes);
        let is_here = |user: &str| sessions.of(user).next().is_some() || opencodes.is_running(user);
        for (user, uid) in self.terminals.take_unswept(is_here) {
            let events = self.events.clone();
            tokio::task::spawn_local(async move {
                cleanup::sweep(PersonUids::of(&user, uid)).await;
                let _ = events.send(Event::Swept(uid)).await;
            });
        }
    }
}
