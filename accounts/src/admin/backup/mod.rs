//! A backup: a tar(5) archive that ends with a digest of all that is before it.
//!
//! ```text
//! occ-backup.json        what it is: a Manifest
//! store/…                the files of the store, as they are
//! home/COMPONENT/…       with homes: what is in them, before themselves
//! occ-backup.sha256      SHA-256 of everything before this entry, in hex
//! ```
//!
//! The last entry and the end of the archive always have 2048 bytes, so a program
//! that passes an archive on can check it without reading tar, and a person can:
//! `head -c -2048 FILE | sha256sum` prints what `tar -xOf FILE occ-backup.sha256`
//! does. The digest finds damage; it is no signature.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// The version of the archives. A reader refuses a higher one.
pub const SCHEMA: u32 = 1;
/// The first entry.
pub const MANIFEST: &str = "occ-backup.json";
/// The last entry.
pub const SEAL: &str = "occ-backup.sha256";
/// The directory of the store's files.
pub const STORE: &str = "store";
/// The directory of the homes.
pub const HOMES: &str = "home";

/// tar's unit of length.
const BLOCK: usize = 512;
/// The seal's header, its content, and the end of the archive.
const TRAILER: usize = 4 * BLOCK;
/// Hex digits of the digest.
const DIGITS: usize = 64;

/// The content of the first entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When it was made, microseconds since 1970.
    pub created: u64,
    /// How many accounts are in it.
    pub accounts: u64,
    /// True if homes are in it.
    pub homes: bool,
}

/// Why a file is no backup that can be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Something else.
    #[error("it is not a backup of occ")]
    Foreign,
    /// Compressed by somebody.
    #[error("it is compressed; give what `{0} -dc FILE` prints")]
    Compressed(&'static str),
    /// From a newer occ.
    #[error("it has version {0}, this program reads up to {SCHEMA}")]
    Newer(u32),
    /// The end is missing.
    #[error("it ends too early")]
    Short,
    /// Not what was written.
    #[error("it is damaged: its contents don't match its checksum")]
    Damaged,
    /// Homes were asked for.
    #[error("it was made without homes")]
    NoHomes,
    /// Whole, and made by somebody else.
    #[error("it holds something that no backup has: {0}")]
    Member(String),
}

impl Manifest {
    /// Reads the first entry.
    pub fn parse(bytes: &[u8]) -> Result<Self, Unusable> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let version: Version = serde_json::from_slice(bytes).map_err(|_| Unusable::Foreign)?;
        if version.schema > SCHEMA {
            return Err(Unusable::Newer(version.schema));
        }
        serde_json::from_slice(bytes).map_err(|_| Unusable::Foreign)
    }
}

/// The digest of an archive that is being written.
#[derive(Clone, Default)]
pub struct Seal(Sha256);

impl Seal {
    /// The next bytes of it.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The last bytes to write: the entry with the digest, and the end.
    pub fn trailer(self) -> Vec<u8> {
        trailer(&hex(self.0))
    }
}

/// An archive that is being read.
#[derive(Clone, Default)]
pub struct Check {
    digest: Sha256,
    /// The first bytes: the manifest is in them.
    head: Vec<u8>,
    /// The last bytes so far: they may be the trailer.
    held: Vec<u8>,
    bytes: u64,
}

/// An archive that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The content of its first entry.
    pub manifest: Manifest,
    /// How long it is.
    pub bytes: u64,
    /// The digest in its last entry: 64 hexadecimal digits.
    pub sha256: String,
}

impl Check {
    /// The next bytes; those of something else are refused at once.
    pub fn update(&mut self, bytes: &[u8]) -> Result<(), Unusable> {
        let missing = (2 * BLOCK - self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..missing]);
        let known = self.head.len().min(MANIFEST.len());
        if let Some(program) = compressed_by(&self.head) {
            return Err(Unusable::Compressed(program));
        }
        if self.head[..known] != MANIFEST.as_bytes()[..known] {
            return Err(Unusable::Foreign);
        }
        self.held.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        let settled = self.held.len().saturating_sub(TRAILER);
        self.digest.update(&self.held[..settled]);
        self.held.drain(..settled);
        Ok(())
    }

    /// Nothing comes any more.
    pub fn finish(self) -> Result<Checked, Unusable> {
        if self.bytes == 0 {
            return Err(Unusable::Foreign);
        }
        let sha256 = hex(self.digest);
        if self.held == trailer(&sha256) {
            Ok(Checked {
                manifest: manifest(&self.head)?,
                bytes: self.bytes,
                sha256,
            })
        } else if self.held.starts_with(&header()) {
            Err(Unusable::Damaged)
        } else {
            Err(Unusable::Short)
        }
    }
}

/// The program that undoes what a file was compressed with, by its first bytes.
fn compressed_by(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &str); 4] = [
        (b"\x1f\x8b", "gzip"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xfd7zXZ\0", "xz"),
        (b"BZh", "bzip2"),
    ];
    let found = known.iter().find(|(magic, _)| head.starts_with(magic));
    found.map(|(_, program)| *program)
}

/// The content of the first entry, which has no more than a block of it.
fn manifest(head: &[u8]) -> Result<Manifest, Unusable> {
    let content = head.get(BLOCK..).unwrap_or_default();
    let end = content.iter().position(|&byte| byte == 0);
    Manifest::parse(&content[..end.unwrap_or(content.len())])
}

fn hex(digest: Sha256) -> String {
    digest
        .finalize()
        .iter()
        .fold(String::with_capacity(DIGITS), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn trailer(sha256: &str) -> Vec<u8> {
    let mut bytes = header().to_vec();
    bytes.extend_from_slice(sha256.as_bytes());
    bytes.push(b'\n');
    bytes.resize(TRAILER, 0);
    bytes
}

/// The header of the last entry, which never differs: ustar, tar(5).
fn header() -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, SEAL);
    put(100, "0000600\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", DIGITS + 1));
    put(136, "00000000000\0");
    // The sum counts itself as spaces.
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

#[cfg(test)]
mod tests;
