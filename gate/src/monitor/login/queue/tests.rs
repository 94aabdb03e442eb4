use std::net::IpAddr;

use super::*;
use crate::monitor::login::rate_limit::AddressBlock;

fn source(number: u8) -> Source {
    Source::Address(AddressBlock::of(IpAddr::from([192, 0, 2, number]), false))
}

fn device(number: u8) -> Source {
    Source::Device([number; 16])
}

fn account(name: &str) -> Account {
    Account::named(name)
}

fn start_all<T>(queue: &mut LoginQueue<T>) -> Vec<T> {
    std::iter::from_fn(|| queue.start_next(|_| false)).collect()
}

#[test]
fn four_in_all_three_of_an_address_one_of_an_account() {
    let mut queue = LoginQueue::default();
    let attempts = ["1a", "1b", "2a", "1c", "1d", "2e", "3f"];
    for attempt in attempts {
        let (from, name) = attempt.split_at(1);
        let from = source(from.parse().unwrap());
        assert!(queue.push(0, from, account(name), attempt).is_none());
    }
    assert_eq!(start_all(&mut queue), ["1a", "2e", "3f", "1b"]);
    queue.ended(source(2), account("e"));
    assert_eq!(start_all(&mut queue), ["1c"], "a's account is not free");
    queue.ended(source(1), account("a"));
    assert_eq!(start_all(&mut queue), ["2a"]);
    queue.ended(source(3), account("f"));
    assert_eq!(start_all(&mut queue), ["1d"]);
}

#[test]
fn an_address_with_many_failures_has_fewer_places() {
    let mut queue = LoginQueue::default();
    for name in ["a", "b", "c"] {
        queue.push(0, source(1), account(name), name);
    }
    let slowed = std::iter::from_fn(|| queue.start_next(|_| true)).count();
    assert_eq!(slowed, SLOTS_IF_SLOWED);
}

/// Many attempts at one account hold up only that one.
#[test]
fn accounts_of_an_address_take_turns() {
    let mut queue = LoginQueue::default();
    for number in 0..70 {
        queue.push(0, source(1), account("mallory"), number);
    }
    assert_eq!(start_all(&mut queue), [0]);
    queue.push(0, source(1), account("alice"), 100);
    assert_eq!(start_all(&mut queue), [100]);
    queue.ended(source(1), account("mallory"));
    queue.push(0, source(1), account("bob"), 101);
    assert_eq!(
        start_all(&mut queue),
        [1, 101],
        "each waits for one of another"
    );
}

#[test]
fn ever_new_addresses_hold_nobody_up() {
    let mut queue = LoginQueue::default();
    queue.push(0, source(1), account("alice"), 0);
    for from in 2..=9 {
        start_all(&mut queue);
        queue.ended(source(from - 1), account("alice"));
        queue.push(0, source(from), account("alice"), from);
    }
    for from in 100..=200 {
        queue.push(0, source(from), account("mallory"), from);
    }
    queue.push(0, source(1), account("bob"), 201);
    start_all(&mut queue);
    queue.ended(source(9), account("alice"));
    assert!(queue.running.contains(&(source(1), account("bob"))));
}

#[test]
fn a_known_browser_waits_for_no_stranger() {
    let mut queue = LoginQueue::default();
    for from in 0..=255 {
        for name in ["alice", "bob"] {
            queue.push(0, source(from), account(name), from.into());
        }
    }
    start_all(&mut queue);
    for (number, id) in [(1, 300), (2, 301), (3, 302)] {
        let name = format!("person{number}");
        assert!(queue.push(0, device(number), account(&name), id).is_none());
    }
    assert_eq!(start_all(&mut queue), [300, 301]);
    queue.ended(device(1), account("person1"));
    assert_eq!(start_all(&mut queue), [302]);
}

/// A flood pushes out its own; an address that comes later has room.
#[test]
fn a_full_queue_drops_of_those_who_have_most() {
    let mut queue = LoginQueue::default();
    for number in 0..WAITING {
        assert!(queue.push(0, source(1), account("x"), number).is_none());
    }
    let dropped = queue.push(0, source(2), account("alice"), 1000);
    assert_eq!(dropped, Some(WAITING - 1));
    let dropped = queue.push(0, source(1), account("alice"), 1001);
    assert_eq!(dropped, Some(WAITING - 2));
    let dropped = queue.push(0, source(1), account("x"), 1002);
    assert_eq!(dropped, Some(1002));
    assert_eq!(start_all(&mut queue), [0, 1000]);
}

#[test]
fn nobody_waits_whom_nobody_waits_for() {
    let mut queue = LoginQueue::default();
    queue.push(7, source(1), account("a"), "a");
    queue.push(8, source(1), account("b"), "b");
    assert_eq!(queue.remove(7), Some("a"));
    assert_eq!(queue.remove(7), None);
    assert_eq!(start_all(&mut queue), ["b"]);
}

#[test]
fn memory_of_turns_is_bounded() {
    let mut queue = LoginQueue::default();
    for number in 0..3 * TURNS {
        let name = account(&number.to_string());
        queue.push(0, source(1), name, ());
        start_all(&mut queue);
        queue.ended(source(1), name);
    }
    assert!(queue.turns.last.len() <= TURNS);
}
