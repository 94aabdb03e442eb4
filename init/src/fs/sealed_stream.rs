//! A backup as a stream: tar entries going out under a seal, and coming in with
//! the seal checked. What the entries mean is for `user save` and `user load`.

use crate::error::{Error, std_io};
use crate::fs::retry::{again, again_io};
use accounts::admin::backup::{Check, Seal, Unusable};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::FileStat;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The longest gap in the input: the store's lock is held meanwhile.
const PATIENCE_MS: u16 = 60_000;

/// Draining ends after a gap of this many milliseconds, and after `DRAINING` at the latest.
const GAP_MS: u16 = 200;
const DRAINING: Duration = Duration::from_secs(10);

/// A stream that ends with the digest of what went through.
pub(crate) struct SealingWriter<W: Write> {
    to: W,
    seal: Option<Seal>,
}

impl<W: Write> SealingWriter<W> {
    pub(crate) fn new(to: W) -> Self {
        let seal = Some(Seal::default());
        Self { to, seal }
    }

    /// Writes the seal; what comes after it (tar's own end) is in it already.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if let Some(seal) = self.seal.take() {
            self.to.write_all(&seal.trailer())?;
        }
        self.to.flush()
    }
}

impl<W: Write> Write for SealingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(seal) = &mut self.seal else {
            return Ok(bytes.len());
        };
        let written = self.to.write(bytes)?;
        seal.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The header of a file of the store's, which is root's alone.
pub(crate) fn private_header(size: usize, created_usec: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o600);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(created_usec / 1_000_000);
    header.set_size(size as u64);
    header
}

/// The header of something in a home.
pub(crate) fn header_of(kind: tar::EntryType, state: &FileStat, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(state.st_mode & 0o7777);
    header.set_uid(state.st_uid.into());
    header.set_gid(state.st_gid.into());
    header.set_mtime(u64::try_from(state.st_mtime).unwrap_or_default());
    header.set_size(size);
    header
}

/// Why an archive is not taken in.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) enum Failed {
    /// It can't be read further.
    Stream(#[from] io::Error),
    /// One of its entries can't be used, or can't be written here.
    Entry(#[from] Error),
}

/// Bytes of a path at most (PATH_MAX), with the entry that carries it.
const LONGEST_NAME: u64 = 4096 + 1;
/// tar's unit of length.
const BLOCK: usize = 512;

/// Reads along which entries come, before tar does: it keeps a long name in memory,
/// however long that is.
#[derive(Default)]
struct Headers {
    /// Bytes until the next header.
    skip: u64,
    header: Vec<u8>,
}

impl Headers {
    /// Errors: an entry that no backup has.
    fn update(&mut self, mut bytes: &[u8]) -> Result<(), Unusable> {
        while !bytes.is_empty() {
            let skipped = usize::try_from(self.skip)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            self.skip -= skipped as u64;
            bytes = &bytes[skipped..];
            let wanted = (BLOCK - self.header.len()).min(bytes.len());
            let (part, rest) = bytes.split_at(wanted);
            self.header.extend_from_slice(part);
            bytes = rest;
            if self.header.len() == BLOCK {
                self.skip = content(&self.header)?;
                self.header.clear();
            }
        }
        Ok(())
    }
}

/// The length of what follows a header, in whole blocks. One that can't be read, and the
/// zeros at the end, are for tar to judge.
fn content(header: &[u8]) -> Result<u64, Unusable> {
    let header = tar::Header::from_byte_slice(header);
    let Ok(size) = header.entry_size() else {
        return Ok(0);
    };
    let kind = header.entry_type();
    let is_name = kind.is_gnu_longname() || kind.is_gnu_longlink();
    // With these a size stands elsewhere, so that two readers see two archives.
    let is_foreign =
        kind.is_pax_local_extensions() || kind.is_pax_global_extensions() || kind.is_gnu_sparse();
    if is_foreign || is_name && size > LONGEST_NAME {
        return Err(Unusable::Member(format!(
            "an entry of type {kind:?} and {size} bytes"
        )));
    }
    Ok(size
        .checked_next_multiple_of(BLOCK as u64)
        .unwrap_or(u64::MAX))
}

/// An archive from a stream that may stop, or be something else.
pub(crate) struct VerifyingReader {
    from: File,
    /// `None` once one was foreign: then only the seal is of interest.
    headers: Option<Headers>,
    foreign: Option<Unusable>,
    check: Check,
    wrong: Option<Unusable>,
}

impl VerifyingReader {
    pub(crate) fn new(from: File) -> Self {
        Self {
            from,
            headers: Some(Headers::default()),
            foreign: None,
            check: Check::default(),
            wrong: None,
        }
    }

    /// Reads what is left, and says whether all of it is what was written.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        match io::copy(&mut self, &mut io::sink()) {
            Ok(_) => self.check.finish().map(drop).map_err(Error::Backup),
            Err(error) => Err(self.failure(error)),
        }
    }

    /// Why tar could not go on. What it can't read was cut off or damaged: the
    /// seal, at the end, knows which.
    pub(crate) fn explain(mut self, error: io::Error) -> Error {
        let is_own = self.wrong.is_some() || error.raw_os_error().is_some();
        if is_own || error.kind() == io::ErrorKind::TimedOut {
            return self.failure(error);
        }
        let foreign = self.foreign.take();
        match self.finish() {
            Err(error) => error,
            Ok(()) => Error::Backup(foreign.unwrap_or(Unusable::Damaged)),
        }
    }

    fn failure(self, error: io::Error) -> Error {
        match self.wrong {
            Some(wrong) => Error::Backup(wrong),
            None if error.kind() == io::ErrorKind::TimedOut => Error::Stalled,
            None => std_io("read", "standard input")(error),
        }
    }
}

