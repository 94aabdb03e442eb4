//! One start of a person's opencode, from its temporary directory to the last
//! process of its tree.

use std::cell::Cell;
use std::ffi::{CString, OsStr, OsString};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use std::rc::Rc;

use nix::unistd::Gid;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Child;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::stop::Stop;
use crate::helpers::{exec_user, tmpdir};
use crate::log;
use crate::monitor::accounts::Person;
use crate::monitor::opencode::cleanup::{end_all, wipe};
use crate::monitor::opencode::start_limit::{StartLimit, Turn};
use crate::monitor::terminal::spared::SparedSessions;
use crate::monitor::{random, subprocess};
use crate::proc_net::loopback_listener;
use crate::wire::{Failure, Secret};

/// Lines of one opencode that go into the log.
const LOGGED_LINES: usize = 20;
const LINE_LIMIT: usize = 400;
/// Variables of the container that are not for people: ours, and secrets of the
/// boot. All others pass, for example the key of a provider.
const WITHHELD: [&str; 5] = [
    "OCC_",
    "OPENCODE_BOOTSTRAP_",
    "OPENCODE_SERVER_",
    "LISTEN_",
    "XDG_",
];

/// An event of a process, in this order; `Ended` always comes and is the last.
#[derive(Debug)]
pub(crate) enum ProcessEvent {
    Ready(OpencodeAddress),
    Ended(Option<Failure>),
}

/// The address and secret of a ready opencode.
#[derive(Debug, Clone)]
pub(crate) struct OpencodeAddress {
    pub(crate) port: u16,
    pub(crate) secret: Secret,
    pub(crate) pid: u32,
}

pub(crate) struct OpencodeProcess {
    pub(crate) person: Person,
    pub(crate) allow_setuid: bool,
    pub(crate) max_processes: u64,
    pub(crate) starts: StartLimit,
    /// Set when it is its turn to start.
    pub(crate) has_begun: Rc<Cell<bool>>,
    /// What runs in terminals goes on without it.
    pub(crate) spared: SparedSessions,
    pub(crate) stop: watch::Receiver<Stop>,
}

impl OpencodeProcess {
    /// Runs it to its end and tells.
    pub(crate) async fn run(mut self: Box<Self>, tell: impl AsyncFn(ProcessEvent)) {
        let mut stop = self.stop.clone();
        let why = tokio::select! {
            why = self.live(&tell) => Some(why),
            _ = stop.wait_for(|stop| *stop != Stop::No) => None,
        };
        // Dropped, the child is killed; what it started is ended by its uid.
        let uid = self.person.uid;
        end_all(uid, &mut self.stop, &self.spared).await;
        if self.spared.of(uid).is_empty() {
            wipe(Some(uid)).await;
        }
        tell(ProcessEvent::Ended(why)).await;
    }

    /// Until it ends by itself, or fails.
    async fn live(&self, tell: &impl AsyncFn(ProcessEvent)) -> Failure {
        let mut turn = self.starts.take().await;
        self.has_begun.set(true);
        let why = self.start(0, &mut turn, tell).await;
        if why != Failure::Port {
            return why;
        }
        // Another process has that port: try another one.
        end_all(self.person.uid, &mut self.stop.clone(), &self.spared).await;
        self.start(free_port(), &mut turn, tell).await
    }

