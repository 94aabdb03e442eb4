//! Frames on a socket that may bring a file descriptor along (SCM_RIGHTS, unix(7)).
//!
//! A descriptor is sent in the call that sends the first bytes of its frame, and the kernel
//! delivers it with these bytes: once a frame is whole, its descriptor is there, and those of
//! several frames come in the order of the frames. Each message that brings one takes the
//! oldest. What is left when all that came was read belongs to no message, and is closed.

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

/// Most descriptors at once. A read ends behind the first; another one comes with the
/// next read if the first one's frame was cut by the end of the buffer.
const FDS: usize = 4;

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

/// Puts messages together, and keeps the descriptors of those that were not read yet.
#[derive(Default)]
pub(crate) struct Incoming {
    frames: Frames,
    fds: VecDeque<OwnedFd>,
}

impl Incoming {
    /// Reads the next message. Returns `None` at the end of the stream.
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
                self.fds.clear();
            }
            let receive = || receive(from, &mut self.frames);
            let (count, fds) = from.async_io(Interest::READABLE, receive).await?;
            if count == 0 {
                return Ok(None);
            }
            self.frames.filled(count);
            self.fds.extend(fds);
            if self.fds.len() > FDS {
                return Err(io::Error::other("more files than messages came"));
            }
        }
    }

    /// The descriptor of the message just read, if that is of a kind that brings one.
    pub(crate) fn take_fd(&mut self) -> Option<OwnedFd> {
        self.fds.pop_front()
    }
}

fn receive(from: &UnixStream, frames: &mut Frames) -> io::Result<(usize, Vec<OwnedFd>)> {
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
