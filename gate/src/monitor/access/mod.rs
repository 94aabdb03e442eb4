//! Access tokens of people's programs: the table, its file, and what the web half and
//! administrators ask about them.

pub(crate) mod file;
pub(crate) mod table;

pub(super) mod make_limit;
mod requests;

use std::time::Duration;

use self::make_limit::MakeLimit;
use self::table::{AccessTable, Ended};
use crate::log;

/// A use is on disk that long after it at the latest: a disk is not written to at every
/// request of a program.
const USES_WAIT: Duration = Duration::from_secs(5 * 60);

/// The table and the state of its file.
pub(crate) struct AccessTokens {
    pub(crate) table: AccessTable,
    make_limit: MakeLimit,
    /// The administrator wants none: nothing is good and nothing is made.
    is_off: bool,
    /// The file can't be read: it stays as it is, nothing is good and nothing is made.
    is_unreadable: bool,
    /// The file lacks a change that it is to have soon: the disk did not take it, or it is
    /// the first use of an access token.
    is_behind: bool,
    /// The time since the start at which a use was not on disk first.
    used: Option<Duration>,
}

impl AccessTokens {
    /// The access tokens of the last run.
    pub(crate) fn load(is_off: bool) -> Self {
        let read = file::read();
        if let Err(error) = &read {
            log::line(&error.to_string());
            log::line(&format!("hint: {}", file::HINT));
        }
        Self {
            is_off,
            is_unreadable: read.is_err(),
            table: read.unwrap_or_default(),
            make_limit: MakeLimit::default(),
            is_behind: false,
            used: None,
        }
    }

    /// Writes the table. Returns false, and tries again later, if that fails.
    pub(crate) fn save(&mut self) -> bool {
        if self.is_unreadable {
            return false;
        }
        let written = file::write(&self.table);
        if let Err(error) = &written {
            log::line(&error.to_string());
        }
        self.is_behind = written.is_err();
        if written.is_ok() {
            self.used = None;
        }
        written.is_ok()
    }

    /// Writes what waits to be written, if it is time.
    fn save_if_due(&mut self, now: Duration) {
        let is_due = |since: Duration| now.saturating_sub(since) >= USES_WAIT;
        if self.is_behind || self.used.is_some_and(is_due) {
            self.save();
        }
    }

    /// Writes what waits to be written, before the end.
    pub(crate) fn finish(&mut self) {
        if self.is_behind || self.used.is_some() {
            self.save();
        }
    }
}

/// The lines of the log for what is over.
fn log_ended(ended: &Ended, why: &str) {
    for access in &ended.tokens {
        let (user, id) = (&access.user, access.id.0);
        let name = access.name.as_str();
        log::line(&format!("token: {user}: '{name}' ({id:08x}) {why}"));
    }
}
