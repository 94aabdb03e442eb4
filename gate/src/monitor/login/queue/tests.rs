use std::net::IpAddr;

use super::*;
use crate::monitor::login::rate_limit::AddressBlock;

const NOW: Duration = Duration::from_secs(1);

fn source(number: u8) -> Source {
    Source::Address(AddressBlock::of(IpAddr::from([192, 0, 2, number])))
}

fn account(name: &str) -> Account {
    Account::named(name)
}

#[test]
fn one_per_source_and_account_four_in_all() {
    let mut lanes = LoginQueue::default();
    let attempts = ["1a", "1b", "2a", "2c", "3d", "4e", "5f"];
    for (number, attempt) in attempts.iter().enumerate() {
        let (from, name) = attempt.split_at(1);
        let from = source(from.parse().unwrap());
        lanes.push(from, account(name), number).unwrap();
    }
    let started: Vec<usize> = std::iter::from_fn(|| lanes.start_next(NOW)).collect();
    assert_eq!(started, [0, 3, 4, 5]);
    lanes.ended(source(1), account("a"), NOW);
    assert_eq!(lanes.start_next(NOW), Some(1));
    lanes.ended(source(2), account("c"), NOW);
    let next = lanes.start_next(NOW);
    assert_eq!(next, Some(2), "a's account is free again");
}

#[test]
fn a_flood_from_one_source_starves_nobody_elsewhere() {
    let mut lanes = LoginQueue::default();
    let mut taken = 0;
    let mut flood = (0..).map(|number: u32| account(&number.to_string()));
    while lanes.push(source(1), flood.next().unwrap(), 0).is_ok() {
        taken += 1;
    }
    assert_eq!(taken, WAITING_PER_SOURCE);
    lanes.push(source(2), account("bob"), 7).unwrap();
    assert_eq!(lanes.start_next(NOW), Some(0));
    assert_eq!(lanes.start_next(NOW), Some(7));
    assert_eq!(lanes.start_next(NOW), None);
}

#[test]
fn a_held_source_waits_and_others_do_not() {
    let mut lanes = LoginQueue::default();
    for (from, name) in [(1, "a"), (1, "b"), (2, "c")] {
        lanes.push(source(from), account(name), name).unwrap();
    }
    assert_eq!(lanes.start_next(NOW), Some("a"));
    lanes.ended(source(1), account("a"), NOW * 5);
    assert_eq!(lanes.start_next(NOW), Some("c"));
    assert_eq!(lanes.start_next(NOW), None);
    assert_eq!(lanes.next_release(), Some(NOW * 5));
    assert_eq!(lanes.start_next(NOW * 5), Some("b"));
    assert_eq!(lanes.next_release(), None);
}

#[test]
fn never_more_wait_than_fit() {
    let mut lanes = LoginQueue::default();
    let mut push = |(from, name)| lanes.push(source(from), account(name), ()).is_ok();
    let pushed = (0..=255).flat_map(|from| ["a", "b", "c", "d"].map(|name| (from, name)));
    assert_eq!(pushed.filter(|attempt| push(*attempt)).count(), WAITING);
}
