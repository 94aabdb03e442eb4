//! `run`: restore, start COMMAND, look after it. The order of a boot, and
//! nothing else.

use std::cell::OnceCell;
use std::path::Path;

use crate::OWN_FAILURE;
use crate::background::Background;
use crate::boot::{self, Outcome};
use crate::deferred::Deferred;
use crate::first_account;
use crate::follow::{Follow, Passwd, Restores, Sight};
use crate::glance::{self, Glance, Places};
use crate::identity;
use crate::invoke::{self, Inherited, Refusal};
use crate::phase::Policy;
use crate::run_options::{Globals, Run, TWIN_PREFIX};
use crate::say::{self, say};
use crate::signals;
use crate::spawn::{Look, NotStarted};
use crate::status::{self, Status};
use crate::supervise::{Beside, Command, supervise};
use crate::sys::{self, Environment, SignalMask};
use crate::upkeep::Upkeep;

/// Runs COMMAND to its end and returns our exit status. All signals are
/// blocked; `mask` is what COMMAND is to have.
pub(crate) fn run(run: &Run<'_>, env: Environment, mask: SignalMask) -> u8 {
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
    let seen = Passwd::of(&globals);
    let setting = Setting {
        run,
        globals,
        is_pid1,
        is_first: OnceCell::new(),
        inherited,
        seen,
    };
    setting.forget();
    match begin(run, &env, &setting.inherited) {
        Begun::Started(started) => setting.at_once(&env, started),
        Begun::Found(found) => setting.after_restore(env, found),
    }
}

/// In what COMMAND runs, from its start to its end.
struct Setting<'a> {
    run: &'a Run<'a>,
    globals: Globals,
    is_pid1: bool,
    /// Whether no other init of ours in this container writes the status file and
    /// follows; looked for when it matters.
    is_first: OnceCell<bool>,
    inherited: Inherited,
    /// Before COMMAND was started.
    seen: Passwd,
}

impl Setting<'_> {
    /// There was nothing to restore, and COMMAND was started, or not.
    fn at_once(&self, env: &Environment, started: Result<i32, Refusal>) -> u8 {
        let pid = match started {
            Ok(pid) => pid,
            Err(refusal) => return refused(&refusal),
        };
        let begin = || {
            let sight = self.is_first().then_some(Sight::Later(self.seen));
            self.upkeep(env, pid, sight, boot::nothing())
        };
        let changes = || Passwd::of(&self.globals) != self.seen;
        let mut upkeep = Deferred::new(&changes, begin);
        let exit_status = self.look_after(pid, &mut upkeep);
        upkeep.finish();
        exit_status
    }

    fn after_restore(&self, mut env: Environment, found: Result<Glance, &'static str>) -> u8 {
        let Self { run, globals, .. } = self;
        let sight = found.ok().filter(|_| self.is_first());
        let sight = sight.map(|found| match found {
            Glance::Nothing => Sight::Later(self.seen),
            found => Sight::of(globals, found),
        });
        let restored = boot::restore(run, found, &mut env, self.inherited.mask);
        if tell(run, &restored).is_err() && run.strict {
            if let Outcome::Late(late) = restored {
                let _ = sys::kill(late.pid(), signals::KILL);
            }
            return OWN_FAILURE;
        }
        let pid = match started(run, &env, &self.inherited) {
            Ok(pid) => pid,
            Err(refusal) => return refused(&refusal),
        };
        let mut upkeep = self.upkeep(&env, pid, sight, restored);
        let exit_status = self.look_after(pid, &mut upkeep);
        upkeep.finish();
        exit_status
    }

    fn is_first(&self) -> bool {
        let looked = || self.is_pid1 || !status::pid1_is_occ_init();
        *self.is_first.get_or_init(looked)
    }

    /// Before COMMAND is there, which may ask at once.
    fn forget(&self) {
        if status::is_there(&self.globals) && self.is_first() {
            status::forget(&self.globals);
        }
    }

    /// What goes on beside COMMAND, from now on.
    fn upkeep<'e>(
        &'e self,
        env: &'e Environment,
        pid: i32,
        sight: Option<Sight>,
        restored: Outcome,
    ) -> Upkeep<'e> {
        let status = self
            .is_first()
            .then(|| Status::new(&self.globals, pid, name(self.run)));
        let follow = sight.map(|sight| Follow::new(sight, self.restores(env)));
        settle(&restored, follow.as_ref());
        Upkeep::new(status, follow, restored)
    }

    /// Our options are all that the restores to come need of the environment; the
    /// first account's secrets are no business of theirs.
    fn restores<'e>(&'e self, env: &'e Environment) -> Restores<'e> {
        Restores {
            globals: &self.globals,
            env: env.with_prefix(TWIN_PREFIX).0,
            mask: self.inherited.mask,
        }
    }

    fn look_after(&self, pid: i32, beside: &mut dyn Beside) -> u8 {
        let run = self.run;
        let command = Command {
            pid,
            name: name(run),
            group: run.group,
            terminal: self.inherited.terminal,
            policy: Policy::new(run, self.is_pid1),
            quiet: run.globals.quiet,
            verbose: run.globals.verbose,
        };
        supervise(command, beside)
    }
}

/// How a boot begins.
enum Begun {
    /// COMMAND was started at once: there is nothing to restore.
    Started(Result<i32, Refusal>),
    /// What there is to restore before; Err: why nothing is to be.
    Found(Result<Glance, &'static str>),
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

/// Says why COMMAND was not started.
fn refused(refusal: &Refusal) -> u8 {
    say(&refusal.line);
    refusal.status
}

fn started(run: &Run<'_>, env: &Environment, inherited: &Inherited) -> Result<i32, Refusal> {
    let own = |line| Refusal {
        status: OWN_FAILURE,
        line,
    };
    let identity = run.user.as_deref().map(identity::look_up).transpose();
    let identity = identity.map_err(|why| own(format!("cannot run as the user: {why}")))?;
    let started = invoke::start(run.command, env, identity.as_ref(), inherited, None);
    started.map_err(|why| match why {
        NotStarted::Failed(refusal) => refusal,
        NotStarted::Unwanted | NotStarted::Hung => own("COMMAND was not started".to_owned()),
    })
}

/// For messages.
fn name(run: &Run<'_>) -> String {
    let name = run.command.first();
    name.map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
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
