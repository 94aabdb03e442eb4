//! Frames on a socket that may bring a file descriptor along (SCM_RIGHTS, unix(7)).
//!
//! A descriptor is sent in the call that sends the first bytes of its frame. The kernel
//! delivers it with these bytes and lets no read go on past them into later ones, so
//! the last frame that has begun is the one that it belongs to. One at most is kept; it
//! is closed unless the message of that frame is taken together with it.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, OwnedFd};

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::wire::frame::Frames;

/// A frame to be sent, and what it brings.
pub(crate) struct Outgoing {
    pub(crate) frame: Zeroizing<Vec<u8>>,
    pub(crate) fd: Option<OwnedFd>,
}

/// Writes frames as they come, until there are no more or nobody reads them.
pub(crate) async fn write(to: &UnixStream, mut queue: mpsc::Receiver<Outgoing>) {
    while let Some(next) = queue.recv().await {
        if send(to, &next).await.is_err() {
            return;
        }
    }
}

async fn send(to: &UnixStream, Outgoing { frame, fd }: &Outgoing) -> io::Result<()> {
    let mut sent = 0;
    while sent < frame.len() {
        let (rest, fd) = (&frame[sent..], fd.as_ref().filter(|_| sent == 0));
        let some = || send_some(to, rest, fd);
        sent += to.async_io(Interest::WRITABLE, some).await?;
    }
    Ok(())
}

fn send_some(to: &UnixStream, bytes: &[u8], fd: Option<&OwnedFd>) -> io::Result<usize> {
    let fds = fd.map(|fd| [fd.as_fd()]);
    let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    if let Some(fds) = &fds {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    let bytes = [IoSlice::new(bytes)];
    Ok(sendmsg(to, &bytes, &mut control, SendFlags::NOSIGNAL)?)
}

/// Puts messages together, and keeps the descriptor of the last one.
#[derive(Default)]
pub(crate) struct Incoming {
    frames: Frames,
    fd: Option<OwnedFd>,
}

impl Incoming {
    /// Reads the next message. Returns `None` at the end of the stream. A descriptor of
    /// an earlier message that nobody took is closed.
    pub(crate) async fn read<T: DeserializeOwned>(
        &mut self,
        from: &UnixStream,
    ) -> io::Result<Option<T>> {
        loop {
            let taken = self.frames.take();
            if let Some(found) = taken.map_err(|bad| io::Error::other(format!("it sent {bad}")))? {
                return Ok(Some(found));
            }
            if self.frames.is_empty() {
                self.fd = None;
            }
            let receive = || receive(from, &mut self.frames);
            let (count, fds) = from.async_io(Interest::READABLE, receive).await?;
            if count == 0 {
                return Ok(None);
            }
            self.frames.filled(count);
            self.keep(fds)?;
        }
    }

    /// The descriptor that came with the message just read.
    pub(crate) fn take_fd(&mut self) -> Option<OwnedFd> {
        self.fd.take()
    }

    fn keep(&mut self, mut fds: VecDeque<OwnedFd>) -> io::Result<()> {
        match (fds.pop_front(), fds.is_empty()) {
            (None, _) => Ok(()),
            (Some(fd), true) if self.fd.is_none() => {
                self.fd = Some(fd);
                Ok(())
            }
            _ => Err(io::Error::other("more files than messages came")),
        }
    }
}

fn receive(from: &UnixStream, frames: &mut Frames) -> io::Result<(usize, VecDeque<OwnedFd>)> {
    // What finds no room is closed by the kernel.
    let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    let mut bytes = [IoSliceMut::new(frames.room())];
    let received = recvmsg(from, &mut bytes, &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let fds = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    });
    Ok((received.bytes, fds.flatten().collect()))
}

#[cfg(test)]
mod tests;
