//! The order in which attempts are asked of PAM: few at once, the sources in turn, and
//! the accounts of each in turn, so that a flood starves nobody but itself. A browser
//! that logged in before has places that no stranger can take.

use std::collections::{HashMap, VecDeque};

use crate::monitor::login::rate_limit::{Account, Source};

/// PAM helpers at once for strangers, and for browsers and sessions that are known.
pub(crate) const SLOTS: usize = 4;
const KNOWN_SLOTS: usize = 2;
/// Helpers for one address, which is everybody's behind a published port.
const SLOTS_PER_ADDRESS: usize = 3;
/// The same for an address with many failures.
const SLOTS_IF_SLOWED: usize = 2;
/// Attempts that wait, of strangers and of those who are known.
const WAITING: usize = 256;
const KNOWN_WAITING: usize = 64;
/// Turns that are remembered; beyond that the older half goes.
const TURNS: usize = 4096;

/// Attempts that run and wait; `T` is what an attempt carries.
pub(crate) struct LoginQueue<T> {
    running: Vec<(Source, Account)>,
    waiting: VecDeque<Waiting<T>>,
    turns: Turns,
}

struct Waiting<T> {
    /// The number of its call, by which it can be taken out again.
    id: u64,
    source: Source,
    account: Account,
    /// How many turns had been taken when it came.
    came: u64,
    attempt: T,
}

/// When each source, and each account of it, had its last turn.
#[derive(Default)]
struct Turns {
    count: u64,
    last: HashMap<(Source, Option<Account>), u64>,
}

impl Turns {
    /// The last turn of a source, or of an account of it. One that had none yet counts from
    /// when it came, so that new sources do not go before those that wait.
    fn last(&self, source: Source, account: Option<Account>, came: u64) -> u64 {
        self.last.get(&(source, account)).copied().unwrap_or(came)
    }

    fn taken(&mut self, source: Source, account: Account) {
        self.count += 1;
        for key in [(source, None), (source, Some(account))] {
            self.last.insert(key, self.count);
        }
        if self.last.len() > TURNS {
            let half = self.count.saturating_sub(TURNS as u64 / 4);
            self.last.retain(|_, turn| *turn > half);
        }
    }
}

impl<T> Default for LoginQueue<T> {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            waiting: VecDeque::new(),
            turns: Turns::default(),
        }
    }
}

impl<T> LoginQueue<T> {
    /// Lets an attempt wait. Returns the one that has to go, if too many wait: the last
    /// of the account with the most, of the source with the most.
    pub(crate) fn push(
        &mut self,
        id: u64,
        source: Source,
        account: Account,
        attempt: T,
    ) -> Option<T> {
        self.waiting.push_back(Waiting {
            id,
            source,
            account,
            came: self.turns.count,
            attempt,
        });
        let is_known = source.is_known();
        let most = if is_known { KNOWN_WAITING } else { WAITING };
        let in_lane = |waiting: &&Waiting<T>| waiting.source.is_known() == is_known;
        let lane = self.waiting.iter().filter(in_lane);
        if lane.clone().count() <= most {
            return None;
        }
        let (mut sources, mut pairs) = (HashMap::new(), HashMap::new());
        for Waiting {
            source, account, ..
        } in lane
        {
            *sources.entry(*source).or_insert(0_usize) += 1;
            *pairs.entry((*source, *account)).or_insert(0_usize) += 1;
        }
        let share = |waiting: &Waiting<T>| {
            let (source, account) = (waiting.source, waiting.account);
            (sources.get(&source), pairs.get(&(source, account)))
        };
        let all = self.waiting.iter().enumerate();
        // The last of equal ones.
        let (at, _) = all
            .filter(|(_, waiting)| in_lane(waiting))
            .max_by_key(|(_, waiting)| share(waiting))?;
        self.waiting.remove(at).map(|waiting| waiting.attempt)
    }

    /// The next attempt that may run; it counts as running from now on.
    pub(crate) fn start_next(&mut self, is_slowed: impl Fn(Source) -> bool) -> Option<T> {
        let may_run = |waiting: &Waiting<T>| self.has_place(waiting, &is_slowed);
        let order = |waiting: &Waiting<T>| {
            let (source, account) = (waiting.source, waiting.account);
            let of_source = self.turns.last(source, None, waiting.came);
            let of_account = self.turns.last(source, Some(account), waiting.came);
            (self.running_of(source), of_source, of_account)
        };
        let all = self.waiting.iter().enumerate();
        let (at, _) = all
            .filter(|(_, waiting)| may_run(waiting))
            .min_by_key(|(_, waiting)| order(waiting))?;
        let next = self.waiting.remove(at)?;
        self.running.push((next.source, next.account));
        self.turns.taken(next.source, next.account);
        Some(next.attempt)
    }

    fn has_place(&self, waiting: &Waiting<T>, is_slowed: impl Fn(Source) -> bool) -> bool {
        let (source, account) = (waiting.source, waiting.account);
        let is_known = source.is_known();
        let mut lane = self
            .running
            .iter()
            .filter(|(source, _)| source.is_known() == is_known);
        let (slots, of_one) = match (is_known, is_slowed(source)) {
            (true, _) => (KNOWN_SLOTS, 1),
            (false, true) => (SLOTS, SLOTS_IF_SLOWED),
            (false, false) => (SLOTS, SLOTS_PER_ADDRESS),
        };
        // One of each account: the next may find the budget used up.
        lane.clone().count() < slots
            && self.running_of(source) < of_one
            && !lane.any(|(_, running)| *running == account)
    }

    fn running_of(&self, source: Source) -> usize {
        let same = self.running.iter().filter(|(other, _)| *other == source);
        same.count()
    }

    /// A running attempt is over.
    pub(crate) fn ended(&mut self, source: Source, account: Account) {
        let mut running = self.running.iter();
        if let Some(at) = running.position(|running| *running == (source, account)) {
            self.running.swap_remove(at);
        }
    }

    /// Takes out what waits under this number.
    pub(crate) fn remove(&mut self, id: u64) -> Option<T> {
        let at = self.waiting.iter().position(|waiting| waiting.id == id)?;
        self.waiting.remove(at).map(|waiting| waiting.attempt)
    }

    /// Drops what waits.
    pub(crate) fn clear_waiting(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests;
