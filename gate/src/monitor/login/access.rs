//! Wrong access tokens: they take from the budget of failed logins from their address.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::Logins;
use super::rate_limit::{Account, AddressBlock, Source};
use crate::wire::AccessHash;

/// Wrong ones that are remembered.
const REMEMBERED: usize = 256;

/// The latest wrong access tokens. The same one again is no further guess: a program
/// whose token has ended goes on showing it, and must not slow its person's logins.
#[derive(Debug, Default)]
pub(super) struct WrongAccess(VecDeque<AccessHash>);

/// What a wrong access token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongToken {
    /// One more guess.
    New,
    /// The same again.
    Known,
    /// Nothing is looked at: there were too many.
    TooMany { seconds: u32, is_known: bool },
}

impl WrongAccess {
    fn has(&self, hash: AccessHash) -> bool {
        self.0.contains(&hash)
    }

    /// Remembers one. Returns whether it is new.
    fn add(&mut self, hash: AccessHash) -> bool {
        if self.has(hash) {
            return false;
        }
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(hash);
        true
    }
}

impl Logins {
    /// Counts a wrong access token, which names no account.
    pub(crate) fn wrong_access(
        &mut self,
        hash: AccessHash,
        address: IpAddr,
        is_own: bool,
        now: Duration,
    ) -> WrongToken {
        let source = Source::Address(AddressBlock::of(address, is_own));
        // Nobody has this name.
        let account = Account::named("");
        if let Some(seconds) = self.failures.refusal(source, account, now) {
            let is_known = self.wrong_access.has(hash);
            return WrongToken::TooMany { seconds, is_known };
        }
        if !self.wrong_access.add(hash) {
            return WrongToken::Known;
        }
        self.failures.started(source, account, now);
        WrongToken::New
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::AccessToken;

    #[test]
    fn only_new_ones_are_guesses_and_few_are_remembered() {
        let mut wrong = WrongAccess::default();
        let hash = |number: usize| {
            let bytes = std::array::from_fn(|at| number.to_le_bytes()[at % 8]);
            AccessToken::new(bytes).hash()
        };
        assert!(wrong.add(hash(0)) && !wrong.add(hash(0)));
        assert!((1..10_000).all(|number| wrong.add(hash(number))));
        assert_eq!(wrong.0.len(), REMEMBERED);
        assert!(!wrong.add(hash(9_999)) && wrong.add(hash(0)));
    }
}
