//! The names that change hands in an update, and the steps, as values.
//!
//! The names are the whole memory of a swap: whoever is killed in the middle
//! leaves names from which the next command tells how far it went. While
//! `X-replaced` or `X-undone` is there, what runs under the name X is unproven,
//! and going back is right; the rename that ends this is the moment it counts.

/// Ends of the names that stand beside a container's own.
const NEXT: &str = "-next";
const REPLACED: &str = "-replaced";
const UNDONE: &str = "-undone";
const PREVIOUS: &str = "-previous";
const OLDER: &str = "-older";
const CHECK: &str = "-next-check";
/// The longest first: one is the end of another.
const ENDS: [&str; 6] = [CHECK, NEXT, REPLACED, UNDONE, PREVIOUS, OLDER];

/// The names around one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Names {
    /// The container's own.
    pub own: String,
}

impl Names {
    /// The names around a container.
    pub(crate) fn of(own: impl Into<String>) -> Self {
        Self { own: own.into() }
    }

    /// The one that a name beside another belongs to; None for any other name.
    pub(crate) fn around(name: &str) -> Option<Self> {
        let own = ENDS.iter().find_map(|end| name.strip_suffix(end))?;
        (!own.is_empty()).then(|| Self::of(own))
    }

    fn with(&self, end: &str) -> String {
        format!("{}{end}", self.own)
    }

    /// Of the one that an update has made and not yet tried.
    pub(crate) fn next(&self) -> String {
        self.with(NEXT)
    }

    /// Of the one that an update has replaced, while the new one is unproven.
    pub(crate) fn replaced(&self) -> String {
        self.with(REPLACED)
    }

    /// Of the one that a rollback has replaced, while the other is unproven.
    pub(crate) fn undone(&self) -> String {
        self.with(UNDONE)
    }

    /// Of the one that is kept for a rollback.
    pub(crate) fn previous(&self) -> String {
        self.with(PREVIOUS)
    }

    /// Of the one kept before that, for the moment in which names change.
    pub(crate) fn older(&self) -> String {
        self.with(OLDER)
    }

    /// Of the one that runs the new image's check.
    pub(crate) fn check(&self) -> String {
        self.with(CHECK)
    }

