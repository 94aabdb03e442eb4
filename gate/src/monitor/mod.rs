//! The root half: knows who is logged in, asks PAM, starts and ends each
//! person's opencode. No HTTP, no network beyond holding the listening socket
//! that the web half serves. One thread; everything that can hang, be slow or be
//! an attack's aim runs in a process of its own.
//!
//! ```text
//! wire, signals, /etc, helpers, opencodes ── Event ──► event_loop: decides, replies
//! ```

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod files;
pub(crate) mod login;
pub(crate) mod second_step;

mod event;
mod event_loop;
mod first_account;
mod occ_init;
mod opencode;
pub(crate) mod passkeys;
mod person_process;
mod random;
mod requests;
mod sessions;
mod state_lock;
mod subprocess;
mod terminal;
mod watch;
mod web_process;

use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::ExitCode;
use std::time::Duration;

use nix::unistd::User;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use self::event::Event;
use self::event_loop::Monitor;
use self::watch::Watch;
use crate::helpers::{privilege, tmpdir};
use crate::log;
use crate::settings::{Settings, is_unknown};
use crate::sys;

/// How often times are looked at: limits, expiry of accounts.
const TICK: Duration = Duration::from_secs(5);
/// The interval of reading accounts when changes of them can't be watched.
const POLL: Duration = Duration::from_millis(500);
/// Events that wait to be taken.
const EVENTS: usize = 256;

/// `occ-gate` without a subcommand. Returns when told to stop.
pub fn main(settings: Settings) -> ExitCode {
    match start(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err((what, hint)) => {
            log::line(&what);
            if let Some(hint) = hint {
                log::line(&format!("hint: {hint}"));
            }
            ExitCode::FAILURE
        }
    }
}

/// `occ-gate first-account`: prints the code, if there is one.
pub fn show_first_code() -> ExitCode {
    match files::first_code() {
        Ok(Some(code)) if io::stdout().write_all(&code).is_ok() => ExitCode::SUCCESS,
        Ok(Some(_)) => ExitCode::FAILURE,
        Ok(None) => {
            log::line("there is no code: there is an account, or the login does not run");
            ExitCode::FAILURE
        }
        Err(error) => {
            log::line(&format!("cannot read the code: {}", cause(&error)));
            ExitCode::FAILURE
        }
    }
}

type Failed = (String, Option<&'static str>);

fn failed(what: &str) -> impl Fn(io::Error) -> Failed + use<'_> {
    move |error| (format!("cannot {what}: {}", cause(&error)), None)
}

fn state_failed(error: io::Error) -> Failed {
    let is_read_only = error.kind() == io::ErrorKind::ReadOnlyFilesystem;
    let hint = is_read_only.then_some("mount the volume there without ':ro' or 'readOnly'");
    (failed("use '/var/lib/occ-gate'")(error).0, hint)
}

fn cause(error: &io::Error) -> String {
    error.to_string().to_lowercase()
}

fn start(settings: Settings) -> Result<(), Failed> {
    if !nix::unistd::geteuid().is_root() {
        return Err((
            "must be root, to ask PAM and to become the person who logs in".to_owned(),
            Some("start the container without --user"),
        ));
    }
    tell_of_mistyped_settings();
    let account = web_half_account()?;
    privilege::protect_secrets().map_err(failed("protect this process"))?;
    sys::close_rest_on_exec().map_err(failed("close inherited files"))?;
    tmpdir::prepare().map_err(failed("make '/run/occ'"))?;
    files::make_state().map_err(state_failed)?;
    access::file::make_requests().map_err(state_failed)?;
    let listening = format!("listen on {}", settings.listen);
    let listener = TcpListener::bind(settings.listen).map_err(failed(&listening))?;
    listener.set_nonblocking(true).map_err(failed(&listening))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed("wait for events"))?;
    tokio::task::LocalSet::new().block_on(&runtime, async {
        // Leftovers of an earlier run; an opencode that starts meanwhile moves its person's away.
        tokio::task::spawn_local(opencode::cleanup::wipe(None));
        let (events, mut incoming) = mpsc::channel(EVENTS);
        watch_signals(&events).map_err(failed("handle signals"))?;
        watch_accounts(&events);
        watch_requests(&events);
        tick(&events);
        files::write_starting(settings.listen).map_err(failed("write '/run/occ/gate.json'"))?;
        let Some(_state) = state_lock::wait(&mut incoming).await else {
            files::remove_status();
            return Ok(());
        };
        let monitor = Monitor::new(settings, account, listener, events)
            .map_err(failed("read '/var/lib/occ-gate'"))?;
        monitor.run(incoming).await;
        Ok(())
    })
}

fn tell_of_mistyped_settings() {
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if is_unknown(&name) {
            log::line(&format!("there is no setting {name}: it does nothing"));
        }
    }
}

fn web_half_account() -> Result<User, Failed> {
    let missing = || {
        (
            "there is no account 'occ-gate' for the web half".to_owned(),
            Some("the image needs it: useradd --system --shell /usr/sbin/nologin occ-gate"),
        )
    };
    User::from_name(web_process::USER)
        .map_err(|errno| failed("look up the account 'occ-gate'")(errno.into()))?
        .filter(|user| !user.uid.is_root())
        .ok_or_else(missing)
}

/// A signal writes a byte into a socket: signal-hook's self-pipe.
fn watch_signals(events: &mpsc::Sender<Event>) -> io::Result<()> {
    for (signals, event) in [
        (&[SIGTERM, SIGINT][..], (|| Event::Stop) as fn() -> Event),
        (&[SIGHUP], || Event::Accounts),
    ] {
        let (reader, writer) = StdUnixStream::pair()?;
        reader.set_nonblocking(true)?;
        for signal in signals {
            signal_hook::low_level::pipe::register(*signal, writer.try_clone()?)?;
        }
        let mut reader = UnixStream::from_std(reader)?;
        let events = events.clone();
        tokio::task::spawn_local(async move {
            // Kept open: without a writer there would be nothing to wait for.
            let _writer = writer;
            let mut byte = [0; 16];
            while let Ok(1..) = reader.read(&mut byte).await {
                let _ = events.send(event()).await;
            }
        });
    }
    Ok(())
}

fn watch_accounts(events: &mpsc::Sender<Event>) {
    let events = events.clone();
    tokio::task::spawn_local(async move {
        match Watch::of_accounts() {
            Ok(watch) => {
                while watch.changed().await.is_ok() {
                    let _ = events.send(Event::Accounts).await;
                }
                log::line("cannot watch '/etc' any more: looking twice a second");
            }
            Err(error) => log::line(&format!(
                "cannot watch '/etc': {}; looking twice a second",
                cause(&error)
            )),
        }
        let mut poll = interval(POLL);
        loop {
            poll.tick().await;
            let _ = events.send(Event::Accounts).await;
        }
    });
}

/// Tells when an administrator revokes a token. Without inotify the next tick finds it.
fn watch_requests(events: &mpsc::Sender<Event>) {
    let events = events.clone();
    tokio::task::spawn_local(async move {
        let Ok(watch) = Watch::of_requests() else {
            return;
        };
        while watch.changed().await.is_ok() {
            let _ = events.send(Event::Requests).await;
        }
    });
}

fn tick(events: &mpsc::Sender<Event>) {
    let events = events.clone();
    tokio::task::spawn_local(async move {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let _ = events.send(Event::Tick).await;
        }
    });
}
