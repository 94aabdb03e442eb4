//! Reading one file of the store: a volume may hold links, FIFOs, devices and
//! files of others under any name. Nothing here writes a content.

use super::{Store, TRUST_VARIABLE};
use crate::fs::dir::Directory;
use crate::fs::retry::{fchmod, fstat, openat, read};
use accounts::account::UidRange;
use accounts::record::{InvalidRecord, MAX_BYTES, ParsedAccount, ParsedRecord};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, Mode, SFlag};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;

impl Store {
    pub(super) fn read_document(
        &self,
        directory: &Directory,
        file: &str,
        range: UidRange,
    ) -> Result<ParsedRecord, String> {
        let bytes = self.read_file(directory, file)?;
        ParsedRecord::parse(&bytes, range).map_err(|invalid| invalid.to_string())
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
        // O_NONBLOCK: a planted FIFO must not stop the boot.
        let flags = OFlag::O_RDONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let file =
            openat(directory.fd.as_fd(), name, flags, Mode::empty()).map_err(
                |errno| match errno {
                    Errno::ELOOP => "it is a symbolic link".to_owned(),
                    other => format!("cannot open: {}", other.desc().to_lowercase()),
                },
            )?;
        let state = fstat(file.as_fd()).map_err(|errno| errno.desc().to_lowercase())?;
        self.check_file(&file, &state)?;
        let size = usize::try_from(state.st_size).unwrap_or_default();
        read_small(&file, size).map_err(|errno| errno.desc().to_lowercase())
    }

    fn check_file(&self, file: &OwnedFd, state: &FileStat) -> Result<(), String> {
        if SFlag::from_bits_truncate(state.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
            return Err("not a regular file".into());
        }
        if state.st_size > i64::try_from(MAX_BYTES).unwrap_or(i64::MAX) {
            return Err(
                InvalidRecord::TooLarge(u64::try_from(state.st_size).unwrap_or_default())
                    .to_string(),
            );
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
        match fchmod(file.as_fd(), Mode::from_bits_truncate(0o600)) {
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
        let got = read(file.as_fd(), &mut bytes[filled..])?;
        filled += got;
        if got == 0 || filled >= size {
            break;
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}
