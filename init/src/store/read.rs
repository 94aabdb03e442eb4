//! Reading one file of the store: a volume may hold links, FIFOs, devices and
//! files of others under any name. Nothing here writes a content.

use super::{Store, TRUST_VARIABLE};
use crate::fs::dir::{Directory, kind};
use crate::fs::retry::{fchmod, fstat, read};
use crate::log::errno_text;
use accounts::account::UidRange;
use accounts::record::{InvalidRecord, MAX_BYTES, ParsedAccount, ParsedRecord, Record};
use nix::errno::Errno;
use nix::sys::stat::{FileStat, Mode, SFlag};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;

impl Store {
    /// Reads a record of ours; `None` if it is an older one.
    pub(super) fn read_record(
        &self,
        directory: &Directory,
        file: &str,
        range: UidRange,
    ) -> Result<Option<Record>, String> {
        let bytes = self.read_file(directory, file)?;
        match ParsedRecord::parse(&bytes, range) {
            Ok(ParsedRecord::Record(record)) => Ok(Some(*record)),
            Ok(ParsedRecord::Legacy(_)) => Ok(None),
            Err(invalid) => Err(invalid.to_string()),
        }
    }

    pub(super) fn read_contents(
        &self,
        directory: &Directory,
        file: &str,
        range: UidRange,
    ) -> Result<(ParsedAccount, Vec<u8>), String> {
        let bytes = self.read_file(directory, file)?;
        let contents =
            ParsedAccount::parse(&bytes, range).map_err(|invalid| invalid.to_string())?;
        Ok((contents, bytes))
    }

    /// Reads a small regular file of root's. The reason of a failure names no content.
    pub(super) fn read_file(&self, directory: &Directory, name: &str) -> Result<Vec<u8>, String> {
        let file = directory.open_file(name).map_err(|errno| match errno {
            Errno::ELOOP => "it is a symbolic link".to_owned(),
            other => format!("cannot open: {}", errno_text(other)),
        })?;
        let state = fstat(&file).map_err(errno_text)?;
        self.check_file(&file, &state)?;
        let size = usize::try_from(state.st_size).unwrap_or_default();
        read_small(&file, size).map_err(errno_text)
    }

    fn check_file(&self, file: &OwnedFd, state: &FileStat) -> Result<(), String> {
        if kind(state) != SFlag::S_IFREG {
            return Err("not a regular file".into());
        }
        if state.st_size > i64::try_from(MAX_BYTES).unwrap_or(i64::MAX) {
            let size = u64::try_from(state.st_size).unwrap_or_default();
            return Err(InvalidRecord::TooLarge(size).to_string());
        }
        // A second name could be anywhere on the volume, with other rules.
        if state.st_nlink != 1 {
            return Err(format!("it has {} links, a record has one", state.st_nlink));
        }
        if self.trusts_modes {
            return Ok(());
        }
        if state.st_uid != 0 {
            return Err("it does not belong to root".into());
        }
        let mode = state.st_mode & 0o7777;
        let of_others = mode & 0o077;
        if of_others == 0 {
            return Ok(());
        }
        // Kubernetes' fsGroup lets a group write to everything on a volume.
        match fchmod(file, Mode::from_bits_truncate(0o600)) {
            Ok(()) => drop(self.tightened.fetch_add(1, Ordering::Relaxed)),
            Err(_) if mode & 0o022 == 0 => (),
            Err(_) => {
                return Err(format!(
                    "others may write to it (mode {mode:o}); set {TRUST_VARIABLE}=1 if the volume can't keep modes"
                ));
            }
        }
        Ok(())
    }
}

/// Reads a file whose size is known, in one call where nobody is writing to it.
fn read_small(file: &OwnedFd, size: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; size + 1];
    let mut filled = 0;
    loop {
        let got = read(file, &mut bytes[filled..])?;
        filled += got;
        if got == 0 || filled >= size {
            break;
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
