//! All access tokens, by their digest. Values only; the clock and the generator come in.
//!
//! An access token rests on the account as it was when it was made: another password by
//! an administrator, a lock or an end of the account end it. A person who changes their
//! own password keeps theirs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::monitor::accounts::{AccountPassword, Person};
use crate::wire::{
    ACCESS_LIMIT, AccessEntry, AccessHash, AccessName, Handle, LastUse, Lifetime, Time, Token,
    TokenHash,
};

/// The version of the file.
const SCHEMA: u32 = 1;
/// A program that was not seen for this long is gone, as a browser is after that time.
const GONE: Time = 7 * 24 * 60 * 60;
/// Most access tokens of all people together: the file stays below 4 MiB.
pub(crate) const MOST: usize = 5000;

/// An access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Access {
    pub(crate) user: String,
    account: AccountPassword,
    pub(crate) id: Handle,
    pub(crate) name: AccessName,
    pub(crate) made: Time,
    pub(crate) ends: Time,
    #[serde(default)]
    pub(crate) last_use: Option<LastUse>,
}

/// The state of the account that an access token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Its person may log in.
    Open(AccountPassword),
    /// Its person is changing the password: judged when that is done.
    Changing,
    /// It is there, and its person may not log in.
    Shut,
    /// passwd(5) has no such name: it was removed, or is not restored yet. A start
    /// without the volume of accounts must not delete what comes back with it.
    Absent,
}

/// All access tokens.
#[derive(Debug, Default)]
pub(crate) struct AccessTable {
    all: BTreeMap<AccessHash, Access>,
    /// The session of each one that was used since the start.
    sessions: HashMap<AccessHash, Token>,
    /// The way back from such a session.
    opened: HashMap<TokenHash, AccessHash>,
    /// Owners who are [`Standing::Absent`].
    absent: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct File {
    schema: u32,
    tokens: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    hash: AccessHash,
    #[serde(flatten)]
    access: Access,
}

impl AccessTable {
    /// Reads what [`Self::to_bytes`] wrote. Returns `None` for anything else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let file: File = serde_json::from_slice(bytes).ok()?;
        (file.schema == SCHEMA && file.tokens.len() <= MOST).then_some(())?;
        let lines = file.tokens.into_iter();
        Some(Self {
            all: lines.map(|line| (line.hash, line.access)).collect(),
            ..Self::default()
        })
    }