impl Read for VerifyingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !is_ready(&self.from, PATIENCE_MS)? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let got = again_io(|| self.from.read(buffer))?;
        if let Err(wrong) = self.check.update(&buffer[..got]) {
            self.wrong = Some(wrong);
            return Err(io::ErrorKind::InvalidData.into());
        }
        let headers = self.headers.as_mut();
        let checked = headers.map_or(Ok(()), |headers| headers.update(&buffer[..got]));
        if let Err(foreign) = checked {
            self.headers = None;
            self.foreign = Some(foreign);
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(got)
    }
}

/// Drains input for up to 10 s: closing a socket with unread input resets it, and an engine
/// may lose our answer with it.
pub(crate) fn drain(from: &mut File) {
    let begun = Instant::now();
    let mut piece = [0; 16 * 1024];
    while begun.elapsed() < DRAINING {
        let is_more = is_ready(from, GAP_MS).unwrap_or(false);
        if !is_more || !matches!(again_io(|| from.read(&mut piece)), Ok(1..)) {
            return;
        }
    }
}

/// Waits until there is something to read; returns false if nothing came in time.
fn is_ready(from: &File, patience_ms: u16) -> io::Result<bool> {
    let mut wait = [PollFd::new(from.as_fd(), PollFlags::POLLIN)];
    let ready = again(|| poll(&mut wait, PollTimeout::from(patience_ms)))?;
    Ok(ready > 0)
}

/// The parts of an entry's path; none may climb or be empty.
pub(crate) fn parts(path: &[u8]) -> Result<Vec<&[u8]>, Error> {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let parts: Vec<&[u8]> = path.split(|&byte| byte == b'/').collect();
    let bad = |part: &&[u8]| matches!(*part, b"" | b"." | b"..") || part.contains(&0);
    if parts.iter().any(bad) {
        Err(foreign(path))
    } else {
        Ok(parts)
    }
}

/// The error for an entry that no backup has.
pub(crate) fn foreign(path: &[u8]) -> Error {
    let name: String = String::from_utf8_lossy(path).chars().take(200).collect();
    Error::Backup(Unusable::Member(format!("'{}'", name.escape_debug())))
}
