//! PID 1's phases as a table: phase and event in, next phase and action out. Pure;
//! `supervise` gets the events and carries the actions out.
//!
//! Signals that are not forwarded ([`forwarded`]):
//!
//! | signal | when |
//! |---|---|
//! | CHLD, KILL, STOP | always |
//! | TTIN, TTOU | from the kernel: *we* used the terminal from the background |
//! | PIPE, XFSZ | raised by what we wrote ourselves |
//! | INT, QUIT, TSTP, HUP, WINCH | from the terminal, if COMMAND is in our group and has it already |
//! | any | rewritten to 0 by `--rewrite` |
//!
//! Running → (COMMAND is gone) Draining → (time over) Killed → Ended.

use std::time::Duration;

use super::signals::{self, CHLD, HUP, INT, KILL, QUIT, STOP, TERM, TSTP, TTIN, TTOU, WINCH};
use crate::sys::Received;

/// How long killed processes may take to die, where occ-init is a subreaper.
pub(crate) const AFTER_KILL: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// COMMAND lives; `stops` counts the TERM and INT received so far.
    Running { stops: u8 },
    /// COMMAND is gone, and its survivors were asked to end.
    Draining { status: u8, stops: u8 },
    /// The survivors were killed.
    Killed { status: u8 },
    /// Nothing is left to do but to exit with the status.
    Ended { status: u8 },
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Signal(Received),
    Command(Change),
    /// Nothing is left but us.
    Alone,
    /// The time that the phase may take is over.
    TimeOver,
}

/// A wait status, decoded by hand: nix refuses real-time signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Exited(u8),
    Died { signal: u8, core: bool },
    Stopped(u8),
}

impl Change {
    /// Decodes wait(2)'s status as the kernel writes it.
    pub(crate) fn of(status: i32) -> Self {
        let [low, high, ..] = status.to_le_bytes();
        match low & 0x7f {
            0 => Self::Exited(high),
            0x7f => Self::Stopped(high),
            signal => Self::Died {
                signal,
                core: low & 0x80 != 0,
            },
        }
    }

    /// The exit status as the shell has it. `None` while COMMAND lives.
    pub(crate) fn exit_status(self) -> Option<u8> {
        match self {
            Self::Exited(status) => Some(status),
            Self::Died { signal, .. } => Some(128 + signal),
            Self::Stopped(_) => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Nothing,
    /// Send this signal to COMMAND or its group.
    Forward(u8),
    /// Continues COMMAND, which stopped itself at our terminal: nobody else could.
    Continue,
    /// Stops us, as COMMAND did: the shell above waits for us, not for COMMAND.
    Suspend,
    /// COMMAND stopped because it is in the terminal's background: gives it the foreground,
    /// if that is ours.
    Lend,
    /// The same; if it is not, [`Action::Suspend`].
    LendOrSuspend,
    /// TERM and CONT to all survivors, HUP to those at a terminal.
    Terminate,
    /// KILL to all survivors.
    Kill,
}

/// The options that the table asks about.
pub(crate) struct Policy {
    /// PID 1 has no shell to stop for, and the kernel kills what it leaves.
    pub(crate) is_pid1: bool,
    /// COMMAND is in our process group: the terminal's signals reach it without us.
    pub(crate) shares_group: bool,
    pub(crate) grace: Duration,
    /// Signals received → sent, 0 for none; a later pair wins.
    pub(crate) rewrite: Vec<(u8, u8)>,
    /// Exit statuses of COMMAND → ours; a later pair wins.
    pub(crate) remap_exit: Vec<(u8, u8)>,
}

/// Returns the second value of the last pair whose first is `value`.
fn mapped(pairs: &[(u8, u8)], value: u8) -> u8 {
    let last = pairs.iter().rfind(|(from, _)| *from == value);
    last.map_or(value, |(_, to)| *to)
}

impl Phase {
    pub(crate) const START: Self = Self::Running { stops: 0 };

    /// How long the phase may take. `None`: until something happens.
    pub(crate) fn limit(self, policy: &Policy) -> Option<Duration> {
        match self {
            Self::Draining { .. } => Some(policy.grace),
            Self::Killed { .. } => Some(AFTER_KILL),
            Self::Running { .. } | Self::Ended { .. } => None,
        }
    }
}

/// Returns true if the signal asks COMMAND to end.
pub(crate) fn is_stop_request(received: Received, policy: &Policy) -> bool {
    signals::asks_to_end(received.signal) && forwarded(received, policy) != Action::Nothing
}

/// The table.
pub(crate) fn step(phase: Phase, event: Event, policy: &Policy) -> (Phase, Action) {
    match (phase, event) {
        (Phase::Running { stops }, Event::Signal(received)) => (
            Phase::Running {
                stops: counted(stops, received),
            },
            forwarded(received, policy),
        ),
        (Phase::Running { stops }, Event::Command(change)) => {
            command_changed(phase, stops, change, policy)
        }
        (Phase::Draining { status, stops }, Event::Signal(received)) => {
            drained(status, stops, received, policy)
        }
        (Phase::Draining { status, .. }, Event::TimeOver) => killed(status, policy),
        (Phase::Draining { status, .. } | Phase::Killed { status }, Event::Alone)
        | (Phase::Killed { status }, Event::TimeOver) => (Phase::Ended { status }, Action::Nothing),
        _ => (phase, Action::Nothing),
    }
}

fn command_changed(phase: Phase, stops: u8, change: Change, policy: &Policy) -> (Phase, Action) {
    match (change, change.exit_status()) {
        (_, Some(status)) => {
            let status = mapped(&policy.remap_exit, status);
            if policy.grace.is_zero() {
                (Phase::Ended { status }, Action::Nothing)
            } else {
                (Phase::Draining { status, stops }, Action::Terminate)
            }
        }
        (Change::Stopped(TSTP), None) if policy.is_pid1 => (phase, Action::Continue),
        (Change::Stopped(TSTP), None) => (phase, Action::Suspend),
        (Change::Stopped(TTIN | TTOU), None) if policy.is_pid1 => (phase, Action::Lend),
        (Change::Stopped(TTIN | TTOU), None) => (phase, Action::LendOrSuspend),
        _ => (phase, Action::Nothing),
    }
}

/// While draining, everything has had its TERM: a second one means "now".
fn drained(status: u8, stops: u8, received: Received, policy: &Policy) -> (Phase, Action) {
    let now = counted(stops, received);
    if now > stops && now >= 2 {
        killed(status, policy)
    } else {
        (Phase::Draining { status, stops: now }, Action::Nothing)
    }
}

/// PID 1 need not wait: the kernel holds its exit until the last of them is gone.
fn killed(status: u8, policy: &Policy) -> (Phase, Action) {
    let next = if policy.is_pid1 {
        Phase::Ended { status }
    } else {
        Phase::Killed { status }
    };
    (next, Action::Kill)
}

fn counted(stops: u8, received: Received) -> u8 {
    if matches!(received.signal, TERM | INT) {
        stops.saturating_add(1)
    } else {
        stops
    }
}

/// By the table at the head of this file.
fn forwarded(received: Received, policy: &Policy) -> Action {
    let ours = match received.signal {
        CHLD | KILL | STOP => true,
        TTIN | TTOU => received.by_kernel,
        signals::PIPE | signals::XFSZ => received.by_us,
        INT | QUIT | TSTP | HUP | WINCH => received.by_kernel && policy.shares_group,
        _ => false,
    };
    match mapped(&policy.rewrite, received.signal) {
        _ if ours => Action::Nothing,
        0 => Action::Nothing,
        signal => Action::Forward(signal),
    }
}

#[cfg(test)]
mod tests;
