//! Input of `user import`, wiped after use, and its progress.

use crate::error::{Error, io, std_io, usage};
use crate::fs::retry;
use crate::log::say;
use nix::errno::Errno;
use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;
use zeroize::Zeroizing;

/// Most bytes of input: 100,000 records with hashes.
const LIMIT: usize = 64 * 1024 * 1024;
/// Lines between two signs of life, and as many as need none.
const STEP: usize = 100;

/// A file, or standard input for none and for `-`.
pub(super) fn read(file: Option<&Path>) -> Result<Zeroizing<Vec<u8>>, Error> {
    match file.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            let file = File::open(path).map_err(std_io("read", path))?;
            read_all(&file, path)
        }
        None if std::io::stdin().is_terminal() => Err(usage(
            "accounts are needed: give FILE, or send them to standard input",
        )),
        None => read_all(&std::io::stdin(), Path::new("standard input")),
    }
}

/// Grows by hand: a vector that grows by itself leaves copies of passwords.
fn read_all(from: &impl AsFd, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(vec![0; 64 * 1024]);
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            let mut larger = Zeroizing::new(vec![0; 2 * filled]);
            larger[..filled].copy_from_slice(&bytes);
            bytes = larger;
        }
        // Past std's reader, whose buffer would keep a copy.
        match retry::read(from.as_fd(), &mut bytes[filled..]).map_err(io("read", path))? {
            0 => break,
            read => filled += read,
        }
        if filled > LIMIT {
            return Err(io("read", path)(Errno::EFBIG));
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// How many lines are done: a count that moves on a terminal, else a line for
/// every hundred with `-v`.
pub(super) struct Progress {
    total: usize,
    done: usize,
    on_terminal: bool,
    verbose: bool,
}

impl Progress {
    pub(super) fn new(total: usize, verbose: bool) -> Self {
        Self {
            total,
            done: 0,
            on_terminal: total > STEP && std::io::stderr().is_terminal(),
            verbose: verbose && total > STEP,
        }
    }

    pub(super) fn step(&mut self) {
        self.done += 1;
        let (done, total) = (self.done, self.total);
        if self.on_terminal {
            let end = if done == total { "\r\u{1b}[K" } else { "" };
            let _ = write!(std::io::stderr(), "\rhashing: {done} of {total} lines{end}");
        } else if self.verbose && done % STEP == 0 {
            say(&format!("hashing: {done} of {total} lines"));
        }
    }
}
