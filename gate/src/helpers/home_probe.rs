//! `occ-gate probe-home`: writes a file into a person's home, as the person, and removes
//! it. Tells a full home and a read-only one from others by the exit status.

use std::fs::{OpenOptions, remove_file};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use nix::errno::Errno;

use crate::helpers::privilege;

pub(crate) const FULL: i32 = 81;
pub(crate) const READ_ONLY: i32 = 82;
/// opencode's database alone takes as much.
const SIZE: usize = 1024 * 1024;

/// The person to become, and their home.
#[derive(Args)]
pub struct Options {
    #[arg(long)]
    uid: u32,
    #[arg(long)]
    gid: u32,
    #[arg(long)]
    home: PathBuf,
}

/// 0 if the home takes files.
pub fn main(options: &Options) -> ExitCode {
    match become_owner(options).and_then(|()| write_file(&options.home)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(u8::try_from(status(&error)).unwrap_or(1)),
    }
}

fn become_owner(options: &Options) -> io::Result<()> {
    if options.uid == 0 || options.gid == 0 {
        return Err(io::Error::other("root is nobody's account"));
    }
    privilege::set_no_new_privs()?;
    privilege::become_somebody(options.uid, options.gid, &[])?;
    privilege::protect_secrets()
}

fn write_file(home: &Path) -> io::Result<()> {
    let path = home.join(format!(".occ-probe-{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)?;
    // Some file systems tell a full disk only now.
    let written = file
        .write_all(&vec![0; SIZE])
        .and_then(|()| file.sync_all());
    remove_file(&path)?;
    written
}

fn status(error: &io::Error) -> i32 {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENOSPC | Errno::EDQUOT) => FULL,
        Some(Errno::EROFS) => READ_ONLY,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_that_takes_no_files_has_a_status() {
        for (errno, expected) in [
            (Errno::ENOSPC, FULL),
            (Errno::EDQUOT, FULL),
            (Errno::EROFS, READ_ONLY),
            (Errno::EACCES, 1),
        ] {
            assert_eq!(status(&io::Error::from(errno)), expected, "{errno}");
        }
        let home = tempfile::tempdir().unwrap();
        write_file(home.path()).unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
