//! The sessions that browsers showed, and what ends their streams.
//!
//! The monitor knows whose a token is; here it is only remembered, until the
//! monitor says that it is gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

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
    expires: Time,
    /// Cancelled when the session is gone: all of its streams end.
    pub(super) gone: CancellationToken,
    touched: Mutex<Instant>,
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
        let known = self.known().get(&hash).cloned();
        if let Some(session) = known {
            if session.expires <= now {
                self.gone(hash);
                return Ok(None);
            }
            return self.touch(monitor, session).await;
        }
        match monitor
            .ask(ask::GetSession {
                token: token.clone(),
            })
            .await?
        {
            Ok(found) => {
                let session = self.remember(token.clone(), &found);
                self.touch_now(monitor, session).await
            }
            Err(Gone) => Ok(None),
        }
    }

    /// The monitor says that a session is over.
    pub(super) fn gone(&self, hash: TokenHash) {
        if let Some(session) = self.known().remove(&hash) {
            session.gone.cancel();
        }
    }

    /// Some session of the person, to speak to the monitor for them.
    pub(super) fn any_of(&self, user: &User) -> Option<Arc<Session>> {
        self.known()
            .values()
            .find(|session| session.user == *user)
            .cloned()
    }

    async fn touch(
        &self,
        monitor: &Monitor,
        session: Arc<Session>,
    ) -> Result<Option<Arc<Session>>, NoReply> {
        let due = {
            let mut touched = session
                .touched
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let due = touched.elapsed() >= self.touch_time;
            if due {
                *touched = Instant::now();
            }
            due
        };
        if due {
            self.touch_now(monitor, session).await
        } else {
            Ok(Some(session))
        }
    }

    /// Also closes a gap: a session whose end was told before we remembered it.
    async fn touch_now(
        &self,
        monitor: &Monitor,
        session: Arc<Session>,
    ) -> Result<Option<Arc<Session>>, NoReply> {
        match monitor
            .ask(ask::Touch {
                token: session.token.clone(),
            })
            .await?
        {
            Ok(()) if !session.gone.is_cancelled() => Ok(Some(session)),
            _ => {
                self.gone(session.token.hash());
                Ok(None)
            }
        }
    }

    fn remember(&self, token: Token, found: &wire::Session) -> Arc<Session> {
        let mut known = self.known();
        if known.len() >= MOST {
            known.retain(|_, session| Arc::strong_count(session) > 1);
        }
        let hash = token.hash();
        let new = || {
            Arc::new(Session {
                token,
                user: found.user.clone(),
                display_name: found.display_name.as_str().to_owned(),
                expires: found.expires,
                gone: CancellationToken::new(),
                touched: Mutex::new(Instant::now()),
            })
        };
        known.entry(hash).or_insert_with(new).clone()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TokenHash, Arc<Session>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