    /// For the file. Holds no token, only digests.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let line = |(hash, access): (&AccessHash, &Access)| Line {
            hash: *hash,
            access: access.clone(),
        };
        let file = File {
            schema: SCHEMA,
            tokens: self.all.iter().map(line).collect(),
        };
        // Strings and numbers always are JSON.
        serde_json::to_vec(&file).unwrap_or_default()
    }

    /// Adds one. Returns false if its person, or all together, have too many.
    pub(crate) fn make(
        &mut self,
        hash: AccessHash,
        person: &Person,
        name: AccessName,
        lifetime: Lifetime,
        id: Handle,
        now: Time,
    ) -> bool {
        let user = person.name.as_str();
        if self.of(user).count() >= ACCESS_LIMIT || self.all.len() >= MOST {
            return false;
        }
        let access = Access {
            user: user.to_owned(),
            account: person.password(),
            id,
            name,
            made: now,
            ends: now.saturating_add(lifetime.seconds()),
            last_use: None,
        };
        self.all.insert(hash, access);
        true
    }

    pub(crate) fn has_id(&self, id: Handle) -> bool {
        self.all.values().any(|access| access.id == id)
    }

    /// Finds one that is good now.
    pub(crate) fn find(&self, hash: AccessHash, now: Time) -> Option<&Access> {
        let access = self.all.get(&hash)?;
        (now < access.ends && !self.absent.contains(&access.user)).then_some(access)
    }

    /// Returns whether a program has shown it since the start.
    pub(crate) fn is_used(&self, hash: AccessHash) -> bool {
        self.sessions.contains_key(&hash)
    }

    /// Notes a use. Returns the session for it, always the same one.
    pub(crate) fn used(
        &mut self,
        hash: AccessHash,
        last_use: LastUse,
        fresh: impl FnOnce() -> Token,
    ) -> Token {
        if let Some(access) = self.all.get_mut(&hash) {
            access.last_use = Some(last_use);
        }
        let token = self.sessions.entry(hash).or_insert_with(fresh).clone();
        self.opened.insert(token.hash(), hash);
        token
    }

    /// Finds the owner of a session that [`Self::used`] returned.
    pub(crate) fn owner(&self, session: &Token, now: Time) -> Option<&str> {
        let hash = self.opened.get(&session.hash())?;
        self.find(*hash, now).map(|access| access.user.as_str())
    }

    /// Returns whether a program of the person's has shown up since the start, and is not
    /// gone since.
    pub(crate) fn is_open(&self, user: &str, now: Time) -> bool {
        let opened = self.sessions.keys();
        let mut owners = opened.filter_map(|hash| self.all.get(hash));
        let is_recent = |last_use: LastUse| now.saturating_sub(last_use.at) < GONE;
        owners.any(|access| access.user == user && access.last_use.is_some_and(is_recent))
    }

    /// A person's access tokens, in no order.
    pub(crate) fn of(&self, user: &str) -> impl Iterator<Item = &Access> {
        let all = self.all.values();
        all.filter(move |access| access.user == user)
    }

    /// The same for the wire, the latest first.
    pub(crate) fn entries(&self, user: &str) -> Vec<AccessEntry> {
        let entry = |access: &Access| AccessEntry {
            handle: access.id,
            name: access.name.clone(),
            made: access.made,
            ends: access.ends,
            last_use: access.last_use,
        };
        let mut all: Vec<AccessEntry> = self.of(user).map(entry).collect();
        all.sort_by_key(|entry| std::cmp::Reverse((entry.made, entry.handle)));
        all
    }

    /// Names of all who have one.
    fn owners(&self) -> BTreeSet<&str> {
        self.all.values().map(|access| &*access.user).collect()
    }

    /// Ends those for which `is_over` says so.
    pub(crate) fn end(&mut self, is_over: impl Fn(&Access) -> bool) -> Ended {
        let over = self.all.iter().filter(|(_, access)| is_over(access));
        let over: Vec<AccessHash> = over.map(|(hash, _)| *hash).collect();
        let mut ended = Ended::default();
        for hash in over {
            ended.tokens.extend(self.all.remove(&hash));
            ended.sessions.extend(self.close(hash));
        }
        ended
    }

    /// Ends the session of an access token, if it has one.
    fn close(&mut self, hash: AccessHash) -> Option<TokenHash> {
        let session = self.sessions.remove(&hash)?.hash();
        self.opened.remove(&session);
        Some(session)
    }

    /// Ends those whose time is over. A clock that went back lengthens none: one made
    /// later than now was made now, and lasts as long as it was to last.
    pub(crate) fn expire(&mut self, now: Time) -> Ended {
        for access in self.all.values_mut() {
            let ahead = access.made.saturating_sub(now);
            access.made -= ahead;
            access.ends = access.ends.saturating_sub(ahead);
        }
        self.end(|access| now >= access.ends)
    }

    /// Ends those whose account is not what it was when they were made.
    pub(crate) fn follow(&mut self, standing: impl Fn(&str) -> Standing) -> Ended {
        let owners: BTreeMap<String, Standing> = self
            .owners()
            .into_iter()
            .map(|user| (user.to_owned(), standing(user)))
            .collect();
        let of = |access: &Access| owners.get(&access.user).copied();
        let mut ended = self.end(|access| match of(access) {
            Some(Standing::Open(account)) => access.account != account,
            Some(Standing::Shut) => true,
            Some(Standing::Changing | Standing::Absent) | None => false,
        });
        let absent = owners.iter();
        let absent = absent.filter(|(_, standing)| **standing == Standing::Absent);
        self.absent = absent.map(|(user, _)| user.clone()).collect();
        let opened = self.sessions.keys();
        let is_absent = |hash: &&AccessHash| {
            let access = self.all.get(hash);
            access.is_some_and(|access| self.absent.contains(&access.user))
        };
        let closed: Vec<AccessHash> = opened.filter(is_absent).copied().collect();
        let closed = closed.into_iter().filter_map(|hash| self.close(hash));
        ended.sessions.extend(closed);
        ended
    }

    /// A person changed their own password: what was good before stays.
    pub(crate) fn keep(&mut self, user: &str, account: AccountPassword) {
        let all = self.all.values_mut();
        for access in all.filter(|access| access.user == user) {
            access.account = account;
        }
    }
}

/// What is over.
#[derive(Debug, Default)]
pub(crate) struct Ended {
    pub(crate) tokens: Vec<Access>,
    /// Their sessions, whose streams end now.
    pub(crate) sessions: Vec<TokenHash>,
}

#[cfg(test)]
mod tests;
