//! The web half: what strangers reach. Login page, account page, and the proxy
//! to each person's opencode. It has no privilege and keeps nothing on disk; all
//! that it knows it has from browsers, which may lie, and from the monitor.

mod account;
mod attempt;
pub(crate) mod bar;
pub(crate) mod connections;
pub(crate) mod files;
pub(crate) mod http;

mod first;
mod login;
mod monitor_client;
mod opencode;
mod own_paths;
mod pages;
mod passkey;
mod programs;
mod renewal;
mod routes;
mod server;
mod sessions;
mod state;
mod terminal;

use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio_util::sync::CancellationToken;

use crate::limits::Limits;
use crate::log;
use crate::settings::Settings;
use crate::sys;
use crate::web::state::AppState;
use crate::wire::Event;

/// Serves until the wire ends.
pub fn run(settings: Settings, wire: UnixStream, listener: TcpListener) -> ExitCode {
    sys::give_large_buffers_back();
    let limits = Limits::of(&settings);
    match told_to_stop().and_then(|stop| serve(settings, limits, wire, listener, stop)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::line(&format!("the web half cannot run: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Returns the end of a socket that TERM writes into.
fn told_to_stop() -> std::io::Result<UnixStream> {
    let (reader, writer) = UnixStream::pair()?;
    signal_hook::low_level::pipe::register(signal_hook::consts::SIGTERM, writer)?;
    Ok(reader)
}

/// Serves until the wire ends, or a byte comes by `stop`: then open requests may
/// end, streams do at once.
pub fn serve(
    settings: Settings,
    limits: Limits,
    wire: UnixStream,
    listener: TcpListener,
    stop: UnixStream,
) -> std::io::Result<()> {
    wire.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    stop.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(2)
        .build()?;
    runtime.block_on(async {
        let wire = tokio::net::UnixStream::from_std(wire)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut told = tokio::net::UnixStream::from_std(stop)?;
        let (monitor, calls) = monitor_client::Monitor::new();
        let gate = Arc::new(state(settings, limits, monitor));
        let wire = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move {
                let on_event = |event| happened(&gate, &event);
                gate.monitor.run(wire, calls, on_event).await;
            }
        });
        tokio::spawn({
            let stop = gate.stop.clone();
            async move {
                let mut byte = [0];
                tokio::select! {
                    _ = wire => {}
                    _ = told.read(&mut byte) => {}
                }
                stop.cancel();
            }
        });
        tokio::spawn(opencode::idle::watch(Arc::clone(&gate)));
        server::serve(gate, listener).await;
        Ok(())
    })
}

fn state(settings: Settings, limits: Limits, monitor: monitor_client::Monitor) -> AppState {
    AppState {
        cookies: http::cookies::Cookies::of(&settings.name),
        monitor,
        sessions: sessions::Sessions::new(limits.touch_time),
        programs: programs::Programs::new(limits.touch_time),
        issued: account::issued::Issued::default(),
        issued_second: account::issued::Issued::default(),
        instances: opencode::Instances::default(),
        settings,
        limits,
        presence: opencode::presence::Presence::default(),
        copies: opencode::assets::Copies::default(),
        stop: CancellationToken::new(),
    }
}

fn happened(gate: &AppState, event: &Event) {
    match event {
        Event::Gone { token_hash } => {
            gate.sessions.gone(*token_hash);
            gate.programs.gone(*token_hash);
        }
        Event::InstanceReady { .. } => gate.instances.ready(),
        Event::InstanceGone { user } => gate.instances.gone(user),
    }
}
