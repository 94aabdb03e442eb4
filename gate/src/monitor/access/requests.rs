//! The calls of the web half about access tokens, and their ends by administrators and
//! with accounts.

use std::net::IpAddr;

use super::file;
use super::table::{Access, Ended, Standing};
use super::{AccessTokens, log_ended};
use crate::clock;
use crate::log;
use crate::monitor::audit::{AuditLine, By, Outcome, Topic};
use crate::monitor::event_loop::Monitor;
use crate::monitor::files::PasswdNames;
use crate::monitor::login::access::WrongToken;
use crate::monitor::random;
use crate::monitor::sessions::Session;
use crate::own_address::is_own_address;
use crate::wire::ask::{MakeAccess, RevokeAccess, UseAccess};
use crate::wire::{
    self, AccessEntry, AccessToken, Gone, Handle, LastUse, MakeAccessReply, Text, Token, TokenHash,
    UseAccessReply, User,
};

/// Bits of an id: it is typed by administrators.
const ID: u64 = 0xffff_ffff;

impl Monitor {
    /// A program showed an access token. A right one is always good: it can't be
    /// guessed, so guesses of others must not shut it out.
    pub(crate) fn use_access(&mut self, ask: &UseAccess) -> UseAccessReply {
        let (hash, at, now) = (ask.access.hash(), clock::now(), self.now());
        let address = ask.address.to_canonical();
        let found = self.access.table.find(hash, at);
        let Some(found) = found.filter(|_| !self.access.is_off) else {
            return self.refuse_access(ask, address);
        };
        let (user, expires) = (found.user.clone(), found.ends);
        let before = found.last_use.map(|last| last.address);
        if !self.access.table.is_used(hash) || before != Some(address) {
            let audit = AuditLine::new(Topic::Login, address, Some(&user), By::Token);
            audit.end_with_token(Outcome::Ok, &file::show_id(found.id));
        }
        // A first use is worth a write; further ones wait for each other.
        self.access.is_behind |= found.last_use.is_none();
        let last_use = LastUse { at, address };
        let fresh = || Token::new(*random::bytes());
        let token = self.access.table.used(hash, last_use, fresh);
        self.access.used.get_or_insert(now);
        let person = self.accounts.get(&user);
        let display_name = person.map_or("", |person| &person.display_name);
        UseAccessReply::Session {
            token,
            session: wire::Session {
                user: User::cut(&user),
                display_name: Text::cut(display_name),
                expires,
            },
        }
    }

    fn refuse_access(&mut self, ask: &UseAccess, address: IpAddr) -> UseAccessReply {
        let (now, is_own) = (self.now(), is_own_address(ask.address));
        let hash = ask.access.hash();
        let audit = || AuditLine::new(Topic::Login, address, None, By::Token);
        match self.logins.wrong_access(hash, ask.address, is_own, now) {
            WrongToken::TooMany { seconds, is_known } => {
                // A program whose token has ended goes on showing it.
                if !is_known {
                    audit().end(Outcome::TooManyFailures);
                }
                UseAccessReply::SlowDown { seconds }
            }
            WrongToken::New => {
                audit().end(Outcome::Refused);
                UseAccessReply::Refused
            }
            WrongToken::Known => UseAccessReply::Refused,
        }
    }

    pub(crate) fn list_access(&mut self, _: &Token, session: &Session) -> Vec<AccessEntry> {
        self.access.table.entries(&session.user)
    }

    pub(crate) fn make_access(&mut self, ask: MakeAccess) -> Result<MakeAccessReply, Gone> {
        // It rests on the account as it is, not as it was a moment ago.
        self.read_accounts();
        let token = ask.token.clone();
        self.for_session(&token, |monitor, _, session| {
            monitor.make_access_for(session, ask)
        })
    }

