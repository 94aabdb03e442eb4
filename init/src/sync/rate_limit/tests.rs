use super::*;

const MOMENT: Duration = Duration::from_millis(200);

#[test]
fn at_rest_nothing_is_due() {
    let (mut pace, now) = (RateLimit::default(), Instant::now());
    assert_eq!(pace.next_start(now), None);
    pace.request();
    assert_eq!(pace.next_start(now), Some(Duration::ZERO));
    pace.start(now);
    pace.end();
    assert_eq!(pace.next_start(now + BETWEEN), None);
}

#[test]
fn many_changes_are_one_further_run_a_second_after_the_last() {
    let (mut pace, now) = (RateLimit::default(), Instant::now());
    pace.request();
    pace.start(now);
    for _ in 0..200 {
        pace.request();
    }
    assert_eq!(pace.next_start(now + MOMENT), None, "one at a time");
    pace.end();
    assert_eq!(
        pace.next_start(now + MOMENT),
        Some(BETWEEN.saturating_sub(MOMENT))
    );
    assert_eq!(pace.next_start(now + BETWEEN), Some(Duration::ZERO));
    pace.start(now + BETWEEN);
    pace.end();
    assert_eq!(pace.next_start(now + BETWEEN * 2), None);
}

#[test]
fn who_must_hurry_waits_for_the_run_but_not_for_the_second() {
    let (mut pace, now) = (RateLimit::default(), Instant::now());
    pace.start(now);
    pace.request();
    pace.skip_delay();
    assert_eq!(pace.next_start(now), None);
    pace.end();
    assert_eq!(pace.next_start(now), Some(Duration::ZERO));
    assert!(pace.is_requested());
}
