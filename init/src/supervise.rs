//! The loop that PID 1 spends its life in: waits for a signal, reaps, asks
//! `phase` what to do, does it. It knows nothing of accounts.
//!
//! sigwaitinfo is the only wait, without a timer while COMMAND runs, unless
//! what goes on [`Beside`] it wants one. A descriptor that is to be watched as
//! well joins by O_ASYNC with F_SETSIG: its signal comes here with a positive
//! si_code, which no process can forge.

use std::time::{Duration, Instant};

use crate::phase::{self, Action, Change, Event, Phase, Policy, step};
use crate::remaining::Remaining;
use crate::say::say;
use crate::signals;
use crate::sys::{self, Received, Terminal, Waited};

/// How often to look whether processes that are not our children are gone;
/// only while draining, and only if such are there.
const LOOK: Duration = Duration::from_millis(10);

/// COMMAND, and how it is looked after.
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

/// What goes on beside COMMAND; this is all that the loop knows of it.
pub(crate) trait Beside {
    /// A signal came. True: it was about this, and is not COMMAND's.
    fn hears(&mut self, received: Received) -> bool;
    /// A child that is not COMMAND ended; its raw wait status.
    fn ended(&mut self, pid: i32, status: i32);
    /// COMMAND was told to end.
    fn told_to_end(&mut self);
    /// COMMAND is gone, and what it leaves is about to be told so. It may wait a
    /// moment, and take in SIGCHLD meanwhile.
    fn command_ended(&mut self);
    /// COMMAND is gone, and what it left is waited for.
    fn drains(&mut self) {}
    /// COMMAND runs, and something happened: does what is due, and returns
    /// after what time more will be. None: not before something happens.
    fn turn(&mut self) -> Option<Duration>;
}

/// Looks after COMMAND until it and all that it leaves are gone, and returns
/// our exit status.
pub(crate) fn supervise(command: Command, beside: &mut dyn Beside) -> u8 {
    let mut life = Life::new(command);
    life.reap(beside);
    loop {
        let patience = match life.phase {
            Phase::Ended { status } => {
                life.leave_terminal();
                return status;
            }
            Phase::Running { .. } => beside.turn(),
            Phase::Draining { .. } | Phase::Killed { .. } => {
                beside.drains();
                life.patience()
            }
        };
        match sys::wait_signal(patience) {
            Some(received) if received.signal == signals::CHLD => life.reap(beside),
            Some(received) if beside.hears(received) => {}
            Some(received) => {
                life.on(Event::Signal(received));
                if life.is_told_to_end(received) {
                    beside.told_to_end();
                }
            }
            None => life.look(),
        }
    }
}

struct Life {
    command: Command,
    remaining: Remaining,
    phase: Phase,
    /// When the phase ends by itself; reckoned when there is first something to wait for.
    deadline: Option<Instant>,
    /// What waitpid(2) said last: whether there are children.
    waited: Waited,
    /// COMMAND's group stopped, and we with it.
    suspended: bool,
}

impl Life {
    fn new(command: Command) -> Self {
        let remaining = if command.policy.is_pid1 {
            Remaining::Namespace
        } else {
            Remaining::Descendants
        };
        let (phase, waited) = (Phase::START, Waited::Busy);
        Self {
            command,
            remaining,
            phase,
            deadline: None,
            waited,
            suspended: false,
        }
    }

    fn reap(&mut self, beside: &mut dyn Beside) {
        let mut changes = self.collect(beside);
        if changes.iter().any(|change| change.exit_status().is_some()) {
            beside.command_ended();
            changes.extend(self.collect(beside));
        }
        for change in changes {
            self.tell(change);
            if change.exit_status().is_some() {
                self.take_terminal();
            }
            self.on(Event::Command(change));
        }
        self.look();
    }

    /// Waits for every child that ended: one SIGCHLD may stand for many.
    /// Returns what COMMAND did.
    fn collect(&mut self, beside: &mut dyn Beside) -> Vec<Change> {
        let mut changes = Vec::new();
        loop {
            match sys::wait_child(-1) {
                Waited::Child(pid, status) if pid == self.command.pid => {
                    changes.push(Change::of(status));
                }
                Waited::Child(pid, status) => {
                    if Change::of(status).exit_status().is_some() {
                        beside.ended(pid, status);
                    }
                }
                waited => {
                    self.waited = waited;
                    return changes;
                }
            }
        }
    }

    /// After COMMAND's end: is anybody left, is the time over?
    fn look(&mut self) {
        if self.limit().is_none() {
            return;
        }
        if self.remaining.is_empty(self.waited) {
            self.on(Event::Alone);
        } else if self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
        {
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
            Action::Suspend => self.suspend(),
            Action::Lend => drop(self.lend_and_continue()),
            Action::LendOrSuspend => {
                if !self.lend_and_continue() {
                    self.suspend();
                }
            }
            Action::Terminate => {
                if !self.remaining.is_empty(self.waited) {
                    self.remaining.terminate();
                }
            }
            Action::Kill => self.remaining.kill(),
        }
    }

    fn forward(&mut self, signal: u8) {
        if self.command.verbose {
            say(&format!(
                "sending {} to '{}'",
                signals::name(signal),
                self.command.name
            ));
        }
        let mut to_group = self.command.group;
        if signal == signals::CONT && self.suspended {
            // The terminal stopped the whole group; `fg` gave the foreground to ours.
            self.suspended = false;
            to_group = true;
            self.lend();
        }
        // A COMMAND that made itself another group has left an empty one.
        let sent = match sys::kill(
            if to_group {
                -self.command.pid
            } else {
                self.command.pid
            },
            signal,
        ) {
            Err(_) if to_group => sys::kill(self.command.pid, signal),
            sent => sent,
        };
        if let Err(error) = sent {
            let why = error.desc().to_lowercase();
            say(&format!(
                "cannot send {} to '{}': {why}",
                signals::name(signal),
                self.command.name
            ));
        }
    }

    /// The shell above waits for us: it must see us stop, and have its
    /// terminal. We go on here when it sends CONT.
    fn suspend(&mut self) {
        self.suspended = true;
        self.take_terminal();
        let _ = sys::kill(sys::own_pid(), signals::STOP);
    }

    /// Gives COMMAND the foreground, if we hold it now: `fg` may have brought us
    /// there long after the start.
    fn lend(&mut self) -> bool {
        let Some(terminal) = sys::held_terminal() else {
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

    /// Whoever started us goes on at it.
    fn leave_terminal(&self) {
        if let Some(terminal) = self.command.terminal
            && !self.command.policy.is_pid1
        {
            terminal.inherit();
        }
    }

    fn is_told_to_end(&self, received: Received) -> bool {
        matches!(self.phase, Phase::Running { .. }) && phase::is_end(received, &self.command.policy)
    }

    fn tell(&self, change: Change) {
        if let Change::Died { signal, core } = change
            && !self.command.quiet
        {
            let (name, pid) = (&self.command.name, self.command.pid);
            let dumped = if core { " (core dumped)" } else { "" };
            say(&format!(
                "'{name}' (pid {pid}) was killed by {}{dumped}",
                signals::name(signal)
            ));
        }
    }
}
