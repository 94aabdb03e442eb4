//! The road of a user command: a session that is open for changes, and the restore
//! that brings /etc in line with the records it saved.

use crate::error::Error;
use crate::log::say;
use crate::restore::summary::Summary;
use crate::restore::{Caller, Paths, Session};
use crate::status::file::tell_restore;
use accounts::account::{Account, Username};

/// Brings /etc in line after records were saved. The change is made by then, so
/// a failure here says so.
pub(super) fn apply(session: &mut Session) -> Result<Summary, Error> {
    let restored = session.restore(&|| ());
    let summary = restored.map_err(|cause| Error::Recorded(Box::new(cause)))?;
    tell_restore(session.paths(), &summary);
    Ok(summary)
}

pub(super) fn begin(paths: &Paths) -> Result<Session, Error> {
    Session::begin(paths, Caller::Command)
}

/// Warns about a login shell that the image does not have: whoever logs in is thrown out.
pub(super) fn warn_about_shell(account: &Account, paths: &Paths) {
    let shell = account.shell.as_str();
    let path = paths.root.join(shell.trim_start_matches('/'));
    if std::fs::symlink_metadata(path).is_err() {
        say(&format!(
            "warning: the image has no '{shell}', so '{}' cannot log in there",
            account.name
        ));
    }
}

/// Says what restore left out about an account that was just changed. One that
/// is left out altogether is a failure: `disable` must not claim to have shut
/// somebody out whose lines it could not touch.
pub(super) fn warn_about(summary: &Summary, name: &Username) -> Result<(), Error> {
    if let Some((name, refusal)) = summary.refused.iter().find(|(other, _)| other == name) {
        let refused = Error::refused(name, refusal.clone());
        return Err(Error::Recorded(Box::new(refused)));
    }
    let quoted = format!("'{name}'");
    summary
        .problems
        .iter()
        .filter(|problem| problem.contains(&quoted))
        .for_each(|problem| say(problem));
    // Those that name the account were said above, with all other problems.
    summary
        .odd_homes
        .iter()
        .filter(|(owner, odd)| owner == name && !odd.contains(&quoted))
        .for_each(|(_, odd)| say(odd));
    Ok(())
}
