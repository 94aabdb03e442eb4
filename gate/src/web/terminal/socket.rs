//! One terminal: bytes between a websocket and a pty, in both directions at once.
//!
//! Each direction holds one piece at most. The shell's output stops while the page has not
//! shown [`WINDOW`] bytes of it; the page's input stops while the shell does not read. Then
//! the kernel's buffers fill, and nobody here waits or grows.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::body::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use rustix::termios::{Winsize, tcsetwinsize};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::control::{Control, End};
use crate::clock;
use crate::lock::lock;
use crate::log;
use crate::processes::is_resting_shell;
use crate::sys;
use crate::web::opencode::presence::Present;
use crate::web::sessions::Session;
use crate::web::state::AppState;
use crate::wire::{TerminalId, TerminalReply, TerminalSize, ask};

/// Most bytes of one message of the page; what is pasted comes in pieces.
const LONGEST: usize = 64 * 1024;
/// Most bytes read from the shell at once.
const PIECE: usize = 16 * 1024;
/// Most bytes that the page has not shown yet.
const WINDOW: u64 = 256 * 1024;
/// A browser that is gone without a word is noticed when this is sent to it.
const PING: Duration = Duration::from_secs(30);
/// How often the terminal is looked at: typing, or a program that runs, is use.
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// For the last message.
const GOODBYE: Duration = Duration::from_secs(2);

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// One terminal's surroundings.
pub(super) struct Link {
    pub(super) gate: Arc<AppState>,
    pub(super) session: Arc<Session>,
}

/// A terminal that is open.
struct Open {
    id: TerminalId,
    shell: u32,
    pty: AsyncFd<OwnedFd>,
}

impl Link {
    /// Opens a terminal and serves it to its end.
    pub(super) async fn serve(
        self,
        browser: TokioIo<Upgraded>,
        size: TerminalSize,
        present: Present,
    ) {
        let config = WebSocketConfig::default()
            .read_buffer_size(PIECE)
            .write_buffer_size(0)
            .max_write_buffer_size(4 * LONGEST)
            .max_message_size(Some(LONGEST))
            .max_frame_size(Some(LONGEST));
        let socket = WebSocketStream::from_raw_socket(browser, Role::Server, Some(config)).await;
        let (mut sink, mut stream) = socket.split();
        let end = match self.open(size).await {
            Ok(open) => {
                log::debug(|| format!("terminal of {} opened", self.session.title()));
                let end = self.carry(&open, &mut sink, &mut stream, present).await;
                log::debug(|| format!("terminal of {} closed: {end:?}", self.session.title()));
                let (token, terminal) = (self.session.token.clone(), open.id);
                // The kernel hangs the terminal up.
                drop(open);
                let close = ask::CloseTerminal { token, terminal };
                let _ = self.gate.monitor.ask(close).await;
                end
            }
            Err(end) => Some(end),
        };
        if let Some(end) = end {
            let frame = CloseFrame {
                code: end.code().into(),
                reason: end.word().into(),
            };
            let _ = timeout(GOODBYE, sink.send(Message::Close(Some(frame)))).await;
            // The browser answers, and closes; else a reset may swallow the last words.
            let closed = async { while let Some(Ok(_)) = stream.next().await {} };
            let _ = timeout(GOODBYE, closed).await;
        }
    }

    async fn open(&self, size: TerminalSize) -> Result<Open, End> {
        let token = self.session.token.clone();
        let opened = self
            .gate
            .monitor
            .open_terminal(ask::Terminal { token, size });
        let (reply, fd) = opened.await.map_err(|_| End::Away)?;
        match reply {
            Ok(TerminalReply::Opened { id, shell }) => {
                let fd = fd.ok_or(End::Failed)?;
                let pty = sys::when_ready(fd).map_err(|_| End::Failed)?;
                Ok(Open { id, shell, pty })
            }
            Ok(TerminalReply::TooMany) => Err(End::TooMany),
            Ok(TerminalReply::Failed) => Err(End::Failed),
            Err(_) => Err(End::Session),
        }
    }

