use super::*;

type Ports = Table<u16>;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn many_at_once_start_one() {
    let mut instances = Ports::default();
    assert_eq!(instances.ensure("alice", at(0)), Ensured::Start(1));
    for _ in 0..20 {
        assert_eq!(instances.ensure("alice", at(0)), Ensured::Starting);
    }
    assert_eq!(instances.ensure("bob", at(0)), Ensured::Start(2));
    assert!(instances.ready("alice", 1, 4096, at(2)));
    assert_eq!(instances.ensure("alice", at(3)), Ensured::Ready(&4096));
}

#[test]
fn stopped_is_forgotten_and_one_that_is_wanted_meanwhile_comes_back() {
    let mut instances = Ports::default();
    instances.ensure("alice", at(0));
    assert!(instances.stop("alice"));
    assert!(!instances.stop("alice"));
    assert!(!instances.ready("alice", 1, 4096, at(1)), "too late");
    assert_eq!(instances.ended("alice", 1, None, at(1)), None);
    assert_eq!(instances.running().count(), 0);
    assert_eq!(instances.ensure("alice", at(1)), Ensured::Start(2));
    instances.stop("alice");
    assert_eq!(instances.ensure("alice", at(1)), Ensured::Starting);
    let older = instances.ended("alice", 1, None, at(2));
    assert_eq!(older, None);
    assert_eq!(instances.ended("alice", 2, None, at(2)), Some(3));
    assert_eq!(instances.ensure("alice", at(2)), Ensured::Starting);
}

#[test]
fn one_that_fails_rests_longer_each_time() {
    let mut instances = Ports::default();
    let mut now = at(0);
    let mut rests = Vec::new();
    for generation in 1..9 {
        assert_eq!(instances.ensure("alice", now), Ensured::Start(generation));
        let again = instances.ended("alice", generation, Some(Failure::Home), now);
        assert_eq!(again, None);
        let Ensured::Failed(Failure::Home, rest) = instances.ensure("alice", now) else {
            panic!("it rests");
        };
        rests.push(rest.as_secs());
        now += rest;
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
}

#[test]
fn a_crash_after_a_steady_run_costs_nothing() {
    let mut instances = Ports::default();
    instances.ensure("alice", at(0));
    instances.ready("alice", 1, 4096, at(1));
    instances.ended("alice", 1, None, at(61));
    assert_eq!(instances.ensure("alice", at(61)), Ensured::Start(2));
}

/// Killed soon after it was ready, it comes back as it does later: whoever asks waits.
#[test]
fn one_that_was_ready_comes_back_soon_unless_it_keeps_ending() {
    let mut instances = Ports::default();
    let mut generation = 1;
    instances.ensure("alice", at(0));
    for (deaths, rest) in [0, 1, 2, 4].into_iter().enumerate() {
        let now = at(100 * deaths as u64);
        instances.ready("alice", generation, 4096, now);
        instances.ended("alice", generation, None, now);
        for second in 0..rest {
            let asked = instances.ensure("alice", now + at(second));
            assert_eq!(asked, Ensured::Starting, "death {deaths}");
        }
        generation += 1;
        let asked = instances.ensure("alice", now + at(rest));
        assert_eq!(asked, Ensured::Start(generation));
    }
    instances.ready("alice", generation, 4096, at(500));
    instances.ended("alice", generation, None, at(500));
    let asked = instances.ensure("alice", at(500));
    assert_eq!(asked, Ensured::Failed(Failure::Ended, at(8)));
}

#[test]
fn a_restart_comes_before_the_rest_is_over_and_not_twice_at_once() {
    let mut instances = Ports::default();
    assert_eq!(instances.restart("alice", at(0)), Restarted::Start(1));
    assert_eq!(instances.restart("alice", at(4)), Restarted::TooSoon);
    assert_eq!(instances.restart("bob", at(4)), Restarted::Start(2));
    // One that hangs at its start is ended and comes back.
    assert_eq!(instances.restart("alice", at(5)), Restarted::Stop);
    assert_eq!(instances.ensure("alice", at(5)), Ensured::Starting);
    assert_eq!(instances.ended("alice", 1, None, at(6)), Some(3));
    assert!(instances.ready("alice", 3, 4096, at(7)));
    assert_eq!(instances.restart("alice", at(10)), Restarted::Stop);
    assert!(!instances.stop("alice"), "it ends already");
    assert_eq!(instances.ended("alice", 3, None, at(11)), Some(4));
    for failures in 0..6 {
        let now = at(20 + 10 * failures);
        let generation = 4 + failures;
        instances.ended("alice", generation, Some(Failure::Ended), now);
        let again = instances.restart("alice", now + at(5));
        assert_eq!(again, Restarted::Start(generation + 1), "it rests");
    }
}
