//! The monitor follows the accounts: whoever may not log in any more is shut out.

use super::Accounts;
use crate::clock;
use crate::log;
use crate::monitor::event_loop::Monitor;
use crate::monitor::files;
use crate::monitor::opencode::stop::Stop;

const SECONDS_PER_DAY: u64 = 24 * 60 * 60;

impl Monitor {
    /// Reads who may log in, and shuts out who may not any more.
    pub(crate) fn read_accounts(&mut self) {
        let today = u32::try_from(clock::now() / SECONDS_PER_DAY).unwrap_or(u32::MAX);
        let accounts = match files::read_accounts() {
            Ok(files) => Accounts::read(&files, today),
            Err(error) => {
                log::line(&error.to_string());
                return;
            }
        };
        let before = std::mem::replace(&mut self.accounts, accounts);
        self.show_first_code();
        let (accounts, logins) = (&self.accounts, &self.logins);
        // A change that the person is making is judged when PAM is done.
        let is_as_before = |user: &str| {
            let (old, new) = (before.get(user), accounts.get(user));
            old.map(|person| person.fingerprint) == new.map(|person| person.fingerprint)
                || logins.is_changing(user)
                    && old.map(|person| (person.uid, &person.shell))
                        == new.map(|person| (person.uid, &person.shell))
        };
        let ended = self.sessions.keep_only(|user, fingerprint| {
            accounts.fingerprint(user) == Some(fingerprint)
                || logins.is_changing(user) && is_as_before(user)
        });
        self.opencodes
            .stop_all(Stop::AtOnce, |user| !is_as_before(user));
        let changing = logins.changing().filter(|user| is_as_before(user));
        let changing: Vec<String> = changing.map(str::to_owned).collect();
        self.ended(&ended);
        self.access_follows(&changing);
    }
}
