//! Takes connections and speaks HTTP/1.1 on them, within limits: how many, how
//! long a head may take, how large it may be, and how long an answer may lie
//! unread. Ends in order.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpUserTimeout;
use tokio::net::{TcpListener, TcpStream};

use super::connections::{Connections, Place};
use super::routes;
use crate::limits::Limits;
use crate::log::ThrottledLog;
use crate::own_address::is_own_address;
use crate::web::http::body;
use crate::web::state::AppState;

/// Most bytes of a request's head, and most lines. Larger ones get 431.
const HEAD: usize = 32 * 1024;
const HEADER_LINES: usize = 100;
const AFTER_FAILURE: Duration = Duration::from_millis(100);

static FULL: ThrottledLog = ThrottledLog::of("all connections are taken: new ones wait");
static CANNOT_ACCEPT: ThrottledLog =
    ThrottledLog::of("cannot take a connection: too many open files?");

/// Serves until told to stop, then lets open requests end for a while.
pub(super) async fn serve(gate: Arc<AppState>, listener: TcpListener) {
    let stop = gate.stop.clone();
    let connections = Connections::new(gate.limits.connections);
    let stop_time = gate.limits.stop_time;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        if let Ok((stream, address)) = accepted {
            prepare(&stream, gate.limits.unread_time);
            admit(&gate, &connections, stream, address.ip());
        } else {
            CANNOT_ACCEPT.write();
            tokio::time::sleep(AFTER_FAILURE).await;
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(stop_time, connections.all_ended()).await;
}

/// Serves a connection, once there is a place for it.
fn admit(gate: &Arc<AppState>, connections: &Arc<Connections>, stream: TcpStream, address: IpAddr) {
    let gate = Arc::clone(gate);
    if let Some(place) = connections.enter(|| is_own_address(address)) {
        tokio::spawn(connection(gate, stream, address, place));
        return;
    }
    FULL.write();
    let connections = Arc::clone(connections);
    tokio::spawn(async move {
        let stop = gate.stop.clone();
        let place = tokio::select! {
            place = connections.wait() => place,
            () = stop.cancelled() => None,
        };
        if let Some(place) = place {
            connection(gate, stream, address, place).await;
        }
    });
}

/// A browser that takes nothing of what is sent, or is gone without a word, is
/// cut off by the kernel: else it would hold its place for ever.
fn prepare(stream: &TcpStream, unread: Duration) {
    let _ = stream.set_nodelay(true);
    let milliseconds = u32::try_from(unread.as_millis()).unwrap_or(u32::MAX);
    let _ = setsockopt(stream, TcpUserTimeout, &milliseconds);
}

async fn connection(gate: Arc<AppState>, stream: TcpStream, address: IpAddr, place: Arc<Place>) {
    let stop = gate.stop.clone();
    let builder = builder(&gate.limits);
    let of_requests = Arc::clone(&place);
    let service = service_fn(move |mut request: Request<Incoming>| {
        let (gate, place) = (Arc::clone(&gate), Arc::clone(&of_requests));
        async move {
            let busy = place.busy();
            request.extensions_mut().insert(place);
            let answer = routes::answer(gate, address, request).await;
            // The connection is busy until all of the answer is sent.
            Ok::<_, Infallible>(answer.map(|body| body::holding(body, busy)))
        }
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = place.cut.cancelled() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

fn builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .max_buf_size(HEAD)
        .max_headers(HEADER_LINES)
        .half_close(false);
    builder
}
