//! The sessions, by the digest of their token. Values only; the clock and the
//! generator come in, `files` keeps the file.
//!
//! A clock that goes backwards lengthens no session: a time that lies ahead is set
//! to now as soon as it is seen.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::monitor::accounts::{AccountFingerprint, Person};
use crate::wire::{Agent, Handle, SESSIONS_LIMIT, Time, Token, TokenHash};

/// The version of the file.
const SCHEMA: u32 = 1;

/// How long sessions last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionLimits {
    /// Without a touch.
    pub(crate) idle: Duration,
    /// At the latest.
    pub(crate) absolute: Duration,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) user: String,
    uid: u32,
    /// Called a stamp in the file.
    #[serde(rename = "stamp")]
    fingerprint: AccountFingerprint,
    pub(crate) created: Time,
    pub(crate) last_seen: Time,
    pub(crate) agent: Agent,
    pub(crate) address: IpAddr,
    pub(crate) handle: Handle,
}

pub(crate) struct Sessions {
    sessions: BTreeMap<TokenHash, Session>,
    limits: SessionLimits,
}

/// The browser of a new session.
pub(crate) struct Origin {
    pub(crate) agent: Agent,
    pub(crate) address: IpAddr,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: u32,
    sessions: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    token: TokenHash,
    #[serde(flatten)]
    session: Session,
}

impl Sessions {
    pub(crate) fn new(limits: SessionLimits) -> Self {
        Self {
            sessions: BTreeMap::new(),
            limits,
        }
    }

    /// Reads what [`Self::to_bytes`] wrote. Returns `None` for anything else.
    pub(crate) fn from_bytes(bytes: &[u8], limits: SessionLimits) -> Option<Self> {
        let file: File = serde_json::from_slice(bytes).ok()?;
        (file.schema == SCHEMA).then_some(())?;
        let sessions = file.sessions.into_iter();
        Some(Self {
            sessions: sessions.map(|line| (line.token, line.session)).collect(),
            limits,
        })
    }

    /// For the file. Holds no token, only digests.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let line = |(token, session): (&TokenHash, &Session)| Line {
            token: *token,
            session: session.clone(),
        };
        let file = File {
            schema: SCHEMA,
            sessions: self.sessions.iter().map(line).collect(),
        };
        // Strings and numbers always are JSON.
        serde_json::to_vec(&file).unwrap_or_default()
    }

    /// A new session. Whoever has too many by now loses the one that was not
    /// used for longest.
    pub(crate) fn begin(
        &mut self,
        token: &Token,
        handle: Handle,
        person: &Person,
        from: Origin,
        now: Time,
    ) -> Vec<TokenHash> {
        let user = person.name.as_str();
        let mut ended = Vec::new();
        while self.of(user).count() >= SESSIONS_LIMIT {
            let oldest = self.of(user).min_by_key(|(_, session)| session.last_seen);
            let Some((oldest, _)) = oldest else {
                break;
            };
            self.sessions.remove(&oldest);
            ended.push(oldest);
        }
        let session = Session {
            user: user.to_owned(),
            uid: person.uid,
            fingerprint: person.fingerprint,
            created: now,
            last_seen: now,
            agent: from.agent,
            address: from.address,
            handle,
        };
        self.sessions.insert(token.hash(), session);
        ended
    }

    /// The session of a token, unless its time is over.
    pub(crate) fn find(&self, token: &Token, now: Time) -> Option<&Session> {
        self.find_hash(token.hash(), now)
    }

    /// The session with this digest, unless its time is over.
    pub(crate) fn find_hash(&self, token: TokenHash, now: Time) -> Option<&Session> {
        let session = self.sessions.get(&token)?;
        (now < self.end_of(session)).then_some(session)
    }

    /// When it ends at the latest.
    pub(crate) fn expires(&self, session: &Session) -> Time {
        let limit = self.limits.absolute.as_secs();
        session.created.saturating_add(limit)
    }

    fn end_of(&self, session: &Session) -> Time {
        let idle_end = session.last_seen.saturating_add(self.limits.idle.as_secs());
        self.expires(session).min(idle_end)
    }

    /// A person's sessions, in no order.
    pub(crate) fn of(&self, user: &str) -> impl Iterator<Item = (TokenHash, &Session)> {
        let all = self.sessions.iter();
        all.filter(move |(_, session)| session.user == user)
            .map(|(token, session)| (*token, session))
    }

    pub(crate) fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Moves the idle limit.
    pub(crate) fn touch(&mut self, token: &Token, now: Time) {
        if let Some(session) = self.sessions.get_mut(&token.hash()) {
            session.last_seen = now;
        }
    }

    /// Ends one session; whether there was one.
    pub(crate) fn end(&mut self, token: TokenHash) -> bool {
        self.sessions.remove(&token).is_some()
    }

    /// The person's session of that handle.
    pub(crate) fn by_handle(&self, user: &str, handle: Handle) -> Option<TokenHash> {
        let mut own = self.of(user);
        own.find(|(_, session)| session.handle == handle)
            .map(|(token, _)| token)
    }

    /// Ends those for which `is_over` says so.
    fn drain(&mut self, is_over: impl Fn(&Self, &Session) -> bool) -> Vec<TokenHash> {
        let over: Vec<TokenHash> = self
            .sessions
            .iter()
            .filter(|(_, session)| is_over(self, session))
            .map(|(token, _)| *token)
            .collect();
        for token in &over {
            self.sessions.remove(token);
        }
        over
    }

    /// Ends a person's sessions.
    pub(crate) fn end_all(&mut self, user: &str) -> Vec<TokenHash> {
        self.drain(|_, session| session.user == user)
    }

    /// Ends those whose time is over, and corrects times that lie ahead.
    pub(crate) fn expire(&mut self, now: Time) -> Vec<TokenHash> {
        for session in self.sessions.values_mut() {
            session.created = session.created.min(now);
            session.last_seen = session.last_seen.min(now);
        }
        self.drain(|sessions, session| now >= sessions.end_of(session))
    }

    /// Ends those whose account is not what it was at their login.
    pub(crate) fn keep_only(
        &mut self,
        is_current: impl Fn(&str, AccountFingerprint) -> bool,
    ) -> Vec<TokenHash> {
        self.drain(|_, session| !is_current(&session.user, session.fingerprint))
    }

    /// The session's account changed, and its person did it.
    pub(crate) fn set_fingerprint(&mut self, token: TokenHash, fingerprint: AccountFingerprint) {
        if let Some(session) = self.sessions.get_mut(&token) {
            session.fingerprint = fingerprint;
        }
    }
}

#[cfg(test)]
mod tests;
