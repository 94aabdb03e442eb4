//! Contenders side by side: one round runs each of them once, so that whatever
//! else the machine does hits them alike. What is told is the median.

use crate::{Cost, Error};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

/// A way to do the work, run once a round.
pub struct Contender<'a> {
    name: String,
    rounds: usize,
    round: Box<dyn FnMut() -> Result<Cost, Error> + 'a>,
}

impl<'a> Contender<'a> {
    /// `round` prepares, which counts for nothing, then returns what the work cost.
    pub fn new(
        name: impl Into<String>,
        rounds: usize,
        round: impl FnMut() -> Result<Cost, Error> + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            rounds,
            round: Box::new(round),
        }
    }
}

/// What the rounds of one contender cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costs {
    /// Whose.
    pub name: String,
    rounds: Vec<Cost>,
}

impl Costs {
    /// Of rounds that were run elsewhere, for example many at a time.
    pub fn new(name: impl Into<String>, rounds: Vec<Cost>) -> Self {
        let name = name.into();
        Self { name, rounds }
    }

    /// For CPU time that is only told in steps of 10 ms: those of single rounds
    /// are wrong by as much, their sum is not.
    pub fn mean_cpu(&self) -> Duration {
        let sum: Duration = self.rounds.iter().map(|cost| cost.cpu).sum();
        let rounds = u32::try_from(self.rounds.len()).unwrap_or(u32::MAX);
        sum.checked_div(rounds).unwrap_or_default()
    }

    /// Of two middle values the lower: a cost that was seen.
    pub fn median(&self) -> Cost {
        self.percentile(50)
    }

    /// What so many of a hundred rounds cost at most, number by number: the round
    /// with that time need not be the one with that memory.
    pub fn percentile(&self, percent: usize) -> Cost {
        Cost {
            wall: percentile(percent, self.rounds.iter().map(|cost| cost.wall)),
            cpu: percentile(percent, self.rounds.iter().map(|cost| cost.cpu)),
            peak: percentile(percent, self.rounds.iter().map(|cost| cost.peak)),
        }
    }

    /// How many rounds there were.
    pub fn rounds(&self) -> usize {
        self.rounds.len()
    }
}

/// Runs all rounds, the contenders of each in their order: one may start from
/// what the one before it left.
pub fn interleave(contenders: Vec<Contender<'_>>) -> Result<Vec<Costs>, Error> {
    let in_order = |_, count| (0..count).collect();
    run_rounds(contenders, in_order)
}

/// The same for contenders that build on nothing: each round has an order of its own, for a
/// process that has ended leaves the kernel work that disturbs the next.
pub fn shuffle(contenders: Vec<Contender<'_>>) -> Result<Vec<Costs>, Error> {
    run_rounds(contenders, shuffled)
}

/// Numbers below `count`, in an order that is the same whenever the round is.
fn shuffled(round: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_cached_key(|at| {
        let mut hasher = DefaultHasher::new();
        (round, at).hash(&mut hasher);
        hasher.finish()
    });
    order
}

/// `order` takes the number of the round and that of the contenders.
fn run_rounds(
    mut contenders: Vec<Contender<'_>>,
    order: impl Fn(usize, usize) -> Vec<usize>,
) -> Result<Vec<Costs>, Error> {
    let count = contenders.len();
    let mut costs = vec![Vec::new(); count];
    let most = contenders.iter().map(|it| it.rounds).max().unwrap_or(0);
    for round in 0..most {
        for at in order(round, count) {
            if let (Some(contender), Some(costs)) = (contenders.get_mut(at), costs.get_mut(at))
                && round < contender.rounds
            {
                costs.push((contender.round)()?);
            }
        }
    }
    let names = contenders.into_iter().map(|contender| contender.name);
    let both = names.zip(costs).filter(|(_, rounds)| !rounds.is_empty());
    Ok(both.map(|(name, rounds)| Costs { name, rounds }).collect())
}

/// The lowest value that so many of a hundred are not above.
fn percentile<T: Ord + Copy + Default>(percent: usize, values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100);
    let at = rank.saturating_sub(1);
    values.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn the_value_in_the_middle() {
        let median = |values: &[u8]| percentile(50, values.iter().copied());
        assert_eq!(median(&[5, 1, 9]), 5);
        assert_eq!(median(&[4, 1, 9, 5]), 4);
        assert_eq!(median(&[7]), 7);
    }

    #[test]
    fn the_value_that_few_are_above() {
        assert_eq!(percentile(95, 1..=100), 95);
        assert_eq!(percentile(95, 1..=20), 19);
        assert_eq!(percentile(95, 1..=3), 3);
        assert_eq!(percentile(100, 1..=20), 20);
    }

    #[test]
    fn steps_of_a_clock_are_evened_out() {
        let cpu = |millis| Cost {
            cpu: Duration::from_millis(millis),
            ..Cost::default()
        };
        let costs = Costs::new("a", vec![cpu(10), cpu(20), cpu(10), cpu(10)]);
        assert_eq!(costs.mean_cpu(), Duration::from_micros(12_500));
        assert_eq!(Costs::new("b", Vec::new()).mean_cpu(), Duration::ZERO);
    }

    /// Notes its name in `order`, each round.
    fn noting<'a>(
        order: &'a RefCell<String>,
        name: &'static str,
        rounds: usize,
        micros: u64,
    ) -> Contender<'a> {
        Contender::new(name, rounds, move || {
            order.borrow_mut().push_str(name);
            Ok(Cost {
                wall: Duration::from_micros(micros),
                cpu: Duration::from_micros(micros),
                peak: micros,
            })
        })
    }

    #[test]
    fn contenders_run_in_each_round() {
        let order = RefCell::new(String::new());
        let both = vec![noting(&order, "a", 3, 7), noting(&order, "b", 1, 9)];
        let costs = interleave(both).unwrap();
        assert_eq!(order.into_inner(), "abaa");
        assert_eq!((costs[0].rounds(), costs[1].rounds()), (3, 1));
        assert_eq!(costs[1].median().peak, 9);
    }

    #[test]
    fn a_shuffled_round_has_everybody_once() {
        let orders: Vec<Vec<usize>> = (0..50).map(|round| shuffled(round, 5)).collect();
        for order in &orders {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3, 4]);
        }
        let followers = |of| {
            let behind = |order: &Vec<usize>| {
                let at = order.iter().position(|&other| other == of)?;
                order.get(at + 1).copied()
            };
            let found: std::collections::BTreeSet<_> = orders.iter().filter_map(behind).collect();
            found.len()
        };
        assert_eq!(followers(0), 4, "always behind the same one");
    }

    #[test]
    fn the_first_failure_ends_it() {
        let failing = Contender::new("a", 2, || Err(Error::Other("no".into())));
        assert_eq!(interleave(vec![failing]).unwrap_err().to_string(), "no");
    }
}
