//! A plan: the files to write and who is added, updated and removed.

use super::changes::Change;
use crate::account::Username;
use crate::files::File;
use crate::record::Problem;

/// The work of a restore. Prints as one line per account and file.
#[derive(Clone, PartialEq, Eq)]
pub struct Plan {
    /// Files to write, in writing order; a file that stays as it is is absent.
    pub writes: Vec<(File, Vec<u8>)>,
    /// Changed accounts, sorted by name; unchanged ones are absent.
    pub changes: Vec<(Username, Change)>,
    /// Accounts that are in the files afterwards, sorted by name.
    pub restored: Vec<Username>,
    /// Disabled accounts that are left out, but whose lines of an earlier restore
    /// are there and locked afterwards.
    pub locked_out: Vec<Username>,
    /// Accounts, groups and files that were left out, and why.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Returns whether accounts are removed and nothing else happens: then passwd is
    /// written first, so that no passwd line stands without its shadow line.
    pub fn only_removes(&self) -> bool {
        !self.changes.is_empty()
            && self
                .changes
                .iter()
                .all(|(_, change)| *change == Change::Remove)
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, change) in &self.changes {
            writeln!(f, "{} '{name}'", change.word())?;
        }
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for (file, _) in &self.writes {
            writeln!(f, "write '/etc/{}'", file.name())?;
        }
        write!(f, "{} accounts", self.restored.len())
    }
}
