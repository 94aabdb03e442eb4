//! `restore --capture`: the child that PID 1 starts when account files or
//! records changed. The restore that boot and commands do, and besides what
//! `disable` and `remove` do: whoever was shut out from elsewhere, by another
//! container on the same store, has nothing left running here.
//!
//! Says nothing where nothing changed: its own writes may bring it back once.

use crate::commands::output::Answer;
use crate::commands::user::end_processes;
use crate::error::Error;
use crate::fs::version::{Mark, Place};
use crate::log::{print, say};
use crate::proc::kill::Victim;
use crate::restore::summary::Summary;
use crate::restore::{Caller, Paths, Session};
use accounts::applied;
use accounts::name::Username;
use accounts::record::Account;
use accounts::records::Records;
use std::collections::BTreeSet;

/// PID 1 reads them at our end only, so they must fit into the pipe.
const MOST_MARKS: usize = 64;

/// Brings /etc and records in step. A lock that stays held is no failure: the
/// answer's status says "busy", and PID 1 comes again.
pub(crate) fn catch_up(paths: &Paths, quiet: bool) -> Result<Answer, Error> {
    let summary = match follow(paths) {
        Err(error @ (Error::Busy { .. } | Error::KeepsChanging(_))) => {
            return Ok(Answer {
                text: String::new(),
                json: String::new(),
                status: error.kind().exit_code(),
            });
        }
        other => other?,
    };
    if summary.added + summary.updated + summary.removed > 0 {
        if !quiet {
            say(&summary.line());
        }
        for problem in summary.told() {
            say(&problem);
        }
    }
    Ok(Answer::for_pid1(&summary))
}

fn follow(paths: &Paths) -> Result<Summary, Error> {
    let mut session = Session::begin_restore(paths, Caller::Follow)?;
    let shut_out = session.newly_shut_out();
    // Before, so that a kill in between leaves nobody running: what was applied
    // is remembered by the restore. After, for who logged in meanwhile.
    let ended = end_processes(paths, &shut_out, false);
    let summary = session.restore(&|| ())?;
    session.print_marks();
    ended.and_then(|()| end_processes(paths, &shut_out, false))?;
    Ok(summary)
}

impl Session {
    /// Whose lines we wrote as those of an account that may log in, and who by
    /// now is disabled or removed. Numbers that nobody else has a right to.
    fn newly_shut_out(&self) -> Vec<Victim> {
        let Records {
            accounts,
            tombstones,
            ..
        } = &self.records;
        let was_let_in = |account: &&Account| {
            let base = self.applied.get(account.name.as_str().as_bytes());
            base.is_some_and(|base| {
                base.uid == account.uid.get() && *base != applied::Entry::of(account)
            })
        };
        let disabled = accounts.values().map(Box::as_ref);
        let disabled = disabled.filter(|account| account.locked);
        let disabled: Vec<&Account> = disabled.filter(was_let_in).collect();
        let removed = tombstones
            .iter()
            .filter(|dead| {
                self.applied
                    .has(dead.name.as_str().as_bytes(), dead.uid.get())
            })
            .filter(|dead| accounts.values().all(|account| account.uid != dead.uid))
            .map(|dead| self.known().victim(&dead.name, dead.uid));
        if disabled.is_empty() {
            return removed.collect();
        }
        let (admitted, _) = self.records.admit(&self.image);
        // By name: a record without a right to its uid must not end its owner's.
        let admitted: BTreeSet<&Username> = admitted.iter().map(|account| &account.name).collect();
        let disabled = disabled
            .into_iter()
            .filter(|account| admitted.contains(&account.name))
            .map(|account| self.known().victim(&account.name, account.uid));
        disabled.chain(removed).collect()
    }

    /// Tells PID 1 what we wrote, so that it need not look again because of us.
    /// While the locks are held, and only what still is as we wrote it.
    pub(crate) fn print_marks(&self) {
        let records = self.saved.iter().filter_map(|name| {
            let file = format!("{name}.json");
            // In this order: what is swapped in between gets no mark, or one
            // that no longer fits.
            let stat = crate::fs::dir::stat(&self.store.directory, file.as_str());
            let record = self.store.read(name, self.image.uids).ok()?;
            let is_ours = self.records.get(name.as_str().as_bytes()) == Some(record.account());
            let stat = stat.ok().flatten().filter(|_| is_ours)?;
            Some(Mark::new(Place::Store, &file, &stat))
        });
        let etc = self.written.iter();
        let etc = etc.map(|file| Mark::new(Place::Etc, file.name, &file.state));
        let marks = etc.chain(records);
        let lines: Vec<String> = marks.take(MOST_MARKS).map(|mark| mark.line()).collect();
        print(&lines.concat());
    }
}
