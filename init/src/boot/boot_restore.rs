//! The restore of a boot: whether it is wanted, whether it is needed, and what is logged of
//! it. Decides nothing about accounts.

use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::AccessFlags;

use super::bootstrap_env;
use super::precheck::{self, Precheck};
use super::restore_child::{Mode, Outcome, RestoreCommand};
use crate::cli::globals::Paths;
use crate::cli::run::Run;
use crate::log::say;
use crate::restore::summary::Summary;
use crate::status::file::NOT_WANTED;
use crate::sys::Environment;

/// How long a restore may go without progress.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns what there is to restore; the error is why nothing is to be restored.
pub(crate) fn look(
    run: &Run<'_>,
    paths: &Paths,
    env: &Environment,
) -> Result<Precheck, &'static str> {
    if run.no_restore {
        Err(NOT_WANTED)
    } else if !nix::unistd::geteuid().is_root() {
        Err("not root")
    } else if nix::unistd::access(&paths.etc(), AccessFlags::W_OK) == Err(Errno::EROFS) {
        Err("/etc is read-only (run the container without '--read-only')")
    } else if bootstrap_env::is_set(env) {
        Ok(Precheck::Needed)
    } else {
        Ok(precheck::run(paths, TIMEOUT))
    }
}

/// Restores, if that is needed. COMMAND starts afterwards.
pub(crate) fn run(
    needed: Result<Precheck, &'static str>,
    command: &RestoreCommand<'_>,
    env: &Environment,
) -> Outcome {
    let timeout = match needed {
        Err(why) => return Outcome::Skipped(why),
        Ok(Precheck::NotNeeded) => return nothing(command.globals.quiet),
        Ok(Precheck::Needed) => TIMEOUT,
        // The disk has had its time.
        Ok(Precheck::NoAnswer) => Duration::ZERO,
    };
    let started = command.start(Mode::Boot, env);
    started.map_or_else(Outcome::Failed, |child| child.wait(timeout))
}

/// A restore that had nothing to do.
fn nothing(is_quiet: bool) -> Outcome {
    if !is_quiet {
        say(&Summary::default().line());
    }
    Outcome::Nothing
}

/// Logs how the restore went. Returns false if the accounts are not as they should be.
pub(crate) fn report(run: &Run<'_>, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done(_) | Outcome::Nothing => return true,
        Outcome::Partly(_) => {}
        Outcome::Skipped(_) if run.no_restore => return true,
        Outcome::Skipped(why) => {
            if !run.globals.quiet || run.strict {
                say(&format!("accounts are not restored: {why}"));
            }
        }
        Outcome::Failed(_) | Outcome::Exited(_) => {
            let why = outcome.failure().unwrap_or_default();
            say(&format!("restore failed: {why}; see 'occ-init check'"));
        }
        Outcome::Late(_) => {
            say("restore has made no progress for 10 seconds; it goes on in the background");
        }
    }
    false
}
