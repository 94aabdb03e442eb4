//! The web half as a child: started, listened to, started again when it dies.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::Child;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::monitor::subprocess;
use crate::wire::handover::{self, Outgoing};
use crate::wire::{Call, Frames, Message, encode, stream};

/// The account of the web half.
pub(crate) const USER: &str = "occ-gate";
/// Messages that it has not read yet; one with more of them is not reading.
const UNREAD: usize = 1024;
/// A web half that ran this long starts again at once.
const STEADY: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// How long one that has hung up may take to end by itself.
const DYING: Duration = Duration::from_secs(1);

/// A message of the web half's process.
pub(crate) enum FromWeb {
    Call(Call),
    /// It is gone; the last of that one. The error is why, where it did not hang up by itself.
    Ended(Result<(), String>),
}

/// Tells one web half from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WebId(u64);

impl WebId {
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

pub(crate) struct WebProcess {
    outbox: mpsc::Sender<Outgoing>,
    pid: Option<u32>,
}

impl WebProcess {
    /// Starts one. Its calls go to `tell`, each after the one before was taken.
    pub(crate) fn start(
        account: &User,
        listener: &TcpListener,
        tell: impl AsyncFn(FromWeb) + 'static,
    ) -> std::io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = spawn(account, theirs, listener)?;
        let pid = child.id();
        let wire = UnixStream::from_std(ours)?;
        let (outbox, unsent) = mpsc::channel(UNREAD);
        tokio::task::spawn_local(run(child, wire, unsent, tell));
        Ok(Self { outbox, pid })
    }

    /// Sends a message, and an open file with it. One that does not read is ended: its
    /// queue is closed.
    pub(crate) fn tell(&self, message: &Message, fd: Option<OwnedFd>) -> Result<(), &'static str> {
        let frame = encode(message).map_err(|_| "a message is too long")?;
        let outgoing = Outgoing { frame, fd };
        let sent = self.outbox.try_send(outgoing);
        sent.map_err(|_| "it does not read")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid.and_then(|pid| i32::try_from(pid).ok()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

/// `occ-gate web`: stdin is its end of the wire, stdout the listening socket.
fn spawn(account: &User, wire: StdUnixStream, listener: &TcpListener) -> std::io::Result<Child> {
    let ours =
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OCC_GATE_"));
    // The settings, as this process has them.
    subprocess::command_with(std::env::args_os().skip(1), "web")
        .arg(format!("--uid={}", account.uid))
        .arg(format!("--gid={}", account.gid))
        .arg(format!("--parent={}", std::process::id()))
        .envs(ours)
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::from(OwnedFd::from(wire)))
        .stdout(Stdio::from(OwnedFd::from(listener.try_clone()?)))
        .spawn()
}

/// Until it dies, hangs up or says what can't be; then it is dead.
async fn run(
    mut child: Child,
    wire: UnixStream,
    unsent: mpsc::Receiver<Outgoing>,
    tell: impl AsyncFn(FromWeb),
) {
    let (reader, writer) = wire.into_split();
    let ended = tokio::select! {
        ended = read(reader, &tell) => ended,
        () = handover::write(writer.as_ref(), unsent) => Err("it does not read".to_owned()),
        ended = status(&mut child) => ended,
    };
    // The kernel closes the wire of a process that dies before its status can be had.
    let ended = match ended {
        Ok(()) => timeout(DYING, status(&mut child)).await.unwrap_or(Ok(())),
        failed => failed,
    };
    let _ = child.kill().await;
    tell(FromWeb::Ended(ended)).await;
}

/// Waits for its end; the error is how, where that was no success.
async fn status(child: &mut Child) -> Result<(), String> {
    match child.wait().await {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(status.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

async fn read(mut reader: OwnedReadHalf, tell: &impl AsyncFn(FromWeb)) -> Result<(), String> {
    let mut frames = Frames::default();
    loop {
        match stream::read(&mut reader, &mut frames).await {
            Ok(Some(call)) => tell(FromWeb::Call(call)).await,
            Ok(None) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// How long to wait before the next start: longer after each short run.
#[derive(Default)]
pub(crate) struct Restarts(u32);

impl Restarts {
    pub(crate) fn count(&self) -> u32 {
        self.0
    }

    pub(crate) fn rest_after(&mut self, ran: Duration) -> Duration {
        if ran >= STEADY {
            self.0 = 0;
        }
        let rest = Duration::from_millis(50).saturating_mul(2_u32.saturating_pow(self.0));
        self.0 = self.0.saturating_add(1);
        rest.min(LONGEST_REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_runs_make_longer_rests() {
        let mut restarts = Restarts::default();
        let rests: Vec<u128> = (0..10)
            .map(|_| restarts.rest_after(Duration::from_secs(1)).as_millis())
            .collect();
        assert_eq!(
            rests,
            [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        assert_eq!(restarts.rest_after(STEADY).as_millis(), 50);
    }
}
