use super::*;

const HERE: Source = Source::Address(AddressBlock(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)));
const DEVICE: Source = Source::Device([1; 16]);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn alice() -> Account {
    Account::named("alice")
}

#[test]
fn delays_grow_and_end() {
    let mut budget = FailureLimiter::default();
    let mut waits = Vec::new();
    let mut now = at(0);
    for _ in 0..12 {
        budget.started(HERE, alice(), now);
        let wait = budget.refusal(HERE, alice(), now).unwrap_or(0);
        waits.push(wait);
        now += at(wait.into());
        assert_eq!(budget.refusal(HERE, alice(), now), None);
    }
    assert_eq!(waits, [0, 0, 0, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    budget.succeeded(HERE, alice());
    budget.started(HERE, alice(), now);
    let refusal = budget.refusal(HERE, alice(), now);
    assert_eq!(refusal, None, "a success clears it");
}

#[test]
fn nobody_is_locked_out_from_elsewhere() {
    let mut budget = FailureLimiter::default();
    for _ in 0..100 {
        budget.started(HERE, alice(), at(0));
    }
    assert_eq!(budget.refusal(HERE, alice(), at(0)), Some(900));
    let elsewhere = Source::Address(AddressBlock::of(IpAddr::from([192, 0, 2, 1]), false));
    assert_eq!(budget.refusal(elsewhere, alice(), at(0)), None);
    assert_eq!(budget.refusal(DEVICE, alice(), at(0)), None);
    assert_eq!(budget.refusal(HERE, Account::named("bob"), at(0)), None);
}

#[test]
fn an_address_is_slowed_and_never_refused() {
    let mut budget = FailureLimiter::default();
    for number in 0..1000 {
        budget.started(HERE, Account::named(&number.to_string()), at(0));
    }
    assert_eq!(budget.refusal(HERE, Account::named("bob"), at(0)), None);
    assert!(budget.is_slowed(HERE, at(1)) && !budget.is_slowed(DEVICE, at(1)));
    assert!(!budget.is_slowed(HERE, at(1) + MEMORY), "forgotten");
}

#[test]
fn the_memory_is_bounded() {
    let mut budget = FailureLimiter::default();
    for number in 0..MOST + 100 {
        let now = Duration::from_millis(number.try_into().unwrap());
        budget.started(HERE, Account::named(&number.to_string()), now);
    }
    assert_eq!(budget.pairs.len(), MOST);
}

#[test]
fn networks() {
    let network = |text: &str| AddressBlock::of(text.parse().unwrap(), false);
    assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
    assert_ne!(network("2001:db8:0:1::1"), network("2001:db8::1"));
    assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    assert_ne!(network("192.0.2.2"), network("192.0.2.1"));
    let here = |text: &str| AddressBlock::of(text.parse().unwrap(), true);
    assert_eq!(here("127.9.9.9"), here("fd00::7"));
}

/// Many guesses at once: each is paid for before the next starts.
#[test]
fn a_guess_is_paid_for_when_it_starts() {
    let mut budget = FailureLimiter::default();
    for _ in 0..4 {
        assert_eq!(budget.refusal(HERE, alice(), at(0)), None);
        budget.started(HERE, alice(), at(0));
    }
    assert_eq!(budget.refusal(HERE, alice(), at(0)), Some(4));
    budget.undecided(HERE, alice());
    assert_eq!(budget.refusal(HERE, alice(), at(0)), None, "paid back");
    for _ in 0..100 {
        budget.started(HERE, alice(), at(0));
        budget.succeeded(HERE, alice());
    }
    assert!(!budget.is_slowed(HERE, at(0)), "successes slow nobody");
}
