//! The steps of an update, a rollback and a recovery, as values: pure, no call.
//!
//! The names of containers are the only state of a swap: after a kill at any step the
//! next command tells from them how far it went.
//! While `X-replaced` or `X-undone` exists, the container named X is unproven
//! and going back is right; the rename that removes that name is the commit.

use crate::engine::labels::Names;

/// One call to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Stop it; stopped already is fine.
    Stop(String),
    /// Start it.
    Start(String),
    /// Remove it, running or not; its volumes stay.
    Remove(String),
    /// Give it another name, which nobody has.
    Rename(String, String),
    /// No restart policy: the engine would start it beside the new one.
    KeepStopped(String),
}

/// Which of the names are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a name of its own.
pub(crate) struct Existing {
    /// The own name.
    pub own: bool,
    /// It runs.
    pub running: bool,
    /// `X-next`.
    pub next: bool,
    /// `X-replaced`.
    pub replaced: bool,
    /// `X-undone`.
    pub undone: bool,
    /// `X-previous`.
    pub previous: bool,
    /// `X-previous` would be started by the engine itself.
    pub previous_restarts: bool,
    /// `X-older`.
    pub older: bool,
    /// `X-next-check`.
    pub check: bool,
}

impl Existing {
    /// Returns true if an update or a rollback has not come to its end.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.next || self.replaced || self.undone
    }
}

/// `X-next` takes the place of X, which steps aside; unproven.
pub(crate) fn replace(names: &Names) -> Vec<Step> {
    vec![
        Step::Stop(names.own.clone()),
        Step::Rename(names.own.clone(), names.replaced()),
        Step::Rename(names.next(), names.own.clone()),
        Step::Start(names.own.clone()),
    ]
}

/// The new one is proven: the old one is kept for a rollback.
pub(crate) fn keep_replaced(names: &Names, there: &Existing) -> Vec<Step> {
    let aside = Step::Rename(names.previous(), names.older());
    let rest = [
        Step::Rename(names.replaced(), names.previous()),
        Step::KeepStopped(names.previous()),
    ];
    let mut steps: Vec<Step> = there.previous.then_some(aside).into_iter().collect();
    steps.extend(rest);
    steps.extend(there.previous.then(|| Step::Remove(names.older())));
    steps
}

/// The new one is proven, and the old one goes. It changes its name first: while
/// the engine removes it, it must not look like one to go back to.
pub(crate) fn drop_replaced(names: &Names) -> Vec<Step> {
    vec![
        Step::Rename(names.replaced(), names.older()),
        Step::Remove(names.older()),
    ]
}

/// X and `X-previous` change places; unproven.
pub(crate) fn go_back(names: &Names) -> Vec<Step> {
    vec![
        Step::Stop(names.own.clone()),
        Step::Rename(names.own.clone(), names.undone()),
        Step::Rename(names.previous(), names.own.clone()),
        Step::Start(names.own.clone()),
    ]
}

/// The other one is proven: the one it replaced is kept.
pub(crate) fn keep_undone(names: &Names) -> Vec<Step> {
    vec![
        Step::Rename(names.undone(), names.previous()),
        Step::KeepStopped(names.previous()),
    ]
}

/// Undoes whatever is unproven and clears away what a swap leaves, from any
/// point at which one may have ended. Whether X then runs is the caller's.
pub(crate) fn recover(names: &Names, there: &Existing) -> Vec<Step> {
    let mut steps = Vec::new();
    let own = || names.own.clone();
    if there.check {
        steps.push(Step::Remove(names.check()));
    }
    if there.older {
        steps.push(if there.replaced && !there.previous {
            Step::Rename(names.older(), names.previous())
        } else if there.own || there.replaced || there.undone {
            Step::Remove(names.older())
        } else {
            // The last one there is.
            Step::Rename(names.older(), own())
        });
    }
    if there.replaced {
        if there.own {
            steps.push(Step::Remove(own()));
        }
        steps.push(Step::Rename(names.replaced(), own()));
    } else if there.undone {
        if there.own {
            steps.push(Step::Stop(own()));
            steps.push(Step::Rename(own(), names.previous()));
        }
        steps.push(Step::Rename(names.undone(), own()));
    } else if there.next && there.running {
        // The engine may still be at the stop that the swap began with.
        steps.push(Step::Stop(own()));
    }
    if there.next {
        steps.push(Step::Remove(names.next()));
    }
    if there.previous_restarts && !there.undone {
        steps.push(Step::KeepStopped(names.previous()));
    }
    steps
}

#[cfg(test)]
mod tests;
