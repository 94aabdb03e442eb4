//! Limits of a person's opencode that are the gate's, beside those that PAM sets.

use std::io;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, umask};

/// The hard limit of open files of one process.
pub(crate) const OPEN_FILES: u64 = 65_536;
/// The soft limit of Debian's pam_limits where limits.conf(5) has no line.
const DEBIANS_OPEN_FILES: u64 = 1024;

/// The limits of the gate's beside those of PAM.
pub(crate) struct OwnLimits {
    /// The hard limit of open files before PAM.
    open_files: u64,
}

impl OwnLimits {
    /// Protects this process, which holds a secret, in a way that leaves PAM's modules all
    /// room: without CAP_SYS_RESOURCE no hard limit is raised again.
    pub(crate) fn before_pam() -> io::Result<Self> {
        prctl::set_dumpable(false)?;
        umask(Mode::from_bits_truncate(0o077));
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
        setrlimit(Resource::RLIMIT_CORE, 0, hard)?;
        let (_, open_files) = getrlimit(Resource::RLIMIT_NOFILE)?;
        Ok(Self { open_files })
    }

    /// No core dumps: Debian's pam_limits sets every limit without a line in limits.conf(5)
    /// to PID 1's, and that one is often unlimited.
    pub(crate) fn after_pam(&self) -> io::Result<()> {
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        let (soft, hard) = open_files(getrlimit(Resource::RLIMIT_NOFILE)?, self.open_files);
        Ok(setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?)
    }
}

/// Soft and hard limit of open files, from those that PAM left. A hard one that it has not
/// changed gets the gate's bound.
fn open_files((soft, hard): (u64, u64), before: u64) -> (u64, u64) {
    let is_changed = hard != before;
    let hard = if is_changed {
        hard
    } else {
        hard.min(OPEN_FILES)
    };
    let soft = if soft == DEBIANS_OPEN_FILES {
        hard
    } else {
        soft.min(hard)
    };
    (soft, hard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_open_files_that_pam_sets_holds() {
        let million = 1_048_576;
        for (after, before, expected) in [
            ((1024, million), million, (65_536, 65_536)),
            ((million, million), million, (65_536, 65_536)),
            ((1024, 20_000), 20_000, (20_000, 20_000)),
            ((512, 1000), million, (512, 1000)),
            ((1024, 200_000), million, (200_000, 200_000)),
        ] {
            assert_eq!(open_files(after, before), expected, "{after:?}");
        }
    }
}
