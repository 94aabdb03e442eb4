//! Failures and what they cost: growing delays per account and source, so that
//! nobody guesses for long and nobody can lock a person out of everywhere.
//!
//! A source is a browser that logged in to this account before (its device
//! cookie proves it), a session, or an address. Refusal is per account and
//! source. An address alone is slowed, never refused: behind a published port
//! everybody has the same one. A guess is paid for when it starts, so that many at
//! once are not all checked before the first has failed; what was no failure is paid
//! back. `now` is the time since the start, which no change of the clock moves.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::wire::Handle;

/// Failures that cost nothing: people mistype.
const FREE: u32 = 3;
/// The delay after the first failure that costs; it doubles with each more.
const FIRST_DELAY: Duration = Duration::from_secs(4);
const LONGEST_DELAY: Duration = Duration::from_secs(15 * 60);
/// Failures are forgotten that long after the last one.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// An address with more failures than this is slowed.
const ADDRESS_FREE: u32 = 10;
/// Most failures kept; beyond that the least recent goes.
const MOST: usize = 20_000;

/// The source of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// A device cookie that is valid for the account; its number.
    Device([u8; 16]),
    /// A session that changes its password.
    Session(Handle),
    /// Nothing better is known.
    Address(AddressBlock),
}

impl Source {
    /// Returns true for whoever proved to have been logged in.
    pub(crate) fn is_known(self) -> bool {
        !matches!(self, Self::Address(_))
    }
}

/// An IPv4 address, or the /64 of an IPv6 one: whoever has one has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AddressBlock(IpAddr);

impl AddressBlock {
    /// All addresses of this container are one: people's programs inside can use each.
    pub(crate) fn of(address: IpAddr, is_own: bool) -> Self {
        match address.to_canonical() {
            _ if is_own => Self(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(v6) => Self(IpAddr::from((u128::from(v6) >> 64 << 64).to_be_bytes())),
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

/// A name as typed, in a form that can be kept: it may be a mistyped password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Account([u8; 16]);

impl Account {
    pub(crate) fn named(user: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(user).into();
        Self(*digest.first_chunk().unwrap_or(&[0; 16]))
    }

    /// A number that is always the same for the name.
    pub(crate) fn number(self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|at| self.0[at]))
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Failures {
    count: u32,
    last: Duration,
}

/// All failures that still count.
#[derive(Debug, Default)]
pub(crate) struct FailureLimiter {
    pairs: HashMap<(Source, Account), Failures>,
    addresses: HashMap<AddressBlock, Failures>,
}

impl FailureLimiter {
    /// How long nothing is checked for this account from this source, rounded up
    /// to seconds; None: it may try.
    pub(crate) fn refusal(&self, source: Source, account: Account, now: Duration) -> Option<u32> {
        let failures = self.pairs.get(&(source, account))?;
        let left = (failures.last + delay(failures.count)).checked_sub(now)?;
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        (seconds > 0).then(|| u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// Returns true for an address with many failures.
    pub(crate) fn is_slowed(&self, source: Source, now: Duration) -> bool {
        let Source::Address(network) = source else {
            return false;
        };
        let failures = self.addresses.get(&network);
        failures.is_some_and(|failures| failures.current(now) > ADDRESS_FREE)
    }

    /// A guess starts: a failure until it is known to be none.
    pub(crate) fn started(&mut self, source: Source, account: Account, now: Duration) {
        make_room(&mut self.pairs, now);
        self.pairs.entry((source, account)).or_default().add(now);
        if let Source::Address(network) = source {
            make_room(&mut self.addresses, now);
            self.addresses.entry(network).or_default().add(now);
        }
    }

    /// It was no failure.
    pub(crate) fn undecided(&mut self, source: Source, account: Account) {
        pay_back(&mut self.pairs, &(source, account));
        if let Source::Address(network) = source {
            pay_back(&mut self.addresses, &network);
        }
    }

    pub(crate) fn succeeded(&mut self, source: Source, account: Account) {
        self.undecided(source, account);
        self.pairs.remove(&(source, account));
    }
}

fn pay_back<K: Eq + std::hash::Hash>(map: &mut HashMap<K, Failures>, key: &K) {
    if let Some(failures) = map.get_mut(key) {
        failures.count = failures.count.saturating_sub(1);
    }
}

impl Failures {
    fn current(self, now: Duration) -> u32 {
        if now.saturating_sub(self.last) < MEMORY {
            self.count
        } else {
            0
        }
    }

    fn add(&mut self, now: Duration) {
        self.count = self.current(now).saturating_add(1);
        self.last = now;
    }
}

fn delay(count: u32) -> Duration {
    match count.checked_sub(FREE) {
        None | Some(0) => Duration::ZERO,
        Some(above) => FIRST_DELAY
            .saturating_mul(2u32.saturating_pow(above - 1))
            .min(LONGEST_DELAY),
    }
}

fn make_room<K: Copy + Eq + std::hash::Hash>(map: &mut HashMap<K, Failures>, now: Duration) {
    if map.len() < MOST {
        return;
    }
    map.retain(|_, failures| failures.current(now) > 0);
    if map.len() < MOST {
        return;
    }
    let oldest = map.iter().min_by_key(|(_, failures)| failures.last);
    if let Some(oldest) = oldest.map(|(key, _)| *key) {
        map.remove(&oldest);
    }
}

#[cfg(test)]
mod tests;
