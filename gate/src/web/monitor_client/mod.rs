//! The web half's end of the wire: calls with their replies, and events.
//!
//! Decides nothing. When the wire ends, so does everything that waits on it.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use crate::lock::lock;
use crate::wire::ask::{Ask, End, Forget, Terminal};
use crate::wire::handover::Incoming;
use crate::wire::{Call, Event, Gone, LoginReply, Message, Reply, TerminalReply, encode, stream};

/// The wire has ended, or a call does not fit into a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoReply;

/// Frames that wait for the monitor to read them.
const QUEUE: usize = 64;

/// Asks the monitor; clones ask the same one.
#[derive(Clone)]
pub(crate) struct Monitor {
    calls: Arc<Mutex<Calls>>,
    frames: mpsc::Sender<Zeroizing<Vec<u8>>>,
}

#[derive(Default)]
struct Calls {
    last: u64,
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    ended: bool,
}

/// A reply, and the open file that came with it.
type Answer = (Reply, Option<OwnedFd>);

impl Monitor {
    /// With the calls that [`Self::run`] is to send.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Zeroizing<Vec<u8>>>) {
        let (frames, queue) = mpsc::channel(QUEUE);
        let calls = Arc::default();
        (Self { calls, frames }, queue)
    }

    /// Reads and writes the wire until it ends; `on_event` gets each event in its
    /// place among the replies.
    pub(crate) async fn run(
        &self,
        wire: UnixStream,
        queue: mpsc::Receiver<Zeroizing<Vec<u8>>>,
        on_event: impl Fn(Event),
    ) {
        let (reader, writer) = wire.into_split();
        tokio::select! {
            () = self.read(reader, on_event) => {}
            () = stream::write(writer, queue) => {}
        }
        let mut calls = lock(&self.calls);
        calls.ended = true;
        calls.waiting.clear();
    }

    /// One call and its reply.
    pub(crate) async fn ask<A: Ask>(&self, request: A) -> Result<A::Reply, NoReply> {
        let (id, receiver) = self.register()?;
        let (reply, _) = self.send(id, request, receiver).await?;
        Ok(reply)
    }

    /// The same; if nobody waits for the reply any more, because the browser went away,
    /// the monitor is told.
    pub(crate) async fn ask_for_browser<A: Ask>(&self, request: A) -> Result<A::Reply, NoReply> {
        let (id, receiver) = self.register()?;
        let _wanted = Wanted {
            monitor: self,
            call: id,
        };
        let (reply, _) = self.send(id, request, receiver).await?;
        Ok(reply)
    }

    /// Opens a terminal: the open file is its pty.
    pub(crate) async fn open_terminal(
        &self,
        request: Terminal,
    ) -> Result<(Result<TerminalReply, Gone>, Option<OwnedFd>), NoReply> {
        let (id, receiver) = self.register()?;
        self.send(id, request, receiver).await
    }

    async fn send<A: Ask>(
        &self,
        id: u64,
        request: A,
        receiver: oneshot::Receiver<Answer>,
    ) -> Result<(A::Reply, Option<OwnedFd>), NoReply> {
        let request = request.into_request();
        let frame = encode(&Call { id, request }).map_err(|_| NoReply)?;
        self.frames.send(frame).await.map_err(|_| NoReply)?;
        let (reply, fd) = receiver.await.map_err(|_| NoReply)?;
        Ok((A::from_reply(reply).ok_or(NoReply)?, fd))
    }

    fn register(&self) -> Result<(u64, oneshot::Receiver<Answer>), NoReply> {
        let (sender, receiver) = oneshot::channel();
        let mut calls = lock(&self.calls);
        if calls.ended {
            return Err(NoReply);
        }
        calls.last += 1;
        let id = calls.last;
        calls.waiting.insert(id, sender);
        Ok((id, receiver))
    }

    async fn read(&self, reader: OwnedReadHalf, on_event: impl Fn(Event)) {
        let mut incoming = Incoming::default();
        while let Ok(Some(message)) = incoming.read(reader.as_ref()).await {
            let (id, reply) = match message {
                Message::Event(event) => {
                    on_event(event);
                    continue;
                }
                Message::Reply { id, reply } => (id, reply),
            };
            // No other message has a use for an open file.
            let is_opened = matches!(reply, Reply::Terminal(Ok(TerminalReply::Opened { .. })));
            let fd = is_opened.then(|| incoming.take_fd()).flatten();
            self.replied(id, reply, fd);
        }
    }

    /// A session that nobody waits for any more (the browser went away during
    /// its login) ends at once; so does a terminal, whose file is closed.
    fn replied(&self, id: u64, reply: Reply, fd: Option<OwnedFd>) {
        let waiting = lock(&self.calls).waiting.remove(&id);
        let unclaimed = waiting.and_then(|sender| sender.send((reply, fd)).err());
        if let Some((reply, _)) = unclaimed
            && let Reply::Authenticate(login) | Reply::Answer(login) | Reply::RenewPassword(login) =
                reply
            && let LoginReply::Token(login) = login
        {
            let monitor = self.clone();
            tokio::spawn(async move { monitor.ask(End { token: login.token }).await });
        }
    }
}

/// A call whose reply a browser waits for. Dropped before that came, it is forgotten.
struct Wanted<'a> {
    monitor: &'a Monitor,
    call: u64,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        let (monitor, call) = (self.monitor.clone(), self.call);
        if lock(&monitor.calls).waiting.contains_key(&call) {
            tokio::spawn(async move { monitor.ask(Forget { call }).await });
        }
    }
}

#[cfg(test)]
mod tests;
