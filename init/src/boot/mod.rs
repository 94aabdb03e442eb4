//! `run`: the order of a boot, and nothing else. Look whether there is anything to restore
//! (`precheck`), restore (`boot_restore`, in a `restore_child`), start COMMAND, supervise it.
//!
//! The first boot is one of them: where the environment names a first account
//! (`bootstrap_env`), the restore also makes it, if the store never had one
//! (`commands::user::bootstrap`). Where it names none, nothing is to be restored; the login
//! then logs a code by which a browser makes the first account (`occ-gate`).

mod boot_restore;
pub(crate) mod bootstrap_env;
pub(crate) mod precheck;
pub(crate) mod restore_child;

use std::os::fd::AsRawFd as _;

use crate::cli::globals::Paths;
use crate::cli::run::{Run, TWIN_PREFIX};
use crate::log::say;
use crate::status::claim::Claim;
use crate::status::file::{self, StatusFile};
use crate::supervise::command::{self, CommandError, Inherited, OWN_FAILURE};
use crate::supervise::phase::Policy;
use crate::supervise::run_as;
use crate::supervise::signals;
use crate::supervise::{Command, supervise};
use crate::sync::hooks::AccountHooks;
use crate::sync::{AccountSync, WatchStart};
use crate::sys::spawn::Group;
use crate::sys::{self, Environment, SignalMask};
use precheck::Precheck;
use restore_child::{Outcome, RestoreCommand};

/// Runs COMMAND to its end and returns our exit status. All signals are blocked; `mask` is
/// the one that COMMAND gets.
pub(crate) fn run(run: &Run<'_>, mut env: Environment, mask: SignalMask) -> u8 {
    let is_pid1 = sys::own_pid() == 1;
    if !is_pid1 {
        // Without it orphans go past us; that is no reason not to run.
        let _ = nix::sys::prctl::set_child_subreaper(true);
    }
    let paths = run.globals.paths().absolute();
    // With --no-restore another init may be the one that keeps the accounts.
    let claim = if is_pid1 || !run.no_restore {
        Claim::take(&paths)
    } else {
        Claim::look(&paths)
    };
    let boot = Boot {
        run,
        is_pid1,
        is_primary_init: match claim {
            Claim::Held(_) => true,
            // Nobody can claim in a container that has no directory for it.
            Claim::Free => is_pid1 || !file::pid1_is_occ_init(),
            Claim::Anothers => false,
        },
        claim,
        paths,
        inherited: Inherited {
            mask,
            ignore_sigchld: sys::default_sigchld(),
            terminal: sys::held_terminal(),
            group: if run.setsid {
                Group::Session
            } else if sys::is_front_without_number() {
                Group::Inherited
            } else {
                Group::Own
            },
        },
    };
    if boot.is_primary_init {
        // The file of the boot before. COMMAND may ask for the status at once.
        file::delete(&boot.paths);
    }
    let passwd = WatchStart::later(&boot.paths);
    let needed = boot_restore::look(run, &boot.paths, &env);
    let watch_start = boot.watch_start(needed, passwd);
    let outcome = boot_restore::run(needed, &boot.restores(), &env);
    bootstrap_env::remove(&mut env);
    if !boot_restore::report(run, &outcome) && run.strict {
        if let Outcome::Late(child) = outcome {
            let _ = sys::kill(child.pid(), signals::KILL);
        }
        return OWN_FAILURE;
    }
    let twins = env.split_off(TWIN_PREFIX);
    let started = boot.start_command(&env);
    drop(env);
    match started {
        Ok(pid) => boot.supervise(pid, &twins, watch_start, outcome),
        Err(CommandError { status, line }) => {
            say(&line);
            status
        }
    }
}

/// Everything one boot needs until COMMAND ends.
struct Boot<'a> {
    run: &'a Run<'a>,
    paths: Paths,
    is_pid1: bool,
    /// Held as long as we run.
    claim: Claim,
    /// No other init of ours in this container writes the status file and syncs accounts.
    is_primary_init: bool,
    inherited: Inherited,
}

impl Boot<'_> {
    fn restores(&self) -> RestoreCommand<'_> {
        RestoreCommand {
            globals: &self.run.globals,
            paths: &self.paths,
            mask: self.inherited.mask,
        }
    }

    /// Returns `None` if accounts are not to be kept in sync. Watches before the first
    /// restore, so that no change falls between the two.
    fn watch_start(
        &self,
        needed: Result<Precheck, &'static str>,
        later: WatchStart,
    ) -> Option<WatchStart> {
        let needed = needed.ok().filter(|_| self.is_primary_init)?;
        Some(match needed {
            Precheck::NotNeeded => later,
            needed => WatchStart::now(&self.paths, needed == Precheck::Needed),
        })
    }

    fn start_command(&self, env: &Environment) -> Result<i32, CommandError> {
        let user = self.run.user.as_deref().map(run_as::look_up).transpose();
        let user = user.map_err(|why| CommandError {
            status: OWN_FAILURE,
            line: format!("cannot run as the user: {why}"),
        })?;
        if let Some(user) = &user {
            sys::give_stdio(user.uid);
        }
        command::start(self.run.command, env, user.as_ref(), &self.inherited)
    }

    fn supervise(
        &self,
        pid: i32,
        twins: &Environment,
        watch_start: Option<WatchStart>,
        outcome: Outcome,
    ) -> u8 {
        let name = self.run.command.first();
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let status = self
            .is_primary_init
            .then(|| StatusFile::new(&self.paths, pid, name.clone()));
        let sync = watch_start.map(|start| AccountSync::new(start, self.restores(), twins));
        let late = match &outcome {
            Outcome::Late(child) => Some(child.fd()),
            _ => None,
        };
        let terminal = self.inherited.terminal;
        let keep = late
            .into_iter()
            .chain(self.claim.fd())
            .chain(sync.as_ref().and_then(AccountSync::fd))
            .chain(terminal.map(|terminal| terminal.fd.as_raw_fd()));
        detach(&keep.collect::<Vec<_>>());
        let mut hooks = AccountHooks::new(status, sync, outcome);
        let command = Command {
            pid,
            name,
            group: self.run.group,
            terminal: self.inherited.terminal,
            policy: Policy {
                is_pid1: self.is_pid1,
                shares_group: self.inherited.group == Group::Inherited,
                grace: self.run.grace,
                rewrite: self.run.rewrite.clone(),
                remap_exit: self.run.remap_exit.clone(),
            },
            quiet: self.run.globals.quiet,
            verbose: self.run.globals.verbose,
        };
        let exit_status = supervise(command, &mut hooks);
        hooks.finish();
        exit_status
    }
}

/// Lets go of what COMMAND inherited: no mount is held busy, no socket and no pipe open; and
/// the status file is readable whatever the umask was.
fn detach(keep: &[std::os::fd::RawFd]) {
    sys::close_inherited(keep);
    let _ = nix::unistd::chdir("/");
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
}
