//! Frames from the monitor on stdin and to it on stdout.

use std::io::{self, Read as _, Write as _};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{Frames, encode};

/// Frames from the monitor, one after the other.
#[derive(Default)]
pub(super) struct Incoming(Frames);

impl Incoming {
    pub(super) fn read<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        loop {
            if let Some(found) = self.0.take().map_err(io::Error::other)? {
                return Ok(found);
            }
            let count = io::stdin().read(self.0.room())?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.0.filled(count);
        }
    }
}

pub(super) fn tell(what: &impl Serialize) -> io::Result<()> {
    let frame = encode(what).map_err(io::Error::other)?;
    let mut out = io::stdout();
    out.write_all(&frame)?;
    out.flush()
}
