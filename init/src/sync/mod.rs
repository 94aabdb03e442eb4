//! Keeps account files and records in step while COMMAND runs: starts a restore when they
//! change, and at the end makes sure that the last change was captured. `step` is the table
//! of what each event does; this file carries it out. Sees names of files and ends of
//! processes, never an account.
//!
//! A password changed inside is captured when `watch` sees shadow or passwd of /etc change,
//! when COMMAND ends, and at the end of PID 1. A record changed from elsewhere is applied
//! when `watch` sees the store change.

pub(crate) mod hooks;
mod rate_limit;
mod step;
mod watch;

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use accounts::wire::ErrorKind;
use serde_json::Value;

use crate::boot::precheck::{self, Precheck};
use crate::boot::restore_child::{Mode, Outcome, RestoreChild, RestoreCommand};
use crate::cli::globals::Paths;
use crate::fs::version::{FileVersion, Mark};
use crate::log::say;
use crate::supervise::phase::Change;
use crate::supervise::signals;
use crate::sys::{self, Environment, Received, Waited};
use rate_limit::RateLimit;
use step::{Action, Event, State, step};
use watch::Watch;

/// How long restores may hold up the container's end, in all.
const BUDGET: Duration = Duration::from_secs(1);

/// From COMMAND's start to a delayed watch. Where no account ever was there is no hurry; and
/// the kernel takes some 10 ms to end a watch, which a short COMMAND need not wait for.
const DELAY: Duration = Duration::from_secs(1);

/// The start of the watch: now, or one second after COMMAND's.
pub(crate) enum WatchStart {
    /// The error is why nothing is watched: one line.
    Now(Result<Watch, String>),
    /// The version of passwd before COMMAND's start: no account is made without changing it.
    Later(Option<FileVersion>),
}

impl WatchStart {
    /// Watches from now on; the store only if its disk answers.
    pub(crate) fn now(paths: &Paths, has_answered: bool) -> Self {
        let mut watch = Watch::begin(paths);
        if let (Ok(watch), true) = (&mut watch, has_answered) {
            watch.add();
        }
        Self::Now(watch)
    }

    pub(crate) fn later(paths: &Paths) -> Self {
        Self::Later(passwd_version(paths))
    }
}

fn passwd_version(paths: &Paths) -> Option<FileVersion> {
    let stat = nix::sys::stat::lstat(&paths.etc().join("passwd"));
    stat.ok().as_ref().map(FileVersion::of)
}

/// A watch that begins later; until then a new passwd tells of new accounts.
struct DelayedWatch {
    at: Instant,
    passwd: Option<FileVersion>,
}

/// Keeps account files and records in step.
pub(crate) struct AccountSync<'a> {
    restores: RestoreCommand<'a>,
    /// The options of occ-init: all that restores need of the environment.
    env: &'a Environment,
    watch: Option<Watch>,
    delayed: Option<DelayedWatch>,
    /// Changes may go unseen, so SIGHUP requests a restore.
    is_blind: bool,
    rate: RateLimit,
    child: Option<RestoreChild>,
    /// A restore failed, and none has worked since.
    failed: bool,
    /// How long we may still hold up the container's end.
    budget: Duration,
}

impl<'a> AccountSync<'a> {
    pub(crate) fn new(
        start: WatchStart,
        restores: RestoreCommand<'a>,
        env: &'a Environment,
    ) -> Self {
        let mut sync = Self {
            restores,
            env,
            watch: None,
            delayed: None,
            is_blind: false,
            rate: RateLimit::default(),
            child: None,
            failed: false,
            budget: BUDGET,
        };
        match start {
            WatchStart::Now(watch) => sync.set_watch(watch),
            WatchStart::Later(passwd) => {
                let at = Instant::now() + DELAY;
                sync.delayed = Some(DelayedWatch { at, passwd });
            }
        }
        sync
    }

    /// The descriptor that must stay open.
    pub(crate) fn fd(&self) -> Option<RawFd> {
        self.watch.as_ref().map(Watch::fd)
    }

    pub(crate) fn boot_restore_runs(&mut self) {
        self.rate.start(Instant::now());
    }

    pub(crate) fn on_boot_restore(&mut self, outcome: &Outcome) {
        self.rate.end();
        if let Some(watch) = &mut self.watch {
            if outcome.failure().is_some() {
                // Its disk may not answer: PID 1 must not touch the store itself.
                self.is_blind |= !watch.sees_store();
            } else {
                watch.complete();
                self.tell_blind_spot();
            }
        }
        if self.delayed.is_none() {
            self.failed = outcome.failure().is_some();
            self.judge_events(outcome.marks());
        }
    }

    /// Returns true if the signal must not be forwarded.
    pub(crate) fn on_signal(&mut self, received: Received) -> bool {
        self.on(Event::Signal(received), &[])
    }

    /// Returns the restore as the status file has it, if the child was one.
    pub(crate) fn on_child_exit(&mut self, pid: i32, status: i32) -> Option<Value> {
        let child = self.child.take_if(|child| child.pid() == pid)?;
        self.rate.end();
        let outcome = child.finish(status);
        if let Outcome::Failed(why) = &outcome {
            say(&format!("restore failed: {why}"));
        }
        self.failed = outcome.failure().is_some();
        let busy = ErrorKind::Busy.exit_code();
        let is_busy = matches!(outcome, Outcome::Exited(status) if status == busy);
        self.on(Event::RestoreEnded { is_busy }, outcome.marks());
        // One that was busy comes again.
        (!is_busy).then(|| outcome.json())
    }

