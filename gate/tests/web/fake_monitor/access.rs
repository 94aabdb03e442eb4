//! Access tokens for programs.

use std::collections::HashMap;

use occ_gate::wire::{
    AccessEntry, AccessHash, AccessName, AccessToken, Handle, LastUse, MakeAccessReply, Token,
    UseAccessReply,
};

use super::sessions::{minutes_ago, session};

#[derive(Default)]
pub(crate) struct Access {
    /// By digest: the user, and the session that it opens.
    all: HashMap<AccessHash, (String, Token)>,
    issued: u8,
    /// Whether wrong ones were too many.
    pub(crate) slow_down: Option<u32>,
    /// Whether there is no room for one more.
    pub(crate) is_full: bool,
}

impl Access {
    /// One that the user made before.
    pub(super) fn issue(&mut self, user: &str) -> AccessToken {
        self.issued += 1;
        let access = AccessToken::new([self.issued; 32]);
        let session = Token::new([self.issued ^ 0xff; 32]);
        self.all.insert(access.hash(), (user.to_owned(), session));
        access
    }

    /// Revokes one; the session that it opened.
    pub(super) fn revoke(&mut self, access: &AccessToken) -> Token {
        let (_, session) = self.all.remove(&access.hash()).unwrap();
        session
    }

    /// The owner of the one that opens a session.
    pub(super) fn user(&self, session: &Token) -> Option<String> {
        let mut all = self.all.values();
        let found = all.find(|(_, opened)| opened == session);
        found.map(|(user, _)| user.clone())
    }

    pub(super) fn open(&self, access: &AccessToken) -> UseAccessReply {
        match (self.all.get(&access.hash()), self.slow_down) {
            (Some((user, token)), _) => UseAccessReply::Session {
                token: token.clone(),
                session: session(user),
            },
            (None, Some(seconds)) => UseAccessReply::SlowDown { seconds },
            (None, None) => UseAccessReply::Refused,
        }
    }

    pub(super) fn make(&self) -> MakeAccessReply {
        if self.is_full {
            return MakeAccessReply::Full;
        }
        let access = AccessToken::new([99; 32]);
        MakeAccessReply::Made { access }
    }
}

/// The one that everybody is shown.
pub(super) fn entry() -> AccessEntry {
    AccessEntry {
        handle: Handle(55),
        name: AccessName::try_from(Box::from("laptop")).unwrap(),
        made: minutes_ago(3000),
        ends: minutes_ago(0) + 88 * 24 * 3600,
        last_use: Some(LastUse {
            at: minutes_ago(5),
            address: "192.0.2.1".parse().unwrap(),
        }),
    }
}
