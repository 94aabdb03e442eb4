//! PID 1's loop: waits for a signal, reaps, asks `phase` what to do, does it. Knows no
//! account; [`Hooks`] tie in what does.
//!
//! Each SIGCHLD reaps until no child is left that has ended. sigtimedwait(2) is the only
//! wait, without a timer while COMMAND runs, unless [`Hooks::poll`] wants one, or an orphan
//! has just ended. A descriptor that is to be watched as well joins by O_ASYNC with F_SETSIG:
//! its signal comes here with a positive si_code, which no process can forge.

pub(crate) mod command;
pub(crate) mod phase;
pub(crate) mod run_as;
pub(crate) mod signals;
mod survivors;

use std::time::{Duration, Instant};

use crate::log::{errno_text, say};
use crate::proc;
use crate::sys::{self, Received, Terminal, Waited};
use phase::{Action, Change, Event, Phase, Policy, step};
use survivors::Survivors;

/// How often to look whether processes that are not our children are gone;
/// only while draining, and only if such are there.
const LOOK: Duration = Duration::from_millis(10);

/// A program that ends so soon and leaves others at work went into the background.
const AT_ONCE: Duration = Duration::from_secs(5);

/// After an orphan, for how long others may end and be reaped with one SIGCHLD. With 1 ms an
/// orphan took 7.8 µs of CPU, with 5 ms 3.4, and the best peer's takes 7.6 to 7.9 (bar in
/// docs/benchmarks.md: not more).
const GATHER: Duration = Duration::from_millis(5);

pub(crate) struct Command {
    pub(crate) pid: i32,
    /// For messages.
    pub(crate) name: String,
    /// Signals go to its group.
    pub(crate) group: bool,
    pub(crate) terminal: Option<Terminal>,
    pub(crate) policy: Policy,
    pub(crate) quiet: bool,
    pub(crate) verbose: bool,
}

/// Calls out of the loop, to what keeps accounts in sync.
pub(crate) trait Hooks {
    /// Handles a signal; returns true if it must not be forwarded.
    fn on_signal(&mut self, received: Received) -> bool;
    /// A child that is not COMMAND ended; `status` is its raw wait status.
    fn on_child_exit(&mut self, pid: i32, status: i32);
    /// COMMAND gets a signal that asks it to end.
    fn on_stop_request(&mut self);
    /// COMMAND ended, and the survivors are not yet asked to. May wait for a moment, and
    /// take SIGCHLD meanwhile.
    fn on_command_exit(&mut self);
    /// COMMAND runs, and something happened: does what is due, and returns the time until
    /// more will be. `None`: not before something happens.
    fn poll(&mut self) -> Option<Duration>;
}

/// Supervises COMMAND until it and all that it leaves are gone, and returns our exit status.
pub(crate) fn supervise(command: Command, hooks: &mut dyn Hooks) -> u8 {
    let mut life = Life::new(command);
    life.reap(hooks);
    loop {
        let patience = match life.phase {
            Phase::Ended { status } => {
                life.leave_terminal();
                return status;
            }
            Phase::Running { .. } => hooks.poll(),
            Phase::Draining { .. } | Phase::Killed { .. } => life.patience(),
        };
        let received = if std::mem::take(&mut life.has_reaped_orphan) {
            sys::wait_signal_but_sigchld(GATHER)
        } else {
            sys::wait_signal(patience)
        };
        match received {
            Some(received) if received.signal == signals::CHLD => life.reap(hooks),
            Some(received) if hooks.on_signal(received) => {}
            Some(received) => {
                life.on(Event::Signal(received));
                life.explain(received);
                if life.is_stop_request(received) {
                    hooks.on_stop_request();
                }
            }
            None => life.look(),
        }
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each left by an event"
)]
struct Life {
    command: Command,
    survivors: Survivors,
    phase: Phase,
    /// When the phase ends by itself; set when there is first something to wait for.
    deadline: Option<Instant>,
    /// The last answer of waitpid(2): whether there are children.
    waited: Waited,
    has_reaped_orphan: bool,
    started: Instant,
    /// COMMAND's group stopped, and we with it.
    suspended: bool,
    /// COMMAND stopped, and nothing that we know of continued it.
    has_stopped: bool,
    /// COMMAND was asked to end. Pending signals come in the order of their numbers, so TERM may
    /// come before the CHLD of an earlier stop.
    asked_to_end: bool,
}

