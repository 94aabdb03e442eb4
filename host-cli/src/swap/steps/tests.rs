//! A swap that is cut anywhere, and cut again while it is settled.

use std::collections::BTreeMap;

use super::*;

/// Name → which container it is, and whether that runs.
type Engine = BTreeMap<String, (&'static str, bool)>;

fn names() -> Names {
    Names::of("x")
}

fn there(engine: &Engine) -> Existing {
    let names = names();
    let is_there = |one: &Beside| engine.contains_key(&names.with(*one));
    Existing {
        own: engine.contains_key(&names.own),
        running: engine.get(&names.own).is_some_and(|(_, runs)| *runs),
        previous_restarts: false,
        beside: Beside::ALL.into_iter().filter(is_there).collect(),
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
        let first = recover(&names(), &there(&half));
        for killed_again in 0..=first.len() {
            let mut engine = half.clone();
            apply_all(&mut engine, &first[..killed_again]);
            let again = recover(&names(), &there(&engine));
            apply_all(&mut engine, &again);
            assert!(
                good(&engine),
                "after {killed} and {killed_again}: {engine:?}"
            );
            assert!(recover(&names(), &there(&engine)).is_empty(), "{engine:?}");
        }
    }
}

fn only_own_and_previous(engine: &Engine) -> bool {
    let names = names();
    engine
        .keys()
        .all(|name| *name == names.own || *name == names.with(Previous))
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
fn only_container_left_gets_its_name_back() {
    let mut engine = engine(&[("x-older", "old", false)]);
    let steps = recover(&names(), &there(&engine));
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
        only_own_and_previous(engine) && matches!(pair, ("current", "kept") | ("kept", "current"))
    });
}

#[test]
fn names_in_order_need_no_step() {
    for calm in [
        engine(&[]),
        engine(&[("x", "a", true)]),
        engine(&[("x", "a", false), ("x-previous", "b", false)]),
    ] {
        assert!(recover(&names(), &there(&calm)).is_empty());
        assert!(!there(&calm).is_interrupted());
    }
}

#[test]
fn previous_container_is_not_restarted_by_the_engine() {
    let there = Existing {
        own: true,
        beside: BTreeSet::from([Previous]),
        previous_restarts: true,
        ..Existing::default()
    };
    assert_eq!(
        recover(&names(), &there),
        [Step::KeepStopped("x-previous".into())]
    );
}

#[test]
fn suffixed_names_belong_to_their_container() {
    for name in Beside::ALL.map(|one| names().with(one)) {
        assert_eq!(Names::around(&name), Some(names()), "{name}");
    }
    assert_eq!(Names::around("x"), None);
    assert_eq!(Names::around("-next"), None);
}