    /// All names but the own.
    pub(crate) fn beside(&self) -> Vec<String> {
        ENDS.iter().map(|end| self.with(end)).collect()
    }
}

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
pub(crate) struct There {
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

impl There {
    /// Whether an update or a rollback has not come to its end.
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
pub(crate) fn keep_replaced(names: &Names, there: &There) -> Vec<Step> {
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
pub(crate) fn settle(names: &Names, there: &There) -> Vec<Step> {
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
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Name → which container it is, and whether that runs.
    type Engine = BTreeMap<String, (&'static str, bool)>;

    fn names() -> Names {
        Names::of("x")
    }

    fn there(engine: &Engine) -> There {
        let has = |name: String| engine.contains_key(&name);
        let names = names();
        There {
            own: has(names.own.clone()),
            running: engine.get(&names.own).is_some_and(|(_, runs)| *runs),
            next: has(names.next()),
            replaced: has(names.replaced()),
            undone: has(names.undone()),
            previous: has(names.previous()),
            previous_restarts: false,
            older: has(names.older()),
            check: has(names.check()),
        }
    }

    fn apply(engine: &mut Engine, step: &Step) {
        match step {
            Step::Stop(name) => engine.get_mut(name).unwrap().1 = false,
            Step::Start(name) => engine.get_mut(name).unwrap().1 = true,
            Step::KeepStopped(name) => assert!(engine.contains_key(name)),
            Step::Remove(name) => drop(engine.remove(name).unwrap()),
            Step::Rename(from, to) => {
                let moved = engine.remove(from).unwrap();
                assert!(
                    engine.insert(to.clone(), moved).is_none(),
                    "'{to}' is taken"
                );
            }
        }
    }

    fn apply_all(engine: &mut Engine, steps: &[Step]) {
        for step in steps {
            apply(engine, step);
        }
    }

    fn engine(list: &[(&str, &'static str, bool)]) -> Engine {
        list.iter()
            .map(|(name, which, runs)| ((*name).to_owned(), (*which, *runs)))
            .collect()
    }

    /// Killed after any number of steps, and then again while settling after
    /// any number of steps, what is left is `good`.
    fn survives_kills(start: &Engine, steps: &[Step], good: impl Fn(&Engine) -> bool) {
        for killed in 0..=steps.len() {
            let mut half = start.clone();
            apply_all(&mut half, &steps[..killed]);
            let first = settle(&names(), &there(&half));
            for killed_again in 0..=first.len() {
                let mut engine = half.clone();
                apply_all(&mut engine, &first[..killed_again]);
                let again = settle(&names(), &there(&engine));
                apply_all(&mut engine, &again);
                assert!(
                    good(&engine),
                    "after {killed} and {killed_again}: {engine:?}"
                );
                assert!(settle(&names(), &there(&engine)).is_empty(), "{engine:?}");
            }
        }
    }

    fn only_own_and_previous(engine: &Engine) -> bool {
        let names = names();
        engine
            .keys()
            .all(|name| *name == names.own || *name == names.previous())
    }

    #[test]
    fn an_update_that_is_cut_anywhere_leaves_the_old_or_the_new_one() {
        let begin = engine(&[
            ("x", "old", true),
            ("x-next", "new", false),
            ("x-previous", "oldest", false),
        ]);
        let mut steps = replace(&names());
        steps.extend(keep_replaced(&names(), &there(&begin)));
        survives_kills(&begin, &steps, |engine| {
            let (own, previous) = (engine["x"].0, engine["x-previous"].0);
            only_own_and_previous(engine)
                && matches!((own, previous), ("old", "oldest") | ("new", "old"))
        });
        let mut whole = begin;
        apply_all(&mut whole, &steps);
        assert_eq!(
            whole,
            engine(&[("x", "new", true), ("x-previous", "old", false)])
        );
    }

    #[test]
    fn the_first_update_keeps_what_it_replaced() {
        let mut engine = engine(&[("x", "old", true), ("x-next", "new", false)]);
        let mut steps = replace(&names());
        steps.extend(keep_replaced(&names(), &there(&engine)));
        survives_kills(&engine, &steps, |engine| {
            only_own_and_previous(engine) && matches!(engine["x"].0, "old" | "new")
        });
        apply_all(&mut engine, &steps);
        assert_eq!(engine["x-previous"].0, "old");
    }

    #[test]
    fn a_recreate_that_is_cut_anywhere_leaves_the_old_or_the_new_one() {
        for kept in [None, Some(("x-previous", "kept", false))] {
            let all = [("x", "old", true), ("x-next", "new", false)];
            let all: Vec<_> = all.into_iter().chain(kept).collect();
            let mut steps = replace(&names());
            steps.extend(drop_replaced(&names()));
            survives_kills(&engine(&all), &steps, |engine| {
                let previous = engine.get("x-previous").map(|(which, _)| *which);
                only_own_and_previous(engine)
                    && matches!(engine["x"].0, "old" | "new")
                    && previous == kept.map(|(_, which, _)| which)
            });
        }
    }

    #[test]
    fn the_last_one_there_is_comes_back() {
        let mut engine = engine(&[("x-older", "old", false)]);
        let steps = settle(&names(), &there(&engine));
        apply_all(&mut engine, &steps);
        assert_eq!(engine["x"].0, "old");
    }

    #[test]
    fn a_rollback_that_is_cut_anywhere_loses_neither() {
        let begin = engine(&[("x", "current", true), ("x-previous", "kept", false)]);
        let mut steps = go_back(&names());
        steps.extend(keep_undone(&names()));
        survives_kills(&begin, &steps, |engine| {
            let pair = (engine["x"].0, engine["x-previous"].0);
            only_own_and_previous(engine)
                && matches!(pair, ("current", "kept") | ("kept", "current"))
        });
    }

    #[test]
    fn what_is_in_order_stays_untouched() {
        for calm in [
            engine(&[]),
            engine(&[("x", "a", true)]),
            engine(&[("x", "a", false), ("x-previous", "b", false)]),
        ] {
            assert!(settle(&names(), &there(&calm)).is_empty());
            assert!(!there(&calm).is_interrupted());
        }
    }

    #[test]
    fn what_is_kept_is_not_started_by_the_engine() {
        let there = There {
            own: true,
            previous: true,
            previous_restarts: true,
            ..There::default()
        };
        assert_eq!(
            settle(&names(), &there),
            [Step::KeepStopped("x-previous".into())]
        );
    }

    #[test]
    fn names_beside_another_are_told_from_names() {
        for name in names().beside() {
            assert_eq!(Names::around(&name), Some(names()), "{name}");
        }
        assert_eq!(Names::around("x"), None);
        assert_eq!(Names::around("-next"), None);
    }
}
