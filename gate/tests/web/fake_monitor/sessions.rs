//! The sessions.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use occ_gate::wire::{Agent, Gone, Handle, Session, SessionEntry, Text, Token, TokenHash, User};

/// That many minutes ago, in seconds since 1970.
pub(super) fn minutes_ago(minutes: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() - minutes * 60
}

/// Far in the future.
pub(super) const LATER: u64 = 4_000_000_000;

#[derive(Default)]
pub(crate) struct Sessions {
    /// By digest: token and user.
    all: HashMap<TokenHash, (Token, String)>,
    issued: u8,
}

impl Sessions {
    pub(super) fn begin(&mut self, user: &str) -> Token {
        self.issued += 1;
        let token = Token::new([self.issued; 32]);
        let session = (token.clone(), user.to_owned());
        self.all.insert(token.hash(), session);
        token
    }

    pub(super) fn end(&mut self, token: &Token) -> Result<(), Gone> {
        let found = self.all.remove(&token.hash());
        found.map(drop).ok_or(Gone)
    }

    pub(super) fn user(&self, token: &Token) -> Result<String, Gone> {
        let found = self.all.get(&token.hash());
        found.map(|(_, user)| user.clone()).ok_or(Gone)
    }
}

pub(super) fn session(user: &str) -> Session {
    Session {
        user: User::cut(user),
        display_name: Text::cut("Alice A."),
        expires: LATER,
    }
}

pub(super) fn entries() -> Vec<SessionEntry> {
    let entry = |handle, current| SessionEntry {
        handle: Handle(handle),
        created: minutes_ago(50),
        last_seen: minutes_ago(5),
        agent: Agent::cut("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"),
        address: "192.0.2.1".parse().unwrap(),
        current,
    };
    vec![entry(1, true), entry(2, false)]
}