    pub(crate) fn on_command_exit(&mut self) {
        self.on(Event::CommandEnded, &[]);
    }

    pub(crate) fn finish(mut self) {
        self.on(Event::End, &[]);
        if self.is_behind() {
            say("the last changes of passwords were perhaps not taken in");
        }
    }

    /// Does what is due; returns the time until more will be.
    pub(crate) fn poll(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let until = |delayed: &DelayedWatch| delayed.at.saturating_duration_since(now);
        let delay = self.delayed.as_ref().map(until);
        if delay == Some(Duration::ZERO) {
            self.begin_watch();
        }
        let mut due = self.rate.next_start(Instant::now());
        if due == Some(Duration::ZERO) {
            self.start_restore();
            due = None;
        }
        let delay = delay.filter(|left| !left.is_zero());
        due.into_iter().chain(delay).min()
    }

    /// `marks` are those of a restore that ended.
    fn on(&mut self, event: Event, marks: &[Mark]) -> bool {
        let sees_etc = self.watch.as_ref().is_some_and(Watch::sees_etc);
        let state = State {
            is_watching: self.watch.is_some(),
            sees_etc: sees_etc || self.delayed.is_some(),
            is_blind: self.is_blind,
            is_restoring: self.rate.is_running(),
        };
        let (actions, is_ours) = step(event, state);
        for action in actions {
            match action {
                Action::ReadEvents => self.read_events(),
                Action::JudgeEvents => self.judge_events(marks),
                Action::Request => self.rate.request(),
                Action::SkipDelay => self.rate.skip_delay(),
                Action::CatchUp => self.catch_up(),
            }
        }
        is_ours
    }

    fn read_events(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.read();
        }
    }

    fn judge_events(&mut self, marks: &[Mark]) {
        self.read_events();
        if self.watch.as_mut().is_some_and(|watch| watch.settle(marks)) {
            self.rate.request();
        }
    }

    fn set_watch(&mut self, watch: Result<Watch, String>) {
        match watch {
            Ok(watch) => self.watch = Some(watch),
            Err(why) => self.tell_blind(&why),
        }
    }

    fn tell_blind(&mut self, why: &str) {
        self.is_blind = true;
        if !self.restores.globals.quiet {
            say(&format!("{why}; SIGHUP makes occ-init look again"));
        }
    }

    fn tell_blind_spot(&mut self) {
        if let Some(why) = self.watch.as_ref().and_then(Watch::blind_spot) {
            self.tell_blind(&why);
        }
    }

    /// Begins the delayed watch, and looks for what changed before. The store is watched only
    /// if its disk answers.
    fn begin_watch(&mut self) {
        self.delayed = None;
        let paths = self.restores.paths;
        let answer = precheck::run(paths, BUDGET);
        let mut watch = Watch::begin(paths);
        if let Ok(watch) = &mut watch {
            if answer != Precheck::NoAnswer {
                watch.add();
            }
            // Once more, for a change between the answer and the watch.
            if answer != Precheck::NotNeeded || precheck::is_needed(paths) {
                self.rate.request();
            }
        }
        self.set_watch(watch);
        self.tell_blind_spot();
    }

    fn start_restore(&mut self) {
        // The restore sees all that changed until now.
        if let Some(watch) = &mut self.watch {
            watch.read();
            watch.settle(&[]);
        }
        if self.restores.globals.verbose {
            say("account files or records changed: restoring");
        }
        self.rate.start(Instant::now());
        match self.restores.start(Mode::Capture, self.env) {
            Ok(child) => {
                child.detach();
                self.child = Some(child);
            }
            Err(why) => {
                say(&format!("restore failed: {why}"));
                self.give_up();
            }
        }
    }

    /// Waits for the restore that runs, and for one more if there is need.
    fn catch_up(&mut self) {
        let start = Instant::now();
        let deadline = start + self.budget;
        if self.rate.is_running() {
            self.read_events();
        } else {
            self.judge_events(&[]);
        }
        if let Some(delayed) = &mut self.delayed {
            let now = passwd_version(self.restores.paths);
            if std::mem::replace(&mut delayed.passwd, now) != now {
                self.rate.request();
            }
        }
        self.await_child(deadline);
        if self.is_behind() && Instant::now() < deadline {
            self.start_restore();
            self.await_child(deadline);
        }
        self.budget = self.budget.saturating_sub(start.elapsed());
    }

    fn is_behind(&self) -> bool {
        self.failed || self.rate.is_requested()
    }

    /// Waits for the restore that runs, and kills it at the deadline. Signals are blocked
    /// and stay pending, so its SIGCHLD cannot be missed.
    fn await_child(&mut self, deadline: Instant) {
        while let Some(pid) = self.child.as_ref().map(RestoreChild::pid) {
            let left = deadline.saturating_duration_since(Instant::now());
            match sys::wait_child(pid) {
                Waited::Child(_, status) if Change::of(status).exit_status().is_some() => {
                    self.on_child_exit(pid, status);
                }
                Waited::NoChildren => self.give_up(),
                _ if left.is_zero() => {
                    let _ = sys::kill(pid, signals::KILL);
                    self.give_up();
                }
                _ => {
                    sys::wait_sigchld(left);
                }
            }
        }
    }

    fn give_up(&mut self) {
        self.child = None;
        self.failed = true;
        self.rate.end();
    }
}
