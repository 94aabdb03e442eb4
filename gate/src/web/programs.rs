//! Programs that showed an access token: remembered by its digest, until the monitor says
//! that it is over. Apart from browsers' sessions, so that nothing is both.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::sessions::Session;
use crate::lock::lock;
use crate::web::http::authorization::Presented;
use crate::web::monitor_client::{Monitor, NoReply};
use crate::wire::{AccessHash, AccessToken, Time, TokenHash, UseAccessReply, User, ask};

/// Most programs remembered; beyond that all are asked for again.
const MOST: usize = 10_000;

/// All programs that are remembered.
pub(super) struct Programs {
    known: Mutex<HashMap<AccessHash, Known>>,
    /// How often the monitor hears that an access token is used.
    touch_time: Duration,
}

#[derive(Clone)]
struct Known {
    hash: TokenHash,
    session: Arc<Session>,
}

/// The answer about an access token.
pub(super) enum Checked {
    Good(Arc<Session>),
    Refused,
    /// Too many wrong ones: try again after so many seconds.
    SlowDown(u32),
}

impl Programs {
    pub(super) fn new(touch_time: Duration) -> Self {
        Self {
            known: Mutex::default(),
            touch_time,
        }
    }

    /// Finds whose an access token is. With another name beside it than its owner's it is
    /// nobody's, and the monitor is asked as about any wrong one.
    pub(super) async fn find(
        &self,
        monitor: &Monitor,
        presented: &Presented,
        address: IpAddr,
        now: Time,
    ) -> Result<Checked, NoReply> {
        let Some(access) = &presented.access else {
            return Ok(Checked::Refused);
        };
        let is_owner = |user: &User| {
            let name = presented.user.as_deref();
            name.is_none_or(|name| name == user.as_str())
        };
        let hash = access.hash();
        let known = lock(&self.known).get(&hash).cloned();
        let known = known.filter(|known| {
            let session = &known.session;
            !session.gone.is_cancelled() && now < session.expires && is_owner(&session.user)
        });
        if let Some(known) = &known
            && !known.session.is_due(self.touch_time)
        {
            return Ok(Checked::Good(Arc::clone(&known.session)));
        }
        let mut checked = self.ask(monitor, access, address).await?;
        if known.is_none() && matches!(checked, Checked::Good(_)) {
            // It may have ended before it was remembered here.
            checked = self.ask(monitor, access, address).await?;
        }
        Ok(match checked {
            Checked::Good(session) if !is_owner(&session.user) => Checked::Refused,
            checked => checked,
        })
    }

    async fn ask(
        &self,
        monitor: &Monitor,
        access: &AccessToken,
        address: IpAddr,
    ) -> Result<Checked, NoReply> {
        let ask = ask::UseAccess {
            access: access.clone(),
            address,
        };
        Ok(match monitor.ask(ask).await? {
            UseAccessReply::Session { token, session } => {
                let new = Session::new(token, &session);
                Checked::Good(self.remember(access.hash(), new))
            }
            UseAccessReply::Refused => {
                self.forget(access.hash());
                Checked::Refused
            }
            UseAccessReply::SlowDown { seconds } => Checked::SlowDown(seconds),
        })
    }

    /// Returns the one that is known, so that its streams end with it.
    fn remember(&self, access: AccessHash, session: Session) -> Arc<Session> {
        let hash = session.token.hash();
        let mut known = lock(&self.known);
        if known.len() >= MOST {
            known.retain(|_, known| Arc::strong_count(&known.session) > 1);
        }
        if let Some(known) = known.get(&access)
            && known.hash == hash
            && !known.session.gone.is_cancelled()
        {
            return Arc::clone(&known.session);
        }
        let session = Arc::new(session);
        let new = Known {
            hash,
            session: Arc::clone(&session),
        };
        if let Some(old) = known.insert(access, new) {
            old.session.gone.cancel();
        }
        session
    }

    fn forget(&self, access: AccessHash) {
        if let Some(known) = lock(&self.known).remove(&access) {
            known.session.gone.cancel();
        }
    }

    /// The monitor says that a session is over.
    pub(super) fn gone(&self, hash: TokenHash) {
        lock(&self.known).retain(|_, known| {
            let is_it = known.hash == hash;
            if is_it {
                known.session.gone.cancel();
            }
            !is_it
        });
    }

    /// Some program of the person, to speak to the monitor for them.
    pub(super) fn any_of(&self, user: &User) -> Option<Arc<Session>> {
        let known = lock(&self.known);
        let mut sessions = known.values().map(|known| &known.session);
        sessions.find(|session| session.user == *user).cloned()
    }
}
