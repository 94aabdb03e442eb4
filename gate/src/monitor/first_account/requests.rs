//! The web half's calls about the first account, and the places that show its code.

use super::{Change, Making, Order};
use crate::log;
use crate::monitor::event::Event;
use crate::monitor::event_loop::Monitor;
use crate::monitor::files;
use crate::own_address::is_own_address;
use crate::wire::Reply;
use crate::wire::ask::MakeFirst;

impl Monitor {
    pub(crate) fn is_first(&mut self) -> bool {
        self.read_accounts();
        self.first_account.is_open()
    }

    pub(crate) fn make_first(&mut self, id: u64, ask: MakeFirst) {
        self.read_accounts();
        let is_own = is_own_address(ask.address);
        let (web, now) = (self.web_id, self.now());
        match self.first_account.ask(ask, Making { web, id }, is_own, now) {
            Ok(order) => self.perform_first(order),
            Err(reply) => self.reply(id, Reply::MakeFirst(reply)),
        }
    }

    /// Writes the code where administrators look, or takes it away.
    pub(crate) fn show_first_code(&mut self) {
        match self.first_account.set_open(self.accounts.are_none()) {
            Change::Opened(code) => {
                log::line(&format!(
                    "no account yet: make the first one in the browser with the code {code}, \
                     or with 'occ user add'"
                ));
                if let Err(error) = files::write_first_code(&code) {
                    log::line(&format!("cannot write '{}': {error}", files::FIRST_CODE));
                }
            }
            Change::Closed => files::remove_first_code(),
            Change::Same => (),
        }
    }

    fn perform_first(&self, order: Order) {
        let events = self.events.clone();
        tokio::task::spawn_local(async move {
            let (making, made) = order.run().await;
            let _ = events.send(Event::FirstAccount(making, made)).await;
        });
    }

    pub(crate) fn first_made(&mut self, making: Making, made: Result<(), String>) {
        self.read_accounts();
        let reply = self.first_account.made(made);
        if making.web == self.web_id {
            self.reply(making.id, Reply::MakeFirst(reply));
        }
    }
}