    /// Returns why it ended; `None` if the browser is gone.
    async fn carry(
        &self,
        open: &Open,
        sink: &mut SplitSink<Socket, Message>,
        stream: &mut SplitStream<Socket>,
        present: Present,
    ) -> Option<End> {
        let (shown, to_show) = watch::channel(0);
        let typed = Mutex::new(Instant::now());
        tokio::select! {
            end = output(&open.pty, sink, to_show) => end,
            end = input(&open.pty, stream, &shown, &typed) => end,
            () = self.session.gone.cancelled() => Some(End::Session),
            () = self.gate.stop.cancelled() => Some(End::Away),
            () = self.look(open.shell, &typed, present) => Some(End::Session),
        }
    }

    /// Counts a terminal that is used as its person's presence, and as use of the session.
    /// Ends with the session.
    async fn look(&self, shell: u32, typed: &Mutex<Instant>, present: Present) {
        let AppState {
            settings,
            presence,
            sessions,
            monitor,
            ..
        } = &*self.gate;
        let mut present = Some(present);
        let every = LOOK_EVERY
            .min(settings.idle / 2)
            .min(settings.session_idle / 4)
            .max(Duration::from_millis(50));
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let is_used = lock(typed).elapsed() <= every || !is_resting_shell(shell);
            if !is_used {
                present = None;
                continue;
            }
            present = present.or_else(|| presence.enter(&self.session.user));
            let found = sessions.find(monitor, &self.session.token, clock::now());
            if matches!(found.await, Ok(None)) {
                return;
            }
        }
    }
}

/// From the shell to the page.
async fn output(
    pty: &AsyncFd<OwnedFd>,
    sink: &mut SplitSink<Socket, Message>,
    mut shown: watch::Receiver<u64>,
) -> Option<End> {
    let mut sent = 0_u64;
    let mut piece = vec![0; PIECE];
    loop {
        let next = async {
            let has_room = |shown: &u64| sent.saturating_sub(*shown) < WINDOW;
            if shown.wait_for(has_room).await.is_err() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let read = |fd: &OwnedFd| Ok(rustix::io::read(fd, &mut piece[..])?);
            pty.async_io(Interest::READABLE, read).await
        };
        let message = match timeout(PING, next).await {
            Err(_) => Message::Ping(Bytes::new()),
            // EIO: nobody has the other end open any more.
            Ok(Ok(0) | Err(_)) => return Some(End::Exit),
            Ok(Ok(count)) => {
                sent += u64::try_from(count).unwrap_or_default();
                Message::Binary(Bytes::copy_from_slice(&piece[..count]))
            }
        };
        if sink.send(message).await.is_err() {
            return None;
        }
    }
}

/// From the page to the shell.
async fn input(
    pty: &AsyncFd<OwnedFd>,
    stream: &mut SplitStream<Socket>,
    shown: &watch::Sender<u64>,
    typed: &Mutex<Instant>,
) -> Option<End> {
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Binary(bytes) => {
                *lock(typed) = Instant::now();
                if write_all(pty, &bytes).await.is_err() {
                    return Some(End::Exit);
                }
            }
            Message::Text(text) => match Control::parse(&text) {
                Some(Control::Resize(size)) => resize(pty, size),
                Some(Control::Shown(count)) => {
                    shown.send_modify(|shown| *shown = shown.saturating_add(count.into()));
                }
                None => return Some(End::Protocol),
            },
            Message::Close(_) => return None,
            // tungstenite answers pings, the last one of many.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => (),
        }
    }
    None
}

async fn write_all(pty: &AsyncFd<OwnedFd>, bytes: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        let write = |fd: &OwnedFd| Ok(rustix::io::write(fd, &bytes[written..])?);
        written += pty.async_io(Interest::WRITABLE, write).await?;
    }
    Ok(())
}

/// A terminal that is gone has no size: its end is noticed elsewhere.
fn resize(pty: &AsyncFd<OwnedFd>, size: TerminalSize) {
    let size = Winsize {
        ws_row: size.rows(),
        ws_col: size.cols(),
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let _ = tcsetwinsize(pty.get_ref(), size);
}