    /// Starts it on this port; 0 is any.
    async fn start(
        &self,
        port: u16,
        turn: &mut Option<Turn>,
        tell: &impl AsyncFn(ProcessEvent),
    ) -> Failure {
        let name = self.person.name.as_str();
        let secret = random::secret();
        let mut child = match self.spawn(port, &secret) {
            Ok(child) => {
                log::line(&format!("starting opencode for {name}"));
                child
            }
            Err(error) => {
                log::line(&format!("cannot start opencode for {name}: {error}"));
                return Failure::Resources;
            }
        };
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Failure::Resources;
        };
        let (found, mut port) = mpsc::channel(1);
        let out = tokio::task::spawn_local(read_lines(stdout, name.to_owned(), Some(found)));
        let err = tokio::task::spawn_local(read_lines(stderr, name.to_owned(), None));
        let ended = tokio::select! {
            ended = child.wait() => ended.ok(),
            port = timeout(self.starts.patience(), announced(&mut port)) => match self.reached(port.ok(), &child, secret) {
                Ok(reached) => {
                    drop(turn.take());
                    tell(ProcessEvent::Ready(reached)).await;
                    child.wait().await.ok()
                }
                Err(failure) => {
                    log::line(&format!("opencode of {name}: {failure:?}"));
                    out.abort();
                    err.abort();
                    return failure;
                }
            },
        };
        if let Some(status) = ended {
            log::line(&format!("opencode of {name} ended: {status}"));
        }
        match ended.and_then(|status| status.code()) {
            Some(exec_user::NO_HOME) => Failure::Home,
            Some(exec_user::NO_RESOURCES) => Failure::Resources,
            Some(exec_user::NOT_FOUND | exec_user::CANNOT_INVOKE) => Failure::Program,
            _ => Failure::Ended,
        }
    }

    fn reached(
        &self,
        port: Option<u16>,
        child: &Child,
        secret: Secret,
    ) -> Result<OpencodeAddress, Failure> {
        let port = port.ok_or(Failure::TimedOut)?;
        let pid = child.id().ok_or(Failure::Ended)?;
        // A listener at another address with this number does not count.
        let owner = loopback_listener(port).ok().flatten();
        if owner.is_none_or(|owner| owner.uid != self.person.uid) {
            return Err(Failure::Port);
        }
        Ok(OpencodeAddress { port, secret, pid })
    }

    fn spawn(&self, port: u16, secret: &Secret) -> std::io::Result<Child> {
        let person = &self.person;
        let tmpdirs = if self.spared.of(person.uid).is_empty() {
            tmpdir::make(person.uid, person.gid)?
        } else {
            tmpdir::make_or_keep(person.uid, person.gid)?
        };
        let mut command = subprocess::command("exec-user");
        command
            .args(identity(person, self.max_processes, self.allow_setuid)?)
            .args("-- opencode serve --hostname 127.0.0.1 --port".split(' '))
            .arg(port.to_string())
            .envs(passed(std::env::vars_os()))
            .env("HOME", person.home.as_str())
            .env("USER", person.name.as_str())
            .env("LOGNAME", person.name.as_str())
            .env("SHELL", person.shell.as_str())
            .env("TMPDIR", tmpdirs.tmp)
            .env("XDG_RUNTIME_DIR", tmpdirs.runtime)
            .env("OPENCODE_DISABLE_AUTOUPDATE", "1")
            .env(
                "OPENCODE_SERVER_PASSWORD",
                OsStr::from_bytes(secret.expose()),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }
}

/// The options of `occ-gate exec-user`.
pub(crate) fn identity(
    person: &Person,
    max_processes: u64,
    allow_setuid: bool,
) -> std::io::Result<Vec<String>> {
    let name = CString::new(person.name.as_str())?;
    let groups = nix::unistd::getgrouplist(&name, Gid::from_raw(person.gid))?;
    let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
    let mut options: Vec<String> = [
        ("--name", person.name.as_str().to_owned()),
        ("--uid", person.uid.to_string()),
        ("--gid", person.gid.to_string()),
        ("--groups", groups.join(",")),
        ("--home", person.home.as_str().to_owned()),
        ("--max-processes", max_processes.to_string()),
        ("--parent", std::process::id().to_string()),
    ]
    .into_iter()
    .map(|(option, value)| format!("{option}={value}"))
    .collect();
    if allow_setuid {
        options.push("--allow-setuid".to_owned());
    }
    Ok(options)
}

/// A port at which nobody listens.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_or(0, |address| address.port())
}

/// The port; one that closes its output without a word is judged by its end.
async fn announced(port: &mut mpsc::Receiver<u16>) -> u16 {
    match port.recv().await {
        Some(port) => port,
        None => std::future::pending().await,
    }
}

/// The port that opencode says it listens on.
fn announced_port(line: &str) -> Option<u16> {
    let address = line.strip_prefix("opencode server listening on http://127.0.0.1:")?;
    address.trim_end().parse().ok().filter(|port| *port > 0)
}

/// The container's variables that are for people.
pub(crate) fn passed(
    all: impl Iterator<Item = (OsString, OsString)>,
) -> impl Iterator<Item = (OsString, OsString)> {
    all.filter(|(name, _)| {
        let name = name.to_string_lossy();
        !WITHHELD.iter().any(|prefix| name.starts_with(prefix))
    })
}

/// Reads to the end, so that nobody blocks on a full pipe. The first lines go
/// into the log; a line that names the port goes to whoever waits for it.
async fn read_lines(
    mut from: impl AsyncRead + Unpin,
    name: String,
    mut found: Option<mpsc::Sender<u16>>,
) {
    let mut line = Vec::new();
    let mut logged = 0;
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        for &byte in &buffer[..count] {
            if byte != b'\n' {
                // The rest of a long line is read and dropped.
                if line.len() < LINE_LIMIT {
                    line.push(byte);
                }
                continue;
            }
            let text = String::from_utf8_lossy(&line);
            if let Some(port) = announced_port(&text)
                && let Some(found) = found.take()
            {
                let _ = found.try_send(port);
            } else if logged < LOGGED_LINES {
                logged += 1;
                log::line(&format!("opencode of {name}: {text}"));
            }
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests;
