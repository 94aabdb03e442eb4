//! The states of people's opencodes, and the order in which they may follow each
//! other. Values only; `process` does the work.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::wire::Failure;

/// One that ran this long starts again at once when it ends by itself.
const STEADY: Duration = Duration::from_secs(60);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// One that was ready and ended comes back so often without anybody being told.
const COMES_BACK: u32 = 4;

/// Between two restarts that one person asks for.
const RESTART_REST: Duration = Duration::from_secs(5);

/// Tells one start of a person's opencode from the next.
pub(crate) type Generation = u64;

/// The result of [`Table::ensure`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ensured<'a, R> {
    Ready(&'a R),
    /// It comes up already, or soon.
    Starting,
    /// The caller has to start it, with this number.
    Start(Generation),
    /// Not before that time.
    Failed(Failure, Duration),
}

/// The result of [`Table::restart`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Restarted {
    /// The caller has to start it, with this number.
    Start(Generation),
    /// The caller has to stop it; it comes back.
    Stop,
    /// It was asked for a moment ago.
    TooSoon,
}

/// Everybody's opencode by their name; `R` is what a ready one is reached by.
pub(crate) struct Table<R> {
    all: BTreeMap<String, Instance<R>>,
    next: Generation,
    /// When somebody last asked for a restart.
    restarts: BTreeMap<String, Duration>,
}

struct Instance<R> {
    generation: Generation,
    state: State<R>,
    /// Starts in a row that came to nothing.
    failures: u32,
}

enum State<R> {
    Starting,
    Ready {
        at: Duration,
        reached_by: R,
    },
    /// It is being ended; whether somebody wants it back by now.
    Stopping {
        wanted: bool,
    },
    Resting {
        until: Duration,
        why: Failure,
        /// It was ready before, so it most likely will be again.
        comes_back: bool,
    },
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self {
            all: BTreeMap::new(),
            next: 1,
            restarts: BTreeMap::new(),
        }
    }
}

impl<R> Table<R> {
    /// Somebody wants theirs.
    pub(crate) fn ensure(&mut self, user: &str, now: Duration) -> Ensured<'_, R> {
        let may_start = self.all.get(user).is_none_or(
            |instance| matches!(instance.state, State::Resting { until, .. } if until <= now),
        );
        if may_start {
            return Ensured::Start(self.start(user));
        }
        match self.all.get_mut(user).map(|instance| &mut instance.state) {
            Some(State::Ready { reached_by, .. }) => Ensured::Ready(reached_by),
            Some(State::Resting {
                until,
                why,
                comes_back: false,
            }) => Ensured::Failed(*why, until.saturating_sub(now)),
            Some(State::Stopping { wanted }) => {
                *wanted = true;
                Ensured::Starting
            }
            Some(State::Starting | State::Resting { .. }) | None => Ensured::Starting,
        }
    }

    /// Somebody wants theirs anew, also before its rest is over.
    pub(crate) fn restart(&mut self, user: &str, now: Duration) -> Restarted {
        self.restarts
            .retain(|_, at| now.saturating_sub(*at) < RESTART_REST);
        if self.restarts.contains_key(user) {
            return Restarted::TooSoon;
        }
        self.restarts.insert(user.to_owned(), now);
        match self.all.get_mut(user) {
            Some(Instance {
                state: State::Resting { .. },
                ..
            })
            | None => Restarted::Start(self.start(user)),
            Some(instance) => {
                instance.state = State::Stopping { wanted: true };
                Restarted::Stop
            }
        }
    }

    fn start(&mut self, user: &str) -> Generation {
        let generation = self.next;
        self.next += 1;
        let failures = self.all.get(user).map_or(0, |instance| instance.failures);
        let instance = Instance {
            generation,
            state: State::Starting,
            failures,
        };
        self.all.insert(user.to_owned(), instance);
        generation
    }

    fn current(&mut self, user: &str, generation: Generation) -> Option<&mut Instance<R>> {
        let instance = self.all.get_mut(user)?;
        (instance.generation == generation).then_some(instance)
    }

    /// It answers; whether that is still wanted.
    pub(crate) fn ready(
        &mut self,
        user: &str,
        generation: Generation,
        reached_by: R,
        now: Duration,
    ) -> bool {
        let Some(instance) = self.current(user, generation) else {
            return false;
        };
        let is_wanted = matches!(instance.state, State::Starting);
        if is_wanted {
            instance.state = State::Ready {
                at: now,
                reached_by,
            };
        }
        is_wanted
    }

    /// Somebody ends it; whether there is one to end.
    pub(crate) fn stop(&mut self, user: &str) -> bool {
        let Some(instance) = self.all.get_mut(user) else {
            return false;
        };
        let runs = matches!(instance.state, State::Starting | State::Ready { .. });
        if runs {
            instance.state = State::Stopping { wanted: false };
        }
        runs
    }

    /// It is gone with all that ran under it, for a reason if it was not told
    /// to. Some: it is wanted back, with this number.
    pub(crate) fn ended(
        &mut self,
        user: &str,
        generation: Generation,
        why: Option<Failure>,
        now: Duration,
    ) -> Option<Generation> {
        let instance = self.current(user, generation)?;
        let was_ready = matches!(instance.state, State::Ready { .. });
        match instance.state {
            State::Stopping { wanted } => {
                self.all.remove(user);
                return wanted.then(|| self.start(user));
            }
            State::Ready { at, .. } if now.saturating_sub(at) >= STEADY => instance.failures = 0,
            _ => instance.failures = instance.failures.saturating_add(1),
        }
        // The first end of one that was ready costs nothing.
        let rests = instance.failures.saturating_sub(u32::from(was_ready));
        let rest = match rests.checked_sub(1) {
            None => Duration::ZERO,
            Some(before) => Duration::from_secs(1).saturating_mul(2_u32.saturating_pow(before)),
        };
        instance.state = State::Resting {
            until: now + rest.min(LONGEST_REST),
            why: why.unwrap_or(Failure::Ended),
            comes_back: was_ready && instance.failures <= COMES_BACK,
        };
        None
    }

    /// Those that run or come up, with what they are reached by.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&str, Option<&R>)> {
        self.all
            .iter()
            .filter_map(|(user, instance)| match &instance.state {
                State::Ready { reached_by, .. } => Some((user.as_str(), Some(reached_by))),
                State::Starting => Some((user.as_str(), None)),
                State::Stopping { .. } | State::Resting { .. } => None,
            })
    }
}

#[cfg(test)]
mod tests;
