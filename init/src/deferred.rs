//! A COMMAND that is over at once needs nothing of what is done beside one that runs,
//! and is not to wait for it: so [`Upkeep`] begins when it is needed. It knows when
//! that is, and nothing else.

use std::time::Duration;

use crate::supervise::Beside;
use crate::sys::Received;
use crate::upkeep::Upkeep;

/// An [`Upkeep`] that has begun, or not yet.
pub(crate) struct Deferred<'a, Begin> {
    /// Whether accounts were changed since COMMAND's start.
    changes: &'a dyn Fn() -> bool,
    begin: Option<Begin>,
    upkeep: Option<Upkeep<'a>>,
}

impl<'a, Begin: FnOnce() -> Upkeep<'a>> Deferred<'a, Begin> {
    pub(crate) fn new(changes: &'a dyn Fn() -> bool, begin: Begin) -> Self {
        Self {
            changes,
            begin: Some(begin),
            upkeep: None,
        }
    }

    /// It is needed.
    fn begun(&mut self) -> Option<&mut Upkeep<'a>> {
        if let Some(begin) = self.begin.take() {
            self.upkeep = Some(begin());
        }
        self.upkeep.as_mut()
    }

    /// The end: if COMMAND changed accounts, that is taken in.
    pub(crate) fn finish(mut self) {
        if self.upkeep.is_none() && (self.changes)() {
            self.begun();
        }
        if let Some(upkeep) = self.upkeep {
            upkeep.finish();
        }
    }
}

impl<'a, Begin: FnOnce() -> Upkeep<'a>> Beside for Deferred<'a, Begin> {
    fn hears(&mut self, received: Received) -> bool {
        let upkeep = self.upkeep.as_mut();
        upkeep.is_some_and(|upkeep| upkeep.hears(received))
    }

    fn ended(&mut self, pid: i32, status: i32) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.ended(pid, status);
        }
    }

    fn told_to_end(&mut self) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.told_to_end();
        }
    }

    fn command_ended(&mut self) {
        if let Some(upkeep) = &mut self.upkeep {
            upkeep.command_ended();
        }
    }

    /// What COMMAND inherited is not held for as long as that takes.
    fn drains(&mut self) {
        self.begun();
    }

    fn turn(&mut self) -> Option<Duration> {
        self.begun().and_then(Upkeep::turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot;
    use std::cell::Cell;

    /// How often an upkeep begins beside a COMMAND that is seen to run so often, and
    /// that leaves somebody or nobody.
    fn begun(turns: usize, drains: bool, has_changed: bool) -> usize {
        let count = Cell::new(0);
        let begin = || {
            count.set(count.get() + 1);
            Upkeep::new(None, None, boot::nothing())
        };
        let changes = || has_changed;
        let mut deferred = Deferred::new(&changes, begin);
        for _ in 0..turns {
            deferred.turn();
            deferred.told_to_end();
        }
        deferred.ended(7, 0);
        deferred.command_ended();
        if drains {
            deferred.drains();
        }
        deferred.finish();
        count.get()
    }

    #[test]
    fn a_command_that_is_over_at_once_needs_none() {
        assert_eq!(begun(0, false, false), 0);
    }

    #[test]
    fn what_it_changed_or_left_needs_one() {
        assert_eq!(begun(0, false, true), 1);
        assert_eq!(begun(0, true, false), 1);
    }

    #[test]
    fn a_command_that_runs_has_one() {
        assert_eq!(begun(1, false, false), 1);
        assert_eq!(begun(2, true, true), 1);
    }
}
