//! Tells the monitor whose opencode nobody uses: no connection, no session of it
//! at work, nothing running in a terminal, for as long as the settings say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Limited};
use hyper::{Request, StatusCode};
use serde_json::Value;

use crate::processes::is_resting_shell;
use crate::web::http::body;
use crate::web::opencode::Instance;
use crate::web::opencode::directories;
use crate::web::state::AppState;
use crate::wire::{User, ask};

const LOOK_EVERY: Duration = Duration::from_secs(15);
/// opencode's answer about itself; one that says nothing in time is kept.
const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST: usize = 1024 * 1024;

/// Looks again and again, for ever.
pub(crate) async fn watch(gate: Arc<AppState>) {
    let every = LOOK_EVERY
        .min(gate.settings.idle / 2)
        .max(Duration::from_millis(50));
    loop {
        tokio::time::sleep(every).await;
        for (user, instance) in gate.instances.all() {
            let absent = gate.presence.absent(&user, Instant::now());
            if absent.is_none_or(|absent| absent < gate.settings.idle) {
                continue;
            }
            match activity(&instance).await {
                Activity::Rest => report(&gate, &user).await,
                // Its person may have logged out and left work behind that is to
                // be finished.
                Activity::Work => {
                    let secret = instance.secret.clone();
                    let _ = gate.monitor.ask(ask::Works { secret }).await;
                }
                // One that does not answer is kept while it has an owner.
                Activity::Unknown => (),
            }
        }
    }
}

/// Without a session of theirs nobody can be named; the monitor then knows itself
/// that nobody can come.
async fn report(gate: &AppState, user: &User) {
    // They may have come back while their opencode was asked.
    let absent = gate.presence.absent(user, Instant::now());
    let session = gate.sessions.any_of(user);
    let Some(session) = session.or_else(|| gate.programs.any_of(user)) else {
        return;
    };
    if absent.is_some_and(|absent| absent >= gate.settings.idle) {
        let token = session.token.clone();
        let _ = gate.monitor.ask(ask::Idle { token }).await;
        gate.presence.forget(user);
    }
}

/// The activity in an opencode, by its own answer.
enum Activity {
    Rest,
    Work,
    Unknown,
}

/// Asks about every directory that a request named: opencode answers about one
/// at a time, and first about the one it was started in.
async fn activity(instance: &Instance) -> Activity {
    let Some(directories) = instance.directories() else {
        return Activity::Unknown;
    };
    let named = directories.iter().map(|path| directories::query(path));
    for query in std::iter::once(String::new()).chain(named) {
        let status = fetch(instance, &format!("/session/status{query}")).await;
        let terminals = fetch(instance, &format!("/pty{query}")).await;
        let (Some(status), Some(terminals)) = (status, terminals) else {
            return Activity::Unknown;
        };
        if !(no_session_works(&status) && no_terminal_works(&terminals, is_resting_shell)) {
            return Activity::Work;
        }
    }
    Activity::Rest
}

async fn fetch(instance: &Instance, path: &str) -> Option<Value> {
    let mut request = Request::new(body::empty());
    *request.uri_mut() = path.parse().ok()?;
    let request = instance.adapt(request).ok()?;
    let answer = async {
        let answer = instance.client.request(request).await.ok()?;
        let found = answer.status() == StatusCode::OK;
        let body = Limited::new(answer.into_body(), LARGEST).collect();
        let body = body.await.ok()?;
        found.then(|| serde_json::from_slice(&body.to_bytes()).ok())?
    };
    tokio::time::timeout(PATIENCE, answer).await.ok()?
}

/// `{"ses_1": {"type": "idle"}, …}`; what is not idle is busy or retrying. What
/// is not understood counts as work.
fn no_session_works(status: &Value) -> bool {
    let is_idle = |session: &Value| session["type"] == "idle";
    status
        .as_object()
        .is_some_and(|sessions| sessions.values().all(is_idle))
}

/// `[{"id": "pty_1", "status": "running" | "exited", "pid": 7}, …]`. One that runs is at
/// rest if it is a shell at its prompt: nobody has been connected to it for the idle time,
/// so nobody typed. One without a pid may be at work.
fn no_terminal_works(list: &Value, is_resting_shell: impl Fn(u32) -> bool) -> bool {
    let rests = |terminal: &Value| {
        let pid = terminal["pid"].as_u64();
        let pid = pid.and_then(|pid| u32::try_from(pid).ok());
        terminal["status"] == "exited" || pid.is_some_and(&is_resting_shell)
    };
    list.as_array()
        .is_some_and(|terminals| terminals.iter().all(rests))
}

#[cfg(test)]
mod tests;
