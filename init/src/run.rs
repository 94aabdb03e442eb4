//! `run`: restore, start COMMAND, look after it. The order of a boot, and
//! nothing else.

use std::path::Path;

use crate::OWN_FAILURE;
use crate::background::Background;
use crate::boot::{self, Outcome};
use crate::first_account;
use crate::follow::{Follow, Restores, Sight};
use crate::glance::{self, Glance, Places};
use crate::identity;
use crate::invoke::{self, Inherited, Refusal};
use crate::phase::Policy;
use crate::run_options::{Globals, Run, TWIN_PREFIX};
use crate::say::{self, say};
use crate::signals;
use crate::spawn::{Look, NotStarted};
use crate::status::{self, Status};
use crate::supervise::{Command, supervise};
use crate::sys::{self, Environment, SignalMask};
use crate::upkeep::Upkeep;

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
    let globals = absolute(&run.globals);
    let before = Sight::of(&globals, Glance::Nothing);
    let begun = begin(run, &env, &inherited);
    // Another init of ours in this container follows already.
    let is_first = is_pid1 || !status::pid1_is_occ_init();
    if is_first {
        status::forget(&globals);
    }
    let sight = begun.found().filter(|_| is_first).map(|found| match found {
        Glance::Nothing => before,
        found => Sight::of(&globals, found),
    });
    let (restored, started) = match begun {
        Begun::Started(started) => (boot::nothing(), started),
        Begun::Found(found) => {
            let restored = boot::restore(run, found, &mut env, mask);
            if tell(run, &restored).is_err() && run.strict {
                if let Outcome::Late(late) = restored {
                    let _ = sys::kill(late.pid(), signals::KILL);
                }
                return OWN_FAILURE;
            }
            (restored, started(run, &env, &inherited))
        }
    };
    let started = match started {
        Ok(pid) => pid,
        Err(refusal) => {
            say(&refusal.line);
            return refusal.status;
        }
    };
    let status = is_first.then(|| Status::new(&globals, started, name(run)));
    let follow = sight.map(|sight| Follow::new(sight, restores(globals, &env, mask)));
    settle(&restored, follow.as_ref());
    let mut upkeep = Upkeep::new(status, follow, restored);
    let exit_status = look_after(run, started, is_pid1, &inherited, &mut upkeep);
    upkeep.finish();
    exit_status
}

/// How a boot begins.
enum Begun {
    /// COMMAND was started at once: there is nothing to restore.
    Started(Result<i32, Refusal>),
    /// What there is to restore before; Err: why nothing is to be.
    Found(Result<Glance, &'static str>),
}

impl Begun {
    fn found(&self) -> Option<Glance> {
        match self {
            Self::Started(_) => Some(Glance::Nothing),
            Self::Found(found) => found.ok(),
        }
    }
}

/// Starts COMMAND, unless its process finds before its exec that there is something
/// to restore. Not as another user: who that is, a restore may say.
fn begin(run: &Run<'_>, env: &Environment, inherited: &Inherited) -> Begun {
    let places = match boot::is_wanted(run) {
        Err(why) => return Begun::Found(Err(why)),
        Ok(()) if first_account::is_wanted(env) => return Begun::Found(Ok(Glance::Something)),
        Ok(()) if run.user.is_some() => {
            return Begun::Found(Ok(glance::at(&run.globals, None, boot::PATIENCE)));
        }
        Ok(()) => Places::of(&run.globals),
    };
    let Some(places) = places else {
        return Begun::Found(Ok(Glance::Something));
    };
    let line = boot::line_for_nothing(run).map(|line| say::laid_out(&line));
    let mut finds = || {
        let is_quiet = places.are_quiet();
        if let Some(line) = line.as_ref().filter(|_| is_quiet) {
            say::write(line);
        }
        is_quiet
    };
    let look = Look {
        patience: boot::PATIENCE,
        finds: &mut finds,
    };
    match invoke::start(run.command, env, None, inherited, Some(look)) {
        Ok(pid) => Begun::Started(Ok(pid)),
        Err(NotStarted::Failed(refusal)) => Begun::Started(Err(refusal)),
        Err(NotStarted::Unwanted) => Begun::Found(Ok(Glance::Something)),
        Err(NotStarted::Hung) => Begun::Found(Ok(Glance::Hung)),
    }
}

/// Err where the accounts are not as they should be.
fn tell(run: &Run<'_>, restored: &Outcome) -> Result<(), ()> {
    match restored {
        Outcome::Done(..) => return Ok(()),
        Outcome::Partly(..) => {}
        Outcome::Skipped(_) if run.no_restore => return Ok(()),
        Outcome::Skipped(why) => {
            if !run.globals.quiet || run.strict {
                say(&format!("accounts are not restored: {why}"));
            }
        }
        Outcome::Failed(_) | Outcome::Exited(_) => {
            let why = restored.failure().unwrap_or_default();
            say(&format!("restore failed: {why}; see 'occ-init check'"));
        }
        Outcome::Late(_) => {
            say("restore has made no progress for 10 seconds; it goes on in the background");
        }
    }
    Err(())
}

fn started(run: &Run<'_>, env: &Environment, inherited: &Inherited) -> Result<i32, Refusal> {
    let refused = |line| Refusal {
        status: OWN_FAILURE,
        line,
    };
    let identity = run.user.as_deref().map(identity::look_up).transpose();
    let identity = identity.map_err(|why| refused(format!("cannot run as the user: {why}")))?;
    let started = invoke::start(run.command, env, identity.as_ref(), inherited, None);
    started.map_err(|why| match why {
        NotStarted::Failed(refusal) => refusal,
        NotStarted::Unwanted | NotStarted::Hung => refused("COMMAND was not started".to_owned()),
    })
}

/// For messages.
fn name(run: &Run<'_>) -> String {
    let name = run.command.first();
    name.map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Our options are all that the restores to come need of the environment; the
/// first account's secrets are no business of theirs.
fn restores(globals: Globals, env: &Environment, mask: SignalMask) -> Restores<'_> {
    Restores {
        globals,
        env: env.with_prefix(TWIN_PREFIX).0,
        mask,
    }
}

fn look_after(
    run: &Run<'_>,
    pid: i32,
    is_pid1: bool,
    inherited: &Inherited,
    upkeep: &mut Upkeep<'_>,
) -> u8 {
    let command = Command {
        pid,
        name: name(run),
        group: run.group,
        terminal: inherited.terminal,
        policy: Policy::new(run, is_pid1),
        quiet: run.globals.quiet,
        verbose: run.globals.verbose,
    };
    supervise(command, upkeep)
}

/// `--root` and `--store` hold from wherever we are.
fn absolute(globals: &Globals) -> Globals {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    Globals {
        root: globals.root.as_deref().and_then(absolute),
        store: globals.store.as_deref().and_then(absolute),
        ..*globals
    }
}

/// What COMMAND inherited is COMMAND's: we hold no mount busy, no socket and
/// no pipe open, and the status file is readable whatever the umask was.
fn settle(restored: &Outcome, follow: Option<&Follow<'_>>) {
    let late = match restored {
        Outcome::Late(late) => Some(Background::fd(late)),
        _ => None,
    };
    let watch = follow.and_then(Follow::fd);
    let keep: Vec<_> = late.into_iter().chain(watch).collect();
    sys::close_inherited(&keep);
    let _ = nix::unistd::chdir("/");
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
}
