//! An engine on another machine: `docker system dial-stdio` over there, run by
//! the person's own ssh, with everything that is configured for it.

use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::CommandExt;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;

use super::endpoint::Ssh;
use crate::text;

/// ssh's last message is there by then, or not worth waiting for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Lines of it that are shown.
const LINES: usize = 3;

/// The arguments of ssh. It never asks: a question would be lost between our
/// own, and Ctrl-C during a swap must not reach it.
fn arguments(ssh: &Ssh) -> Vec<String> {
    let mut words = vec!["-o", "BatchMode=yes", "-o", "ConnectTimeout=30", "-T"];
    let port = ssh.port.map(|port| port.to_string());
    if let Some(user) = &ssh.user {
        words.extend(["-l", user]);
    }
    if let Some(port) = &port {
        words.extend(["-p", port]);
    }
    words.extend(["--", &ssh.host, "docker"]);
    let socket = ssh.socket.as_ref().map(|path| format!("unix://{path}"));
    if let Some(socket) = &socket {
        words.extend(["--host", socket]);
    }
    words.extend(["system", "dial-stdio"]);
    words.into_iter().map(str::to_owned).collect()
}

/// One connection: a socket pair whose other end is ssh's stdin and stdout, so
/// that either direction can end alone.
pub(super) struct Dialled {
    stream: UnixStream,
    child: Child,
    said: Receiver<String>,
    answered: bool,
}

/// Starts ssh; whether it gets anywhere shows on the first read.
pub(super) fn dial(ssh: &Ssh) -> io::Result<Dialled> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let output = OwnedFd::from(theirs.try_clone()?);
    let mut child = Command::new("ssh")
        .args(arguments(ssh))
        .stdin(OwnedFd::from(theirs))
        .stdout(output)
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("cannot run ssh: {error}")))?;
    let (tell, said) = channel();
    if let Some(stderr) = child.stderr.take() {
        std::thread::spawn(move || tell.send(last_lines(stderr)));
    }
    Ok(Dialled {
        stream: UnixStream::from_std(ours)?,
        child,
        said,
        answered: false,
    })
}

/// The end of what was said, on one line.
fn last_lines(from: impl Read) -> String {
    let lines = BufReader::new(from).lines().map_while(Result::ok);
    let lines: Vec<String> = lines
        .map(|line| text::line(line.trim()).into_owned())
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES)..].join("; ")
}

impl Dialled {
    /// ssh ended before the engine answered: what it said is the reason.
    fn reason(&self) -> io::Error {
        let said = self.said.recv_timeout(LAST_WORDS).unwrap_or_default();
        if said.is_empty() {
            io::Error::other("ssh ended without an answer")
        } else {
            io::Error::other(said)
        }
    }
}

impl Drop for Dialled {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl AsyncRead for Dialled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) if buffer.filled().len() > before => {
                self.answered = true;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(_) if !self.answered => Poll::Ready(Err(self.reason())),
            other => other,
        }
    }
}

impl AsyncWrite for Dialled {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(Err(_)) if !self.answered => Poll::Ready(Err(self.reason())),
            other => other,
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests;
