//! The steps of an update, a rollback and a recovery, as values: pure, no call.
//!
//! The names of containers are the only state of a swap: after a kill at any step the
//! next command tells from them how far it went.
//! While `X-replaced` or `X-undone` exists, the container named X is unproven
//! and going back is right; the rename that removes that name is the commit.

use std::collections::BTreeSet;

use crate::engine::labels::Beside::{self, Check, Next, Older, Previous, Replaced, Undone};
use crate::engine::labels::Names;

/// One call to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Stop it; stopped already is fine.
    Stop(String),
    Start(String),
    /// Remove it, running or not; its volumes stay.
    Remove(String),
    /// Give it another name, which nobody has.
    Rename(String, String),
    /// Nothing but occ may start `X-previous`: it would run beside the new one.
    KeepStopped(Names),
}

/// Which of the names are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Existing {
    /// The own name.
    pub own: bool,
    /// It runs.
    pub running: bool,
    /// `X-previous` would be started by the engine itself.
    pub previous_restarts: bool,
    /// The names beside it.
    pub beside: BTreeSet<Beside>,
}

impl Existing {
    /// Returns true if that name is taken.
    pub(crate) fn has(&self, one: Beside) -> bool {
        self.beside.contains(&one)
    }

    /// Returns true if an update or a rollback has not come to its end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.has(Next) || self.has(Replaced) || self.has(Undone)
    }
}

/// `X-next` takes the place of X, which steps aside; unproven.
pub(crate) fn replace(names: &Names) -> Vec<Step> {
    vec![
        Step::Stop(names.own.clone()),
        Step::Rename(names.own.clone(), names.with(Replaced)),
        Step::Rename(names.with(Next), names.own.clone()),
        Step::Start(names.own.clone()),
    ]
}

/// The new one is proven: the old one is kept for a rollback.
pub(crate) fn keep_replaced(names: &Names, there: &Existing) -> Vec<Step> {
    let aside = Step::Rename(names.with(Previous), names.with(Older));
    let mut steps: Vec<Step> = there.has(Previous).then_some(aside).into_iter().collect();
    steps.push(Step::Rename(names.with(Replaced), names.with(Previous)));
    steps.extend(there.has(Previous).then(|| Step::Remove(names.with(Older))));
    // The last: a copy of it may be called X-older for a moment.
    steps.push(Step::KeepStopped(names.clone()));
    steps
}

/// The new one is proven, and the old one goes. It changes its name first: while
/// the engine removes it, it must not look like one to go back to.
pub(crate) fn drop_replaced(names: &Names) -> Vec<Step> {
    vec![
        Step::Rename(names.with(Replaced), names.with(Older)),
        Step::Remove(names.with(Older)),
    ]
}

/// X and `X-previous` change places; unproven.
pub(crate) fn go_back(names: &Names) -> Vec<Step> {
    vec![
        Step::Stop(names.own.clone()),
        Step::Rename(names.own.clone(), names.with(Undone)),
        Step::Rename(names.with(Previous), names.own.clone()),
        Step::Start(names.own.clone()),
    ]
}

/// The other one is proven: the one it replaced is kept.
pub(crate) fn keep_undone(names: &Names) -> Vec<Step> {
    vec![
        Step::Rename(names.with(Undone), names.with(Previous)),
        Step::KeepStopped(names.clone()),
    ]
}

/// Undoes whatever is unproven and clears away what a swap leaves, from any
/// point at which one may have ended. Whether X then runs is the caller's.
pub(crate) fn recover(names: &Names, there: &Existing) -> Vec<Step> {
    let mut steps = Vec::new();
    let own = || names.own.clone();
    if there.has(Older) {
        // Beside X-next-check it is the copy of the one that is kept, which has that name.
        let is_kept = there.has(Replaced) || there.has(Check);
        steps.push(if is_kept && !there.has(Previous) {
            Step::Rename(names.with(Older), names.with(Previous))
        } else if there.own || there.has(Replaced) || there.has(Undone) {
            Step::Remove(names.with(Older))
        } else {
            // The last one there is.
            Step::Rename(names.with(Older), own())
        });
    }
    // After that, for it tells what X-older is.
    if there.has(Check) {
        steps.push(Step::Remove(names.with(Check)));
    }
    if there.has(Replaced) {
        if there.own {
            steps.push(Step::Remove(own()));
        }
        steps.push(Step::Rename(names.with(Replaced), own()));
    } else if there.has(Undone) {
        if there.own {
            steps.push(Step::Stop(own()));
            steps.push(Step::Rename(own(), names.with(Previous)));
        }
        steps.push(Step::Rename(names.with(Undone), own()));
    } else if there.has(Next) && there.running {
        // The engine may still be at the stop that the swap began with.
        steps.push(Step::Stop(own()));
    }
    if there.has(Next) {
        steps.push(Step::Remove(names.with(Next)));
    }
    if there.previous_restarts && !there.has(Undone) {
        steps.push(Step::KeepStopped(names.clone()));
    }
    steps
}

#[cfg(test)]
mod tests;
