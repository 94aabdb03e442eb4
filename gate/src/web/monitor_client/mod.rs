//! The web half's end of the wire: calls with their replies, and events.
//!
//! Decides nothing. When the wire ends, so does everything that waits on it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use crate::wire::ask::{Ask, End};
use crate::wire::{Call, Event, Frames, LoginReply, Message, Reply, encode};

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
    waiting: HashMap<u64, oneshot::Sender<Reply>>,
    ended: bool,
}

impl Monitor {
    /// Reads and writes the wire until it ends; `on_event` gets each event in its
    /// place among the replies. The future completes when the wire has ended.
    pub(crate) fn connect(
        wire: UnixStream,
        on_event: impl Fn(Event) + Send + 'static,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (reader, writer) = wire.into_split();
        let (frames, queue) = mpsc::channel(QUEUE);
        let calls = Arc::new(Mutex::new(Calls::default()));
        let monitor = Self { calls, frames };
        let same = monitor.clone();
        let run = async move {
            tokio::select! {
                () = same.read(reader, on_event) => {}
                () = write(writer, queue) => {}
            }
            same.end();
        };
        (monitor, run)
    }

    /// One call and its reply.
    pub(crate) async fn ask<A: Ask>(&self, request: A) -> Result<A::Reply, NoReply> {
        let (sender, receiver) = oneshot::channel();
        let id = self.register(sender)?;
        let request = request.into_request();
        let frame = encode(&Call { id, request }).map_err(|_| NoReply)?;
        self.frames.send(frame).await.map_err(|_| NoReply)?;
        let reply = receiver.await.map_err(|_| NoReply)?;
        A::from_reply(reply).ok_or(NoReply)
    }

    fn register(&self, sender: oneshot::Sender<Reply>) -> Result<u64, NoReply> {
        let mut calls = self.calls();
        if calls.ended {
            return Err(NoReply);
        }
        calls.last += 1;
        let id = calls.last;
        calls.waiting.insert(id, sender);
        Ok(id)
    }

    async fn read(&self, mut reader: OwnedReadHalf, on_event: impl Fn(Event)) {
        let mut frames = Frames::default();
        while let Ok(count @ 1..) = reader.read(frames.room()).await {
            frames.filled(count);
            loop {
                match frames.take::<Message>() {
                    Ok(Some(Message::Event(event))) => on_event(event),
                    Ok(Some(Message::Reply { id, reply })) => self.replied(id, reply),
                    Ok(None) => break,
                    Err(_) => return,
                }
            }
        }
    }

    /// A session that nobody waits for any more (the browser went away during
    /// its login) ends at once.
    fn replied(&self, id: u64, reply: Reply) {
        let waiting = self.calls().waiting.remove(&id);
        let unclaimed = match waiting {
            Some(sender) => sender.send(reply).err(),
            None => None,
        };
        if let Some(Reply::Authenticate(reply) | Reply::Answer(reply)) = unclaimed
            && let LoginReply::Token(login) = reply
        {
            let monitor = self.clone();
            tokio::spawn(async move { monitor.ask(End { token: login.token }).await });
        }
    }

    fn end(&self) {
        let mut calls = self.calls();
        calls.ended = true;
        calls.waiting.clear();
    }

    fn calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Zeroizing<Vec<u8>>>) {
    while let Some(frame) = queue.recv().await {
        if writer.write_all(&frame).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
