//! Frames on a socket or a pipe.

use std::io;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::frame::Frames;

/// Reads the next frame. Returns `None` at the end of the stream.
pub(crate) async fn read<T: DeserializeOwned>(
    mut from: impl AsyncRead + Unpin,
    frames: &mut Frames,
) -> io::Result<Option<T>> {
    loop {
        let taken = frames.take();
        if let Some(found) = taken.map_err(|bad| io::Error::other(format!("it sent {bad}")))? {
            return Ok(Some(found));
        }
        match from.read(frames.room()).await? {
            0 => return Ok(None),
            count => frames.filled(count),
        }
    }
}

/// Writes frames as they come, until there are no more or nobody reads them.
pub(crate) async fn write(
    mut to: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Zeroizing<Vec<u8>>>,
) {
    while let Some(frame) = queue.recv().await {
        if to.write_all(&frame).await.is_err() {
            return;
        }
    }
}