impl Life {
    fn new(command: Command) -> Self {
        let survivors = if command.policy.is_pid1 {
            Survivors::Namespace
        } else {
            Survivors::Descendants
        };
        Self {
            command,
            survivors,
            phase: Phase::START,
            deadline: None,
            waited: Waited::Busy,
            has_reaped_orphan: false,
            started: Instant::now(),
            suspended: false,
            has_stopped: false,
            asked_to_end: false,
        }
    }

    fn reap(&mut self, hooks: &mut dyn Hooks) {
        let mut changes = self.collect(hooks);
        if changes.iter().any(|change| change.exit_status().is_some()) {
            hooks.on_command_exit();
            changes.extend(self.collect(hooks));
        }
        for change in changes {
            self.has_stopped = matches!(change, Change::Stopped(_));
            self.tell(change);
            if change.exit_status().is_some() {
                self.take_terminal();
            }
            self.on(Event::Command(change));
        }
        if self.has_stopped && self.asked_to_end {
            self.continue_for(signals::TERM, self.command.group);
        }
        self.look();
    }

    /// Reaps every child that has ended: one SIGCHLD may stand for many. Returns the changes
    /// of COMMAND.
    fn collect(&mut self, hooks: &mut dyn Hooks) -> Vec<Change> {
        let mut changes = Vec::new();
        loop {
            match sys::wait_child(-1) {
                Waited::Child(pid, status) if pid == self.command.pid => {
                    changes.push(Change::of(status));
                }
                Waited::Child(pid, status) => {
                    if Change::of(status).exit_status().is_some() {
                        self.has_reaped_orphan = true;
                        hooks.on_child_exit(pid, status);
                    }
                }
                waited => {
                    self.waited = waited;
                    return changes;
                }
            }
        }
    }

    /// After COMMAND's end: looks whether survivors are left and whether the time is over.
    fn look(&mut self) {
        if self.limit().is_none() {
            return;
        }
        let is_over = |deadline| Instant::now() >= deadline;
        if self.survivors.is_empty(self.waited) {
            self.on(Event::Alone);
        } else if self.deadline.is_some_and(is_over) {
            self.on(Event::TimeOver);
        }
    }

    fn patience(&mut self) -> Option<Duration> {
        let (limit, now) = (self.limit()?, Instant::now());
        let deadline = *self.deadline.get_or_insert(now + limit);
        let left = deadline.saturating_duration_since(now);
        Some(if self.waited == Waited::NoChildren {
            left.min(LOOK)
        } else {
            left
        })
    }

    fn limit(&self) -> Option<Duration> {
        self.phase.limit(&self.command.policy)
    }

    fn on(&mut self, event: Event) {
        let before = self.limit();
        let (phase, action) = step(self.phase, event, &self.command.policy);
        self.phase = phase;
        if self.limit() != before || action == Action::Kill {
            self.deadline = None;
        }
        match action {
            Action::Nothing => {}
            Action::Forward(signal) => self.forward(signal),
            Action::Continue => self.continue_at_terminal(),
            Action::Suspend => self.suspend(),
            Action::Lend => drop(self.lend_and_continue()),
            Action::LendOrSuspend => {
                if !self.lend_and_continue() {
                    self.suspend();
                }
            }
            Action::Terminate => {
                if !self.survivors.is_empty(self.waited) {
                    self.tell_background();
                    self.survivors.terminate();
                }
            }
            Action::Kill => self.survivors.kill(),
        }
    }