    fn make_access_for(&mut self, session: &Session, ask: MakeAccess) -> MakeAccessReply {
        let time = self.now();
        let person = self.accounts.get(&session.user);
        let Some(person) = person.filter(|_| !self.access.is_off) else {
            return MakeAccessReply::Unavailable;
        };
        let access = AccessToken::new(*random::bytes());
        let (hash, id) = (access.hash(), self.access.new_id());
        let (name, now) = (ask.name, clock::now());
        let title = format!(
            "token: {}: '{}' ({})",
            session.user,
            name.as_str(),
            file::show_id(id)
        );
        if !self.access.make_limit.allows(&session.user, time) {
            return MakeAccessReply::TooOften;
        }
        let table = &mut self.access.table;
        if !table.make(hash, person, name, ask.lifetime, id, now) {
            return MakeAccessReply::Full;
        }
        if !self.access.save() {
            self.access.table.end(|other| other.id == id);
            return MakeAccessReply::Unavailable;
        }
        log::line(&format!("{title} made from {}", session.address));
        MakeAccessReply::Made { access }
    }

    /// Revokes one of a person's own. Returns false if the disk does not take it.
    pub(crate) fn revoke_access(&mut self, ask: &RevokeAccess) -> Result<bool, Gone> {
        self.for_session(&ask.token, |monitor, _, session| {
            let is_meant = |access: &Access| access.user == session.user && access.id == ask.handle;
            let ended = monitor.access.table.end(is_meant);
            monitor.access_ended(&ended, "revoked")
        })
    }

    /// Revokes all of a person's.
    pub(crate) fn revoke_all_access(&mut self, user: &str) {
        let ended = self.access.table.end(|access| access.user == user);
        self.access_ended(&ended, "revoked: logged out everywhere");
    }

    /// Revokes what administrators asked for by `occ-gate token revoke`.
    pub(crate) fn revoke_as_requested(&mut self) {
        let requested = file::requests();
        if requested.is_empty() {
            return;
        }
        let table = &mut self.access.table;
        let ended = table.end(|access| requested.contains(&access.id));
        if self.access_ended(&ended, "revoked by an administrator") && !self.access.is_unreadable {
            requested.into_iter().for_each(file::done);
        }
    }

    /// Ends what is over by now, and writes what waits.
    pub(crate) fn tick_access(&mut self) {
        let ended = self.access.table.expire(clock::now());
        self.access_ended(&ended, "ended: its time is over");
        self.revoke_as_requested();
        let now = self.now();
        self.access.save_if_due(now);
    }

    /// Makes access tokens follow the accounts, which were read a moment ago, but not those
    /// of people who are changing their password.
    pub(crate) fn access_follows(&mut self, changing: &[String]) {
        let (accounts, names) = (&self.accounts, PasswdNames::default());
        let ended = self.access.table.follow(|user| match accounts.get(user) {
            _ if changing.iter().any(|changing| changing == user) => Standing::Changing,
            Some(person) => Standing::Open(person.password()),
            None if names.has(user) => Standing::Shut,
            None => Standing::Absent,
        });
        self.access_ended(&ended, "ended with the account as it was");
    }

    /// Finds who a token of the web half speaks for: a session's person, or the owner of
    /// the access token that a program showed.
    pub(crate) fn person_of(&self, token: &Token) -> Option<String> {
        let now = clock::now();
        let session = self.sessions.find(token, now);
        let user = session.map(|session| session.user.as_str());
        user.or_else(|| self.access.table.owner(token, now))
            .map(str::to_owned)
    }

    /// Makes streams, log and disk follow. Returns false if the disk does not take it.
    fn access_ended(&mut self, ended: &Ended, why: &str) -> bool {
        let sessions: &[TokenHash] = &ended.sessions;
        self.end_streams(sessions);
        log_ended(ended, why);
        ended.tokens.is_empty() || self.access.save()
    }
}

impl AccessTokens {
    fn new_id(&self) -> Handle {
        loop {
            let id = Handle(random::number() & ID);
            if !self.table.has_id(id) {
                return id;
            }
        }
    }
}
