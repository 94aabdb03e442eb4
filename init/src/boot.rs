//! The restores that PID 1 starts: at boot `occ-init restore --boot`, later
//! `--capture`, in processes of their own, so that a crash, a loop or a dead
//! disk there can't take PID 1 down, and their memory goes when they go. Where a
//! glance shows that there is nothing to restore, none is started.
//! Decides nothing about accounts.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::unistd::AccessFlags;

use crate::background::{self, Background};
use crate::first_account;
use crate::glance::Glance;
use crate::restore::summary::Summary;
use crate::run_options::{Globals, Run};
use crate::say::say;
use crate::sys::{Entry, Environment, SignalMask};
use crate::watch::Mark;

/// How long the restore may go without a sign of life.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// How the restore went.
pub(crate) enum Outcome {
    /// The summary, one JSON document, and what was written.
    Done(String, Vec<Mark>),
    /// Not wanted or not possible; why.
    Skipped(&'static str),
    /// One line.
    Failed(String),
    /// As done, but for something that was asked for besides; it said what.
    Partly(String, Vec<Mark>),
    /// It ended with this exit status, not 0, having said why.
    Exited(u8),
    /// Still at work after `PATIENCE`.
    Late(Background),
}

impl Outcome {
    /// What the status file says about it.
    pub(crate) fn json(&self) -> String {
        match self {
            Self::Done(summary, _) | Self::Partly(summary, _) => summary.clone(),
            Self::Skipped(why) => format!(r#"{{"state":"skipped","reason":"{why}"}}"#),
            Self::Failed(_) | Self::Exited(_) => {
                serde_json::json!({"state": "failed", "reason": self.failure()}).to_string()
            }
            Self::Late(_) => r#"{"state":"running"}"#.to_owned(),
        }
    }

    /// Why it failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        match self {
            Self::Failed(why) => Some(why.clone()),
            Self::Exited(status) => Some(format!("it exited with status {status}")),
            Self::Done(..) | Self::Partly(..) | Self::Skipped(_) | Self::Late(_) => None,
        }
    }
}

/// Whether accounts are to be restored here; why not.
pub(crate) fn is_wanted(run: &Run<'_>) -> Result<(), &'static str> {
    if run.no_restore {
        Err("--no-restore")
    } else if !nix::unistd::geteuid().is_root() {
        Err("not root")
    } else if is_read_only(&run.globals) {
        Err("/etc is read-only")
    } else {
        Ok(())
    }
}

fn is_read_only(globals: &Globals) -> bool {
    let root = globals.root.as_deref().unwrap_or(Path::new("/"));
    nix::unistd::access(&root.join("etc"), AccessFlags::W_OK) == Err(Errno::EROFS)
}

/// What a restore would say that has nothing to do.
pub(crate) fn line_for_nothing(run: &Run<'_>) -> Option<String> {
    (!run.globals.quiet).then(|| Summary::default().line())
}

/// Restores, unless told not to or not root. The secrets of the first account
/// are gone from the environment then.
pub(crate) fn restore(
    run: &Run<'_>,
    found: Result<Glance, &'static str>,
    env: &mut Environment,
    mask: SignalMask,
) -> Outcome {
    let outcome = match found {
        Err(why) => Outcome::Skipped(why),
        Ok(Glance::Nothing) => {
            if let Some(line) = line_for_nothing(run) {
                say(&line);
            }
            nothing()
        }
        Ok(Glance::Something) => whole(run, env, mask, PATIENCE),
        // It has had its time.
        Ok(Glance::Hung) => whole(run, env, mask, Duration::ZERO),
    };
    first_account::wipe(env);
    outcome
}

/// As one that had nothing to do.
pub(crate) fn nothing() -> Outcome {
    let json = serde_json::to_string(&Summary::nothing()).unwrap_or_default();
    Outcome::Done(json, Vec::new())
}

fn whole(run: &Run<'_>, env: &mut Environment, mask: SignalMask, patience: Duration) -> Outcome {
    let entries: Vec<Entry<'_>> = env.entries().collect();
    let args = arguments(c"--boot", &run.globals);
    let started = background::start(SELF, &args, &entries, mask);
    // It has its own copy by now, and wipes that.
    first_account::wipe(env);
    started.map_or_else(Outcome::Failed, |child| child.watch(patience))
}

/// Starts a restore that takes in what changed since the last one; its end
/// comes as a SIGCHLD.
pub(crate) fn capture(
    globals: &Globals,
    env: &[Entry<'_>],
    mask: SignalMask,
) -> Result<Background, String> {
    let child = background::start(SELF, &arguments(c"--capture", globals), env, mask)?;
    child.let_go();
    Ok(child)
}

const SELF: &CStr = c"/proc/self/exe";

fn arguments(mode: &CStr, globals: &Globals) -> Vec<CString> {
    let mut args = vec![
        c"occ-init".to_owned(),
        c"restore".to_owned(),
        mode.to_owned(),
    ];
    for (option, given) in [
        (c"-q", globals.quiet),
        (c"-v", globals.verbose),
        (c"--no-store-lock", globals.no_store_lock),
    ] {
        args.extend(given.then(|| option.to_owned()));
    }
    for (option, path) in [(c"--root", &globals.root), (c"--store", &globals.store)] {
        if let Some(path) = path.as_deref().and_then(c_path) {
            args.extend([option.to_owned(), path]);
        }
    }
    args
}

/// None for a path that holds a NUL, which a command line can't give.
fn c_path(path: &Path) -> Option<CString> {
    CString::new(path.as_os_str().as_bytes()).ok()
}