    fn forward(&mut self, signal: u8) {
        let (pid, what) = (self.command.pid, signals::name(signal));
        if self.command.verbose {
            say(&format!("sending {what} to '{}'", self.command.name));
        }
        let mut to_group = self.command.group;
        if signal == signals::CONT && self.suspended {
            // The terminal stopped the whole group; `fg` gave the foreground to ours.
            self.suspended = false;
            to_group = true;
            self.lend();
        }
        // A COMMAND that made itself another group has left an empty one.
        let sent = match sys::kill(if to_group { -pid } else { pid }, signal) {
            Err(_) if to_group => sys::kill(pid, signal),
            sent => sent,
        };
        self.asked_to_end |= signals::asks_to_end(signal);
        if self.has_stopped {
            // It can act on none but KILL before it goes on.
            self.continue_for(signal, to_group);
        }
        if let Err(error) = sent {
            let (name, why) = (&self.command.name, errno_text(error));
            say(&format!("cannot send {what} to '{name}': {why}"));
        }
    }

    /// Continues a stopped COMMAND if the signal asks it to end.
    fn continue_for(&mut self, signal: u8, to_group: bool) {
        if signals::asks_to_end(signal) || signal == signals::HUP {
            let pid = self.command.pid;
            let _ = sys::kill(if to_group { -pid } else { pid }, signals::CONT);
            self.has_stopped = false;
        }
    }

    fn continue_at_terminal(&self) {
        if self.command.terminal.is_some() {
            let _ = sys::kill(-self.command.pid, signals::CONT);
        }
    }

    /// The shell above waits for us: it must see us stop, and get its terminal back. We go on
    /// here when it sends CONT.
    fn suspend(&mut self) {
        self.suspended = true;
        self.take_terminal();
        let _ = sys::kill(sys::own_pid(), signals::STOP);
    }

    /// Gives COMMAND the foreground, if we hold it now: `fg` may have given it to us long after
    /// the start.
    fn lend(&mut self) -> bool {
        let known = self.command.terminal.filter(|terminal| terminal.is_held());
        let Some(terminal) = known.or_else(sys::held_terminal) else {
            return false;
        };
        self.command.terminal = Some(terminal);
        terminal.give(self.command.pid)
    }

    fn lend_and_continue(&mut self) -> bool {
        self.lend() && sys::kill(-self.command.pid, signals::CONT).is_ok()
    }

    fn take_terminal(&self) {
        if let Some(terminal) = self.command.terminal {
            terminal.take_back(self.command.pid);
        }
    }

    /// Gives the terminal back to the shell that started us.
    fn leave_terminal(&self) {
        if let Some(terminal) = self.command.terminal {
            terminal.inherit();
        }
    }

    fn is_stop_request(&self, received: Received) -> bool {
        matches!(self.phase, Phase::Running { .. })
            && phase::is_stop_request(received, &self.command.policy)
    }

    /// Most programs know nothing of the signal that asks systemd to halt, and die of it.
    fn explain(&self, received: Received) {
        let rewrites = &self.command.policy.rewrite;
        let is_rewritten = rewrites.iter().any(|(from, _)| *from == signals::HALT);
        if received.signal == signals::HALT && !is_rewritten && !self.command.quiet {
            say("SIGRTMIN+3 asks systemd to halt; '--rewrite RTMIN+3:TERM' asks any program");
        }
    }

    /// A daemon ends at once and leaves another process at work, which ends with us.
    fn tell_background(&self) {
        let is_over = matches!(self.phase, Phase::Draining { status: 0, .. });
        if is_over && self.started.elapsed() < AT_ONCE && !self.command.quiet {
            let name = &self.command.name;
            say(&format!(
                "'{name}' ended and left processes behind, which are asked to end; a program \
                 that goes into the background needs its option for the foreground"
            ));
        }
    }

    fn tell(&self, change: Change) {
        if let Change::Died { signal, core } = change
            && !self.command.quiet
        {
            let (name, pid) = (&self.command.name, self.command.pid);
            let more = match signal {
                _ if core => " (core dumped)",
                signals::KILL if proc::has_run_out_of_memory() => {
                    "; the kernel ended processes here for want of memory"
                }
                _ => "",
            };
            say(&format!(
                "'{name}' (pid {pid}) was killed by {}{more}",
                signals::name(signal)
            ));
        }
    }
}
