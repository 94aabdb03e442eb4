//! Each person's opencode as the web half reaches it: client, secret, readiness.

pub(crate) mod assets;
pub(crate) mod idle;
pub(crate) mod presence;
pub(crate) mod proxy;

mod asset;
mod body;
mod connector;
mod directories;
mod document;
mod upload;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64ct::{Base64, Encoding as _};
use hyper::Request;
use hyper::header::HeaderValue;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::lock::lock;
use crate::web::http::body::Body;
use crate::web::http::headers;
use crate::web::monitor_client::{Monitor, NoReply};
use crate::web::opencode::assets::Digests;
use crate::web::opencode::connector::Loopback;
use crate::web::sessions::Session;
use crate::wire::{EnsureReply, Failure, Gone, Line, Secret, User, ask};

/// Connections kept for the next request end after that time.
const KEPT: Duration = Duration::from_secs(60);
/// While one waits, the monitor is asked again at least that often.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// Most project directories that are remembered of one opencode, and bytes of them.
const DIRECTORIES: usize = 256;
const DIRECTORIES_ROOM: usize = 64 * 1024;

/// One running opencode.
pub(crate) struct Instance {
    pub(crate) client: Client<Loopback, Body>,
    /// `127.0.0.1:port`.
    host: HeaderValue,
    /// HTTP Basic with the secret of this start.
    authorization: HeaderValue,
    /// The monitor finds this opencode by it.
    pub(crate) secret: Secret,
    pub(crate) digests: Digests,
    /// One asset at a time is read whole.
    pub(crate) turn: Semaphore,
    place: Loopback,
    directories: Mutex<HashSet<String>>,
}

/// opencode did not answer.
pub(crate) struct Unreached;

/// The result of asking for somebody's opencode.
pub(crate) enum Ensured {
    Ready(Arc<Instance>),
    /// Comes up; the number of others that begin before it, if it waits for its turn.
    Starting(Option<u32>),
    Failed(NotStarted),
    Gone,
}

/// Why somebody's opencode did not start, for them alone.
pub(crate) struct NotStarted {
    pub(crate) reason: Failure,
    /// Not tried again before that time, unless its owner asks for it.
    pub(crate) retry_seconds: u32,
    /// The last lines that it wrote.
    pub(crate) output: Vec<Line>,
}

/// Everybody's opencode, by the account's name.
pub(crate) struct Instances {
    running: Mutex<HashMap<User, Arc<Instance>>>,
    /// Counts events, so that nobody who waits misses one.
    changes: watch::Sender<u64>,
}

impl Default for Instances {
    fn default() -> Self {
        Self {
            running: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }
}

impl Instances {
    /// The session's opencode, started if need be; waits for it until `deadline`.
    pub(crate) async fn ensure(
        &self,
        monitor: &Monitor,
        session: &Session,
        deadline: Instant,
    ) -> Result<Ensured, NoReply> {
        let mut changes = self.changes.subscribe();
        loop {
            if let Some(instance) = lock(&self.running).get(&session.user) {
                return Ok(Ensured::Ready(Arc::clone(instance)));
            }
            changes.mark_unchanged();
            let token = session.token.clone();
            let reply = monitor.ask(ask::Ensure { token }).await?;
            let ahead = match reply {
                Ok(EnsureReply::Starting) => None,
                Ok(EnsureReply::Waiting { ahead }) => Some(ahead),
                Ok(EnsureReply::Ready { port, uid, secret }) => {
                    let place = Loopback { port, uid };
                    let instance = self.started(&session.user, place, secret)?;
                    return Ok(Ensured::Ready(instance));
                }
                Ok(EnsureReply::Failed {
                    reason,
                    retry_seconds,
                    output,
                }) => {
                    return Ok(Ensured::Failed(NotStarted {
                        reason,
                        retry_seconds,
                        output,
                    }));
                }
                Err(Gone) => return Ok(Ensured::Gone),
            };
            let now = Instant::now();
            if now >= deadline {
                return Ok(Ensured::Starting(ahead));
            }
            tokio::select! {
                () = session.gone.cancelled() => return Ok(Ensured::Gone),
                _ = timeout_at(deadline.min(now + ASK_AGAIN), changes.changed()) => {}
            }
        }
    }

