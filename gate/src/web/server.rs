//! Takes connections and speaks HTTP/1.1 on them, within limits: how many, how
//! long a head may take, how large it may be, and how long an answer may lie
//! unread. Ends in order.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::TcpUserTimeout;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::routes;
use crate::limits::Limits;
use crate::log::ThrottledLog;
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
    let places = Arc::new(Semaphore::new(gate.limits.connections));
    let stop_time = gate.limits.stop_time;
    let all = u32::try_from(gate.limits.connections).unwrap_or(u32::MAX);
    loop {
        if places.available_permits() == 0 {
            FULL.write();
        }
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        tokio::select! {
            () = stop.cancelled() => break,
            next = next => match next {
                Some((place, Ok((stream, address)))) => {
                    prepare(&stream, gate.limits.unread_time);
                    tokio::spawn(connection(Arc::clone(&gate), stream, address.ip(), place));
                }
                Some((_, Err(_))) => {
                    CANNOT_ACCEPT.write();
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
                None => break,
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(stop_time, places.acquire_many(all)).await;
}

/// A browser that takes nothing of what is sent, or is gone without a word, is
/// cut off by the kernel: else it would hold its place for ever.
fn prepare(stream: &TcpStream, unread: Duration) {
    let _ = stream.set_nodelay(true);
    let milliseconds = u32::try_from(unread.as_millis()).unwrap_or(u32::MAX);
    let _ = setsockopt(stream, TcpUserTimeout, &milliseconds);
}

async fn connection(
    gate: Arc<AppState>,
    stream: TcpStream,
    address: IpAddr,
    place: OwnedSemaphorePermit,
) {
    let stop = gate.stop.clone();
    let builder = builder(&gate.limits);
    let service = service_fn(move |request| {
        let gate = Arc::clone(&gate);
        async move { Ok::<_, Infallible>(routes::answer(gate, address, request).await) }
    });
    let connection = builder
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
    drop(place);
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
