//! A swap that is cut anywhere, and cut again while it is settled.

use std::collections::BTreeMap;

use super::*;

/// Name → which container it is, and whether that runs.
type Engine = BTreeMap<String, (&'static str, bool)>;
type Pair = (&'static str, Option<&'static str>);

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
        Step::KeepStopped(names) => assert!(engine.contains_key(&names.with(Previous))),
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

/// Which container is X, and which is kept for a rollback.
fn pair(engine: &Engine) -> Pair {
    let previous = engine.get("x-previous").map(|(which, _)| *which);
    (engine["x"].0, previous)
}

/// Killed after any number of steps, and then again while settling after
/// any number of steps, one of the `good` pairs is left, and nothing else.
fn survives_kills(start: &Engine, steps: &[Step], good: &[Pair]) {
    for killed in 0..=steps.len() {
        let mut half = start.clone();
        apply_all(&mut half, &steps[..killed]);
        let first = recover(&names(), &there(&half));
        for killed_again in 0..=first.len() {
            let mut engine = half.clone();
            apply_all(&mut engine, &first[..killed_again]);
            let again = recover(&names(), &there(&engine));
            apply_all(&mut engine, &again);
            let left = pair(&engine);
            let is_good = good.contains(&left) && engine.len() == 1 + usize::from(left.1.is_some());
            assert!(is_good, "after {killed} and {killed_again}: {engine:?}");
            assert!(recover(&names(), &there(&engine)).is_empty(), "{engine:?}");
        }
    }
}

/// X is about to give way to X-next, with and without one kept from before.
fn before_a_swap() -> [(Engine, Option<&'static str>); 2] {
    let both = [("x", "old", true), ("x-next", "new", false)];
    let kept = ("x-previous", "oldest", false);
    [
        (engine(&both), None),
        (engine(&[both[0], both[1], kept]), Some("oldest")),
    ]
}

#[test]
fn an_update_that_is_cut_anywhere_leaves_the_old_or_the_new_one() {
    for (mut engine, kept) in before_a_swap() {
        let mut steps = replace(&names());
        steps.extend(keep_replaced(&names(), &there(&engine)));
        survives_kills(&engine, &steps, &[("old", kept), ("new", Some("old"))]);
        apply_all(&mut engine, &steps);
        let expected = [("x", "new", true), ("x-previous", "old", false)];
        assert_eq!(engine, self::engine(&expected));
    }
}

#[test]
fn a_recreate_that_is_cut_anywhere_leaves_the_old_or_the_new_one() {
    for (engine, kept) in before_a_swap() {
        let mut steps = replace(&names());
        steps.extend(drop_replaced(&names()));
        survives_kills(&engine, &steps, &[("old", kept), ("new", kept)]);
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
    let good = [("current", Some("kept")), ("kept", Some("current"))];
    survives_kills(&begin, &steps, &good);
}

/// As kept.rs puts a copy in its place, on an engine that can't change a restart policy.
#[test]
fn a_kept_one_that_is_renewed_is_never_lost() {
    let begin = engine(&[
        ("x", "new", true),
        ("x-previous", "old", false),
        ("x-older", "copy", false),
    ]);
    let [copy, old, name] = [Older, Check, Previous].map(|one| names().with(one));
    let steps = [
        Step::Rename(name.clone(), old.clone()),
        Step::Rename(copy, name),
        Step::Remove(old),
    ];
    let good = [("new", Some("old")), ("new", Some("copy"))];
    survives_kills(&begin, &steps, &good);
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
    assert_eq!(recover(&names(), &there), [Step::KeepStopped(names())]);
}

#[test]
fn suffixed_names_belong_to_their_container() {
    for name in Beside::ALL.map(|one| names().with(one)) {
        assert_eq!(Names::around(&name), Some(names()), "{name}");
    }
    assert_eq!(Names::around("x"), None);
    assert_eq!(Names::around("-next"), None);
}
