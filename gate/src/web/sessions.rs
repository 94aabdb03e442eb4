//! The sessions that browsers showed, and what ends their streams.
//!
//! The monitor knows whose a token is; here it is only remembered, until the
//! monitor says that it is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::lock::lock;
use crate::web::monitor_client::{Monitor, NoReply};
use crate::wire::{self, Gone, Time, Token, TokenHash, User, ask};

/// Most sessions remembered; beyond that all are asked for again.
const MOST: usize = 10_000;

/// A session that is there, as far as we know.
pub(super) struct Session {
    pub(super) token: Token,
    pub(super) user: User,
    /// The person's name, or empty.
    pub(super) display_name: String,
    pub(super) expires: Time,
    /// Cancelled when the session is gone: all of its streams end.
    pub(super) gone: CancellationToken,
    touched: Mutex<Instant>,
}

impl Session {
    /// Its name in the log.
    pub(super) fn title(&self) -> String {
        let name = self.token.hash().name();
        format!("{} (session {name})", self.user.as_str())
    }
}

/// All sessions that are remembered.
pub(super) struct Sessions {
    known: Mutex<HashMap<TokenHash, Arc<Session>>>,
    /// How often the monitor hears that a session is used.
    touch_time: Duration,
}

impl Sessions {
    pub(super) fn new(touch_time: Duration) -> Self {
        Self {
            known: Mutex::default(),
            touch_time,
        }
    }

    /// The session of a token; None if there is none. `now` is in seconds since
    /// 1970. Moves the idle limit.
    pub(super) async fn find(
        &self,
        monitor: &Monitor,
        token: &Token,
        now: Time,
    ) -> Result<Option<Arc<Session>>, NoReply> {
        let hash = token.hash();
        let known = lock(&self.known).get(&hash).cloned();
        let session = match known {
            Some(session) if session.expires <= now => {
                self.gone(hash);
                return Ok(None);
            }
            Some(session) if !session.is_due(self.touch_time) => return Ok(Some(session)),
            Some(session) => session,
            None => match monitor
                .ask(ask::GetSession {
                    token: token.clone(),
                })
                .await?
            {
                Ok(found) => self.remember(token, &found),
                Err(Gone) => return Ok(None),
            },
        };
        let token = token.clone();
        match monitor.ask(ask::Touch { token }).await? {
            // Else it ended before it was remembered here.
            Ok(()) if !session.gone.is_cancelled() => Ok(Some(session)),
            _ => {
                self.gone(hash);
                Ok(None)
            }
        }
    }

    /// The same for somebody who only looks whether it is there: it neither moves the idle
    /// limit nor is remembered.
    pub(super) async fn look(
        &self,
        monitor: &Monitor,
        token: &Token,
        now: Time,
    ) -> Result<Option<Arc<Session>>, NoReply> {
        let known = lock(&self.known).get(&token.hash()).cloned();
        if let Some(session) = known {
            return Ok((now < session.expires).then_some(session));
        }
        let ask = ask::GetSession {
            token: token.clone(),
        };
        let found = monitor.ask(ask).await?.ok();
        Ok(found.map(|found| Arc::new(Session::new(token.clone(), &found))))
    }

    /// The monitor says that a session is over.
    pub(super) fn gone(&self, hash: TokenHash) {
        if let Some(session) = lock(&self.known).remove(&hash) {
            session.gone.cancel();
        }
    }

    /// Some session of the person, to speak to the monitor for them.
    pub(super) fn any_of(&self, user: &User) -> Option<Arc<Session>> {
        let known = lock(&self.known);
        let mut all = known.values();
        all.find(|session| session.user == *user).cloned()
    }

    fn remember(&self, token: &Token, found: &wire::Session) -> Arc<Session> {
        let mut known = lock(&self.known);
        if known.len() >= MOST {
            known.retain(|_, session| Arc::strong_count(session) > 1);
        }
        let new = || Arc::new(Session::new(token.clone(), found));
        known.entry(token.hash()).or_insert_with(new).clone()
    }
}

impl Session {
    pub(super) fn new(token: Token, found: &wire::Session) -> Self {
        Self {
            token,
            user: found.user.clone(),
            display_name: found.display_name.as_str().to_owned(),
            expires: found.expires,
            gone: CancellationToken::new(),
            touched: Mutex::new(Instant::now()),
        }
    }

    /// Returns whether the monitor has to hear again that it is used; then it will.
    pub(super) fn is_due(&self, touch_time: Duration) -> bool {
        let mut touched = lock(&self.touched);
        let is_due = touched.elapsed() >= touch_time;
        if is_due {
            *touched = Instant::now();
        }
        is_due
    }
}
