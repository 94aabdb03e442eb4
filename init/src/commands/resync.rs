//! `restore --capture`: the child that PID 1 starts when account files or records changed.
//! Restores as boot does, and ends the processes of accounts that another container on the
//! same store disabled or removed.
//!
//! Prints nothing where nothing changed: its own writes may start it once more. Problems are
//! in the summary, and PID 1 tells those that are new.

use crate::commands::output::Output;
use crate::error::Error;
use crate::log::say;
use crate::proc::kill::end_processes;
use crate::restore::summary::Summary;
use crate::restore::{Caller, Paths, Session};

/// Brings /etc and records in step. A lock that stays held is no failure: the
/// answer's status says "busy", and PID 1 comes again.
pub(crate) fn resync(paths: &Paths, quiet: bool) -> Result<Output, Error> {
    let summary = match follow(paths) {
        Err(error @ (Error::Busy { .. } | Error::KeepsChanging(_))) => {
            return Ok(Output {
                status: error.kind().exit_code(),
                ..Output::default()
            });
        }
        other => other?,
    };
    if summary.added + summary.updated + summary.removed > 0 && !quiet {
        say(&summary.line());
    }
    Ok(Output::for_pid1(&summary))
}

fn follow(paths: &Paths) -> Result<Summary, Error> {
    let mut session = Session::begin_restore(paths, Caller::Follow)?;
    let shut_out = session.lost_access();
    // Before, so that a kill in between leaves nobody running: what was applied
    // is remembered by the restore. After, for who logged in meanwhile.
    let ended = end_processes(&paths.root, &shut_out, false);
    let summary = session.restore(&|| ())?;
    session.print_marks();
    ended.and_then(|()| end_processes(&paths.root, &shut_out, false))?;
    Ok(summary)
}
