//! The table: what each event does to the sync of accounts while COMMAND runs. Pure.
//!
//! | event | does | COMMAND gets the signal |
//! |---|---|---|
//! | the kernel: a watched directory changed | requests a restore, unless our own restore made the change | no |
//! | SIGHUP | requests a restore where changes go unseen (no inotify, network file system) | yes |
//! | SIGTERM, SIGINT | a requested restore no longer waits for its second | yes |
//! | a restore ended | judges what changed meanwhile; a held lock: requests another | |
//! | COMMAND ended | captures what changed: waits for a restore up to 1 s | |
//! | the end of PID 1 | the same, once more where /etc is not watched | |

use crate::supervise::signals::{HUP, INT, IO, READABLE, TERM};
use crate::sys::Received;

#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    Signal(Received),
    /// A restore ended; a lock was held all the time.
    RestoreEnded {
        is_busy: bool,
    },
    CommandEnded,
    /// PID 1 is about to exit.
    End,
}

/// The part of [`super::AccountSync`] that the table asks about.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what the table asks about")]
pub(super) struct State {
    pub(super) is_watching: bool,
    /// Changes of passwords in /etc are seen, now or from a moment after the start.
    pub(super) sees_etc: bool,
    /// Changes may go unseen.
    pub(super) is_blind: bool,
    pub(super) is_restoring: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Takes in what the kernel has to tell, and judges nothing yet.
    ReadEvents,
    /// The same, and requests a restore for what a restore of ours does not explain.
    JudgeEvents,
    /// Requests a restore: at most one at a time, one a second.
    Request,
    /// A requested restore starts at once.
    SkipDelay,
    /// Restores now, if requested, and waits for it.
    CatchUp,
}

/// Returns the actions, and whether the signal is for occ-init alone.
pub(super) fn step(event: Event, state: State) -> (&'static [Action], bool) {
    use Action::{CatchUp, JudgeEvents, ReadEvents, Request, SkipDelay};
    match event {
        Event::Signal(received) => match received.signal {
            READABLE | IO if received.by_kernel && state.is_watching => {
                // A change during a restore is judged at its end, by its marks.
                let actions: &[Action] = if state.is_restoring {
                    &[ReadEvents]
                } else {
                    &[JudgeEvents]
                };
                (actions, true)
            }
            HUP if state.is_blind => (&[Request], false),
            TERM | INT => (&[SkipDelay], false),
            _ => (&[], false),
        },
        Event::RestoreEnded { is_busy: true } => (&[Request, JudgeEvents], false),
        Event::RestoreEnded { is_busy: false } => (&[JudgeEvents], false),
        Event::CommandEnded => (&[CatchUp], false),
        Event::End if state.sees_etc => (&[], false),
        // Without a watch nothing tells whether a password changed.
        Event::End => (&[Request, CatchUp], false),
    }
}

#[cfg(test)]
mod tests;
