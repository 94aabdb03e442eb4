//! People's terminals: which are open, for which session, and when they end. Returns
//! [`Action`]s for the monitor to perform; knows neither wire nor logins.

pub(crate) mod process;
pub(crate) mod spared;

mod pty;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;

use tokio::sync::watch;

use self::process::TerminalProcess;
use self::spared::SparedSessions;
use super::accounts::Person;
use super::opencode::stop::Stop;
use super::person_process::Allowed;
use crate::log;
use crate::settings::Settings;
use crate::wire::{TERMINALS_LIMIT, TerminalId, TerminalReply, TerminalSize, TokenHash};

pub(crate) struct Terminals {
    open: BTreeMap<TerminalId, Open>,
    last: TerminalId,
    spared: SparedSessions,
    /// Whoever had a terminal since the last time that all of theirs was ended: what
    /// left it by setsid(2) may still run.
    unswept: BTreeSet<(String, u32)>,
    /// The uids under which all is being ended.
    sweeping: BTreeSet<u32>,
    allowed: Allowed,
}

struct Open {
    user: String,
    uid: u32,
    session: i32,
    token: TokenHash,
    stop: watch::Sender<Stop>,
}

/// A terminal just opened.
pub(crate) struct Opened {
    pub(crate) reply: TerminalReply,
    /// The master of its pty, for the web half alone.
    pub(crate) master: OwnedFd,
    pub(crate) action: Action,
}

/// Run the process; report its end under this number.
pub(crate) struct Action(pub(crate) Box<TerminalProcess>, pub(crate) TerminalId);

impl Terminals {
    pub(crate) fn new(settings: &Settings, spared: SparedSessions) -> Self {
        Self {
            open: BTreeMap::new(),
            last: TerminalId(0),
            spared,
            unswept: BTreeSet::new(),
            sweeping: BTreeSet::new(),
            allowed: Allowed::of(settings),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Opens one, which ends with the session of this token.
    pub(crate) fn open(
        &mut self,
        person: &Person,
        token: TokenHash,
        size: TerminalSize,
    ) -> Result<Opened, TerminalReply> {
        let user = person.name.as_str();
        let own = self.open.values().filter(|open| open.user == user);
        if own.count() >= TERMINALS_LIMIT {
            return Err(TerminalReply::TooMany);
        }
        self.start(person, token, size).map_err(|error| {
            log::line(&format!("cannot open a terminal for {user}: {error}"));
            TerminalReply::Failed
        })
    }

    fn start(
        &mut self,
        person: &Person,
        token: TokenHash,
        size: TerminalSize,
    ) -> io::Result<Opened> {
        let (stop, stopped) = watch::channel(Stop::No);
        let (process, master) = TerminalProcess::start(person, size, self.allowed, stopped)?;
        let (user, uid, session) = (person.name.as_str(), person.uid, process.session());
        self.last = TerminalId(self.last.0 + 1);
        let open = Open {
            user: user.to_owned(),
            uid,
            session,
            token,
            stop,
        };
        self.open.insert(self.last, open);
        self.spared.insert(uid, session);
        self.unswept.insert((user.to_owned(), uid));
        let reply = TerminalReply::Opened {
            id: self.last,
            shell: session.cast_unsigned(),
        };
        Ok(Opened {
            reply,
            master,
            action: Action(Box::new(process), self.last),
        })
    }

    /// Its browser is gone. Nothing happens to a terminal of another session.
    pub(crate) fn close(&mut self, token: TokenHash, id: TerminalId) {
        if let Some(open) = self.open.get(&id).filter(|open| open.token == token) {
            Stop::Gently.tell(&open.stop);
        }
    }

    /// Ends those of a session that is over.
    pub(crate) fn session_ended(&self, token: TokenHash) {
        let own = self.open.values().filter(|open| open.token == token);
        own.for_each(|open| Stop::AtOnce.tell(&open.stop));
    }

    /// Closes all: whoever shows them is gone.
    pub(crate) fn close_all(&self) {
        let all = self.open.values();
        all.for_each(|open| Stop::Gently.tell(&open.stop));
    }

    /// Ends all.
    pub(crate) fn end_all(&self) {
        let all = self.open.values();
        all.for_each(|open| Stop::AtOnce.tell(&open.stop));
    }

    /// A process has ended.
    pub(crate) fn ended(&mut self, id: TerminalId) {
        if let Some(open) = self.open.remove(&id) {
            self.spared.remove(open.uid, open.session);
        }
    }

    /// Those who had terminals, have none now and are not here any more, each once: all
    /// that runs under their uids is to be ended.
    pub(crate) fn take_unswept(&mut self, is_here: impl Fn(&str) -> bool) -> Vec<(String, u32)> {
        let has_one = |user: &str| self.open.values().any(|open| open.user == user);
        let all = std::mem::take(&mut self.unswept);
        let (stay, gone) = all
            .into_iter()
            .partition::<Vec<_>, _>(|(user, _)| is_here(user) || has_one(user));
        self.unswept.extend(stay);
        self.sweeping.extend(gone.iter().map(|(_, uid)| uid));
        gone
    }

    /// Returns whether all under a uid is being ended.
    pub(crate) fn is_swept(&self, uid: u32) -> bool {
        self.sweeping.contains(&uid)
    }

    pub(crate) fn swept(&mut self, uid: u32) {
        self.sweeping.remove(&uid);
    }
}
