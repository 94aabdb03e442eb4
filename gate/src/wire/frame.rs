//! Frames: a length and that many bytes of JSON. No IO: bytes in, values out.

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::{Zeroize as _, Zeroizing};

/// Most bytes of JSON in a frame.
pub const FRAME_LIMIT: usize = 16 * 1024;
const HEADER: usize = 4;

/// The bytes are no frame of ours. Holds nothing of the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The length is 0 or above [`FRAME_LIMIT`].
    #[error("a frame of {0} bytes")]
    Length(usize),
    /// Not the JSON of a known message.
    #[error("a frame that is no known message")]
    Content,
    /// A message of ours that passes the limit.
    #[error("a message too long for a frame")]
    TooLong,
}

/// A message as a frame. Wiped when dropped; never moved while it grows.
pub fn encode(message: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, Malformed> {
    let mut frame = Zeroizing::new(vec![0; HEADER + FRAME_LIMIT]);
    let mut room = &mut frame[HEADER..];
    serde_json::to_writer(&mut room, message).map_err(|_| Malformed::TooLong)?;
    let length = FRAME_LIMIT - room.len();
    let header = u32::try_from(length).map_err(|_| Malformed::TooLong)?;
    frame[..HEADER].copy_from_slice(&header.to_le_bytes());
    frame.truncate(HEADER + length);
    Ok(frame)
}

/// Puts frames together from what a stream delivers, in a buffer that never
/// moves and is wiped behind each frame.
pub struct Frames {
    buffer: Zeroizing<Vec<u8>>,
    filled: usize,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            buffer: Zeroizing::new(vec![0; HEADER + FRAME_LIMIT]),
            filled: 0,
        }
    }
}

impl Frames {
    /// The room for the next bytes. Never empty once [`Self::take`] returned
    /// `None`.
    pub fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[self.filled..]
    }

    /// Counts bytes that came into [`Self::room`].
    pub fn filled(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.buffer.len());
    }

    /// Returns whether no frame has begun.
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// The next whole frame, if there is one. After an error nothing that
    /// follows can be trusted.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Malformed> {
        let Some(header) = self.buffer[..self.filled].first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes(*header)).unwrap_or(usize::MAX);
        if length == 0 || length > FRAME_LIMIT {
            return Err(Malformed::Length(length));
        }
        let end = HEADER + length;
        if self.filled < end {
            return Ok(None);
        }
        let parsed = serde_json::from_slice(&self.buffer[HEADER..end]);
        self.buffer.copy_within(end..self.filled, 0);
        self.buffer[self.filled - end..self.filled].zeroize();
        self.filled -= end;
        parsed.map(Some).map_err(|_| Malformed::Content)
    }
}