    /// The monitor says that somebody's opencode is ready: whoever waits asks again.
    pub(crate) fn ready(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// The monitor says that somebody's opencode has ended.
    pub(crate) fn gone(&self, user: &User) {
        lock(&self.running).remove(user);
        self.changes.send_modify(|count| *count += 1);
    }

    /// This opencode does not answer as it should: the monitor is asked again.
    pub(crate) fn forget(&self, user: &User, instance: &Arc<Instance>) {
        let mut running = lock(&self.running);
        let known = running.get(user);
        if known.is_some_and(|known| Arc::ptr_eq(known, instance)) {
            running.remove(user);
        }
    }

    /// All that run, as far as we know.
    pub(crate) fn all(&self) -> Vec<(User, Arc<Instance>)> {
        let running = lock(&self.running);
        let pair = |(user, instance): (&User, &Arc<Instance>)| (user.clone(), instance.clone());
        running.iter().map(pair).collect()
    }

    /// Two requests may have asked at once; both get the same one.
    fn started(
        &self,
        user: &User,
        place: Loopback,
        secret: Secret,
    ) -> Result<Arc<Instance>, NoReply> {
        let mut running = lock(&self.running);
        let known = running.get(user);
        if let Some(known) = known.filter(|known| known.secret.expose() == secret.expose()) {
            return Ok(Arc::clone(known));
        }
        let instance = Arc::new(Instance::new(place, secret).ok_or(NoReply)?);
        running.insert(user.clone(), Arc::clone(&instance));
        Ok(instance)
    }
}

impl Instance {
    /// A client of its own: no connection of somebody else's can be taken for it.
    fn new(place: Loopback, secret: Secret) -> Option<Self> {
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEPT)
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(8)
            .set_host(false)
            .build(place);
        Some(Self {
            client,
            host: HeaderValue::from_str(&format!("127.0.0.1:{}", place.port)).ok()?,
            authorization: basic(&secret)?,
            secret,
            digests: Digests::default(),
            turn: Semaphore::new(1),
            place,
            directories: Mutex::default(),
        })
    }

    /// A request as this opencode gets it.
    pub(crate) fn adapt(&self, request: Request<Body>) -> Result<Request<Body>, Unreached> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let path = headers::without_auth_token(path);
        let target = format!("http://127.0.0.1:{}{path}", self.place.port);
        let mut request = Request::new(body);
        *request.method_mut() = head.method;
        *request.uri_mut() = target.parse().map_err(|_| Unreached)?;
        *request.headers_mut() =
            headers::to_opencode(&head.headers, &self.host, &self.authorization);
        Ok(request)
    }

    /// Remembers a project directory that a request named: opencode answers about
    /// one directory at a time.
    pub(crate) fn used_directory(&self, directory: String) {
        let mut directories = lock(&self.directories);
        if !are_too_many(&directories) {
            directories.insert(directory);
        }
    }

    /// The directories named so far; None: too many to ask about.
    pub(crate) fn directories(&self) -> Option<Vec<String>> {
        let directories = lock(&self.directories);
        (!are_too_many(&directories)).then(|| directories.iter().cloned().collect())
    }
}

fn are_too_many(directories: &HashSet<String>) -> bool {
    let bytes: usize = directories.iter().map(String::len).sum();
    directories.len() > DIRECTORIES || bytes > DIRECTORIES_ROOM
}

fn basic(secret: &Secret) -> Option<HeaderValue> {
    let mut pair = Zeroizing::new(b"opencode:".to_vec());
    pair.extend_from_slice(secret.expose());
    let encoded = Zeroizing::new(Base64::encode_string(&pair));
    let line = Zeroizing::new(format!("Basic {}", encoded.as_str()));
    let mut value = HeaderValue::from_str(&line).ok()?;
    value.set_sensitive(true);
    Some(value)
}
