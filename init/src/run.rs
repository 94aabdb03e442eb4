//! `run`: restore, start COMMAND, look after it. The order of a boot, and
//! nothing else.

use std::path::PathBuf;

use crate::OWN_FAILURE;
use crate::boot::{self, Late, Outcome};
use crate::identity;
use crate::invoke::{self, Inherited};
use crate::phase::Policy;
use crate::run_options::{Globals, Run};
use crate::say::say;
use crate::signals;
use crate::status::{self, Status};
use crate::supervise::{Command, supervise};
use crate::sys::{self, Environment, SignalMask};

/// Runs COMMAND to its end and returns our exit status. All signals are
/// blocked; `mask` is what COMMAND is to have.
pub(crate) fn run(run: &Run<'_>, mut env: Environment, mask: SignalMask) -> u8 {
    let is_pid1 = sys::own_pid() == 1;
    if !is_pid1 {
        // Without it orphans go past us; that is no reason not to run.
        let _ = nix::sys::prctl::set_child_subreaper(true);
    }
    let inherited = Inherited {
        mask,
        ignore_sigchld: sys::default_sigchld(),
        terminal: sys::held_terminal(),
    };
    let restored = boot::restore(run, &env, mask);
    let told = tell(run, &restored);
    for name in invoke::SECRETS {
        env.wipe(name);
    }
    if run.strict && told.is_err() {
        if let Outcome::Late(late) = restored {
            let _ = sys::kill(late.pid(), signals::KILL);
        }
        return OWN_FAILURE;
    }
    let started = match started(run, &env, &inherited) {
        Ok(pid) => pid,
        Err(refusal) => {
            say(&refusal.line);
            return refusal.status;
        }
    };
    look_after(run, started, is_pid1, restored, &inherited)
}

/// Err where the accounts are not as they should be.
fn tell(run: &Run<'_>, restored: &Outcome) -> Result<(), ()> {
    match restored {
        Outcome::Done(_) => return Ok(()),
        Outcome::Skipped(_) if run.no_restore => return Ok(()),
        Outcome::Skipped(why) => {
            if !run.globals.quiet || run.strict {
                say(&format!("accounts are not restored: {why}"));
            }
        }
        Outcome::Failed(why) => say(&format!("restore failed: {why}; see 'occ-init check'")),
        Outcome::Late(_) => {
            say("restore has made no progress for 10 seconds; it goes on in the background");
        }
    }
    Err(())
}

fn started(
    run: &Run<'_>,
    env: &Environment,
    inherited: &Inherited,
) -> Result<i32, invoke::Refusal> {
    let refused = |line| invoke::Refusal {
        status: OWN_FAILURE,
        line,
    };
    let identity = run.user.as_deref().map(identity::look_up).transpose();
    let identity = identity.map_err(|why| refused(format!("cannot run as the user: {why}")))?;
    invoke::start(run.command, env, identity.as_ref(), inherited)
}

fn look_after(
    run: &Run<'_>,
    pid: i32,
    is_pid1: bool,
    restored: Outcome,
    inherited: &Inherited,
) -> u8 {
    let name = run
        .command
        .first()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let globals = Globals {
        root: absolute(run),
        ..Globals::default()
    };
    settle(&restored);
    let status = Status::new(&globals, pid, name.clone());
    let writes = is_pid1 || !status::pid1_is_occ_init();
    if writes {
        write(&status, &restored);
    }
    let mut late = match restored {
        Outcome::Late(late) => Some(late),
        _ => None,
    };
    let command = Command {
        pid,
        name,
        group: run.group,
        terminal: inherited.terminal,
        policy: Policy::new(run, is_pid1),
        quiet: run.globals.quiet,
        verbose: run.globals.verbose,
    };
    sys::release_code();
    supervise(command, &mut |ended, raw| {
        if let Some(late) = late.take_if(|late| late.pid() == ended) {
            let outcome = late.finish(raw);
            match &outcome {
                Outcome::Failed(why) => {
                    say(&format!("restore failed late: {why}; see 'occ-init check'"));
                }
                _ => say("restore has ended"),
            }
            if writes {
                write(&status, &outcome);
            }
        }
    })
}

/// `--root` holds from wherever we are.
fn absolute(run: &Run<'_>) -> Option<PathBuf> {
    run.globals
        .root
        .as_deref()
        .and_then(|root| std::path::absolute(root).ok())
}

/// What COMMAND inherited is COMMAND's: we hold no mount busy, no socket and
/// no pipe open, and the status file is readable whatever the umask was.
fn settle(restored: &Outcome) {
    let keep = match restored {
        Outcome::Late(late) => Some(Late::fd(late)),
        _ => None,
    };
    sys::close_inherited(keep);
    let _ = nix::unistd::chdir("/");
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
}

/// Only root can write there; that it is not root was said already.
fn write(status: &Status, restored: &Outcome) {
    if let Err(error) = status.write(&restored.json())
        && nix::unistd::geteuid().is_root()
    {
        let path = status.path().display();
        say(&format!(
            "cannot write '{path}': {}; 'occ-init status' will not know of this boot",
            error.kind()
        ));
    }
}
